"""
The publisher of a soak: an open loop that repeats a report until it is answered, as a good client does.
"""

import asyncio
import json
import time
from collections import Counter
from dataclasses import dataclass, field

import aiohttp
from tests.acceptance.manifests import API_KEY
from tests.faults.ledger import Ledger

from benchmarks.soak.targets import workflow

_PATIENCE = 40.0
_PAUSE = 0.25
_MOST_WAITING = 4000


@dataclass
class Publisher:
    """Sends ``rate`` reports a second; what was answered 2xx is promised in the ledger."""

    url: str
    rate: float
    ledger: Ledger = field(default_factory=Ledger)
    sent: list[float] = field(default_factory=list)
    """When event N was first sent, unix seconds."""
    answers: Counter[str] = field(default_factory=Counter)
    unexpected: list[str] = field(default_factory=list)
    """Answers that no client should ever see."""
    _stopped: bool = False

    def stop(self) -> None:
        self._stopped = True

    async def run(self) -> None:
        """Publish until :meth:`stop`, then wait for the last answers."""
        headers = {"x-api-key": API_KEY, "Content-Type": "application/json"}
        async with (
            aiohttp.ClientSession(
                headers=headers,
                timeout=aiohttp.ClientTimeout(total=10),
                connector=aiohttp.TCPConnector(limit=64),
            ) as session,
            asyncio.TaskGroup() as group,
        ):
            await self._keep_time(session, group)

    async def _keep_time(self, session: aiohttp.ClientSession, group: asyncio.TaskGroup) -> None:
        began, number, waiting = time.monotonic(), 0, asyncio.Semaphore(_MOST_WAITING)
        while not self._stopped:
            due = began + number / self.rate
            if (ahead := due - time.monotonic()) > 0:
                await asyncio.sleep(ahead)
            await waiting.acquire()
            task = group.create_task(self._publish(session, number))
            task.add_done_callback(lambda _: waiting.release())
            number += 1

    async def _publish(self, session: aiohttp.ClientSession, number: int) -> None:
        run = run_name(number)
        body = json.dumps(_report(run, number)).encode()
        self.ledger.tried.add(run)
        self.sent.append(time.time())  # noqa: TID251  # beside the receivers' clock
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            answer = await self._ask(session, body)
            self.answers[answer] += 1
            if answer in ("202", "200"):
                self.ledger.promised.add(run)
                return
            if answer not in ("503", "no answer"):
                self.unexpected.append(f"{run}: {answer}")
                return
            await asyncio.sleep(_PAUSE)
        self.ledger.refused += 1

    async def _ask(self, session: aiohttp.ClientSession, body: bytes) -> str:
        try:
            async with session.post(self.url, data=body) as answer:
                await answer.read()
                return str(answer.status)
        except (aiohttp.ClientError, TimeoutError, OSError):
            return "no answer"


def run_name(number: int) -> str:
    return f"tsk_soak_{number:08d}"


def number_of(run: str) -> int:
    return int(run.removeprefix("tsk_soak_"))


def _report(run: str, number: int) -> dict[str, object]:
    return {
        "run_id": run,
        "run_type": "task_v2",
        "status": "completed" if number % 3 else "failed",
        "workflow_id": workflow(number),
        "output": {"price": 1299.99, "number": number},
        "created_at": "2026-03-01T10:00:00Z",
        "modified_at": "2026-03-01T10:05:23Z",
        "note": "x" * 512,
    }
