"""
A publisher that goes on whatever happens: each report once, the answer noted in the ledger.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp

from tests.acceptance.harness import Gateway, eventually, report
from tests.faults.ledger import Ledger

WORKERS = 16


class Publisher:
    """Sixteen workers, at most ``rate`` reports a second together, until it has promised enough."""

    def __init__(self, gateway: Gateway, ledger: Ledger, rate: float, status: str) -> None:
        self._gateway = gateway
        self._ledger = ledger
        self._status = status
        self._interval = WORKERS / rate
        self._stopped = False

    async def run(self, session: aiohttp.ClientSession) -> None:
        await asyncio.gather(*(self._worker(session, n) for n in range(WORKERS)))

    def stop(self) -> None:
        self._stopped = True

    async def _worker(self, session: aiohttp.ClientSession, worker: int) -> None:
        turn = 0
        while not self._stopped:
            turn += 1
            pause = asyncio.create_task(asyncio.sleep(self._interval))
            await self._publish(session, f"tsk_{id(self._ledger):x}_{worker:02d}_{turn:06d}")
            await pause

    async def _publish(self, session: aiohttp.ClientSession, run: str) -> None:
        body = json.dumps(report(run, status=self._status, padding="x" * 512)).encode()
        self._ledger.tried.add(run)
        began = time.monotonic()
        try:
            async with session.post(self._gateway.url("/v1/events"), data=body) as answer:
                await answer.read()
                if answer.status == 202:
                    self._ledger.promised.add(run)
                else:
                    self._ledger.refused += 1
                    assert answer.status == 503, answer.status
        except (aiohttp.ClientError, TimeoutError, OSError):
            self._ledger.refused += 1
        finally:
            self._ledger.slowest = max(self._ledger.slowest, time.monotonic() - began)


@asynccontextmanager
async def publishing(
    gateway: Gateway, ledger: Ledger, rate: float, status: str = "completed"
) -> AsyncIterator[Publisher]:
    """Publish while the block runs; an error in the publisher is raised at its end."""
    from tests.acceptance.manifests import API_KEY

    headers = {"x-api-key": API_KEY, "Content-Type": "application/json"}
    timeout = aiohttp.ClientTimeout(total=30)
    async with aiohttp.ClientSession(headers=headers, timeout=timeout) as session:
        publisher = Publisher(gateway, ledger, rate, status)
        task = asyncio.create_task(publisher.run(session))
        try:
            yield publisher
        finally:
            publisher.stop()
            await task


async def promised(ledger: Ledger, count: int) -> None:
    """Wait until that many reports have been answered 202."""

    async def so_many() -> bool:
        return len(ledger.promised) >= count

    await eventually(so_many, within=60, what=f"{count} are promised")


async def drained(gateway: Gateway, within: float = 60.0) -> None:
    """Wait until the gateway owes nothing any more."""

    async def nothing_pending() -> bool:
        return not await gateway.deliveries("?state=pending&limit=1")

    await eventually(nothing_pending, within=within, what="nothing is pending")
