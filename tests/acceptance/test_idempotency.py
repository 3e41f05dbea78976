"""A client that lost the answer asks again, whatever happened to the gateway meanwhile."""

import asyncio

import aiohttp

from tests.acceptance.harness import Gateway, Reply

HEADERS = {"Idempotency-Key": "order-4711"}
BODY = {"prompt": "buy milk", "webhook_url": "https://shop.example/hook"}


async def ask(gateway: Gateway) -> Reply | None:
    """The answer, or None when it was lost with the gateway."""
    try:
        return await gateway.call("POST", "/v1/run/tasks", json=BODY, headers=HEADERS)
    except (aiohttp.ClientError, OSError):
        return None


async def test_a_key_outlives_kills(idle: Gateway) -> None:
    await idle.start()
    answers = []
    for _ in range(3):
        asked = [asyncio.create_task(ask(idle)) for _ in range(5)]
        await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
        idle.kill()
        answers += [reply for reply in await asyncio.gather(*asked) if reply is not None]
        await idle.start()
    answers.append(await ask(idle))
    bodies = {reply.body for reply in answers if reply is not None}
    assert {reply.status for reply in answers if reply is not None} == {200}
    assert len(bodies) == 1
    assert len(await idle.get("/v1/runs")) == 1
    other = {**BODY, "prompt": "buy bread"}
    reply = await idle.call("POST", "/v1/run/tasks", json=other, headers=HEADERS)
    assert reply.status == 409
