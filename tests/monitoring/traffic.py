"""A gateway in every state that a dashboard shows: what is delivered, given up, held, refused, replayed."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from tests.acceptance.harness import Gateway, gateway, report
from tests.acceptance.manifests import source
from tests.receivers import Receiver

PAUSE = 0.25  # seconds between two rounds of traffic
GOOD, FAILING, BROKEN, HELD = "good", "failing", "broken", "held"


@asynccontextmanager
async def busy_gateway(home: Path) -> AsyncIterator[Gateway]:
    """One that reports come to until the context ends, good ones and others."""
    async with Receiver(log_limit=1000) as receiver, gateway(home) as it:
        declare(it, receiver)
        await it.start()
        rounds = asyncio.create_task(_traffic(it))
        try:
            yield it
        finally:
            rounds.cancel()
            with suppress(asyncio.CancelledError):
                await rounds


def declare(it: Gateway, receiver: Receiver) -> None:
    """Four subscriptions, each with its fate, and a source."""
    sub, breaker = it.manifests.subscription, {"consecutiveFailures": 2, "openSeconds": 2}
    sub(GOOD, receiver.url("ok200/good"))
    sub(FAILING, receiver.url("ok200/failing?status=500"), retry=())
    sub(BROKEN, receiver.url("close/broken"), delivery={"circuitBreaker": breaker})
    sub(HELD, receiver.url("ok200/held"), suspend=True)
    it.manifests.write("source", source("skyvern", "key-of-the-skyvern-server-012345"))


async def _traffic(it: Gateway) -> None:
    """A round of each kind, for ever."""
    while True:
        body = report()
        await it.accepted(body)
        await it.report(body)  # a duplicate
        await it.report(b"[]")  # no report
        await it.call("GET", "/v1/runs", key="a-key-that-nobody-has-0123456789")
        await it.post("/v1/ingest/default/skyvern", b"{}", key=None, X_Skyvern_Signature="0" * 64)
        await no_http(it.port)
        wanted = {"filter": {"subscription": FAILING, "state": "exhausted"}}
        await it.post("/v1/replays", json.dumps(wanted).encode())
        await asyncio.sleep(PAUSE)


async def no_http(port: int) -> None:
    """Say something to a listener that is no HTTP, and hear it out."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"what?\r\n\r\n")
    await reader.read()
    writer.close()
    await writer.wait_closed()
