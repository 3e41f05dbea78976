"""The limits as a client meets them: a word, a time to come again, and a count for the operator."""

import asyncio
import time
from contextlib import suppress

import pytest

from tests.acceptance.harness import Gateway, eventually, report
from tests.receivers import Receiver


async def refused(gateway: Gateway, reason: str) -> float:
    return await gateway.total("hookgate_requests_refused_total", reason=reason)


async def test_a_key_over_its_rate(idle: Gateway) -> None:
    idle.settings |= {"key_requests_per_second": "1", "key_request_burst": "3"}
    await idle.start()
    began = time.monotonic()
    replies = await asyncio.gather(*(idle.call("GET", "/v1/runs") for _ in range(10)))
    more = int(time.monotonic() - began) + 1  # one a second, and the one that has begun
    over = [reply for reply in replies if reply.status == 429]
    assert 7 - more <= len(over) <= 7
    assert {reply.json()["code"] for reply in over} == {"too_many_requests"}
    assert all(int(reply.headers["retry-after"]) >= 1 for reply in over)
    assert await refused(idle, "key_rate") == len(over)


async def test_a_namespace_over_its_quota_until_deliveries_end(
    idle: Gateway, receiver: Receiver
) -> None:
    idle.settings["namespace_max_pending"] = "5"
    idle.manifests.subscription("hook", receiver.url("ok200/hook"), suspend=True)
    idle.manifests.api_key("bank", "key-of-the-bank-0123456789ab")
    await idle.start()
    for _ in range(5):
        await idle.accepted(report())
    reply = await idle.report(report())
    assert (reply.status, reply.json()["code"]) == (429, "backlog_full")
    assert "5 deliveries of this namespace are pending, 5 may be" in reply.json()["detail"]
    assert int(reply.headers["retry-after"]) >= 1
    assert await refused(idle, "backlog_full") == 1
    await idle.accepted(report(), key="key-of-the-bank-0123456789ab")
    await idle.stop()
    await idle.start()  # a restart forgets nothing

    async def still_refused() -> bool:
        return (await idle.report(report())).status == 429

    await eventually(still_refused, what="counted again")
    idle.manifests.subscription("hook", receiver.url("ok200/hook"))

    async def accepted() -> bool:
        return (await idle.report(report())).status == 202

    await eventually(accepted, what="room again")


@pytest.mark.timeout(180)
async def test_slow_clients_hold_nobody_up(idle: Gateway) -> None:
    """Four hundred half-open requests against a listener that may have five hundred connections."""
    idle.settings |= {"max_connections": "500", "max_connections_per_address": "500"}
    await idle.start()
    lorises = [await asyncio.open_connection("127.0.0.1", idle.port) for _ in range(400)]
    for _, writer in lorises:
        writer.write(b"POST /v1/events HTTP/1.1\r\nHost: a\r\nX-Slow: ")
    assert (await idle.report(report())).status == 202
    # Three quarters are taken: heads get five seconds.
    await asyncio.wait_for(asyncio.gather(*(reader.read() for reader, _ in lorises)), 60)
    assert await refused(idle, "slow_head") == 400
    assert (await idle.report(report())).status == 202
    for _, writer in lorises:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def test_more_connections_than_an_address_may_have(idle: Gateway) -> None:
    idle.settings["max_connections_per_address"] = "3"
    await idle.start()
    some = [await asyncio.open_connection("127.0.0.1", idle.port) for _ in range(3)]
    reader, writer = await asyncio.open_connection("127.0.0.1", idle.port)
    assert (await asyncio.wait_for(reader.read(), 10)).startswith(b"HTTP/1.1 429 ")
    assert await refused(idle, "address_connections") == 1
    for each in (writer, *(w for _, w in some)):
        each.close()
        await each.wait_closed()


async def test_a_body_over_the_limit_of_its_key(idle: Gateway) -> None:
    idle.manifests.api_key(max_body_bytes="200")
    await idle.start()
    await idle.accepted({"run_id": "tsk_small", "status": "completed"})
    reply = await idle.report(report(padding="x" * 200))
    assert (reply.status, reply.json()["code"]) == (413, "body_too_large")
    assert await refused(idle, "body_too_large") == 1
