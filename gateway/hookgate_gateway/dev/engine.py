"""
A small simulated engine: it takes runs that were asked for through their statuses and reports each.

It knows only the gateway's API, as a real engine would: it looks for created runs and posts what
became of them to ``/v1/events``.
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import aiohttp

from hookgate_gateway.dev.client import Client, Refused

__all__ = ["Engine"]

_SECOND_THOUGHT = 3.0
"""Seconds before a run that could not be reported is taken again."""

_OUTPUTS = {
    "workflow_run": {"invoices_downloaded": 15, "total_amount": 45678.90},
    "task": {"product_name": "Laptop Pro 15", "price": 1299.99, "in_stock": True},
}


class Engine:
    """Works on every created run that the client can see. ``pace`` is the pause between statuses."""

    def __init__(
        self,
        client: Client,
        now: Callable[[], float],
        tell: Callable[[str, str], None],
        *,
        pace: float = 0.4,
    ) -> None:
        self._client = client
        self._now = now
        self._tell = tell
        self._pace = pace
        self._taken: set[str] = set()

    async def work(self) -> None:
        """Never returns. A gateway that cannot answer now is asked again."""
        async with asyncio.TaskGroup() as jobs:
            while True:
                for run in await self._created():
                    if run["run_id"] not in self._taken:
                        self._taken.add(run["run_id"])
                        jobs.create_task(self._take(run["run_id"]))
                await asyncio.sleep(self._pace / 2)

    async def _created(self) -> list[dict[str, Any]]:
        try:
            return await self._client.runs("created")
        except (Refused, aiohttp.ClientError, TimeoutError):
            return []

    async def _take(self, run_id: str) -> None:
        try:
            run = await self._client.get_run(run_id)
            for status in ("queued", "running", "completed"):
                run = _advanced(run, status, self._stamp())
                await self._client.report(run)
                self._tell(run_id, status)
                await asyncio.sleep(self._pace)
        except (Refused, aiohttp.ClientError, TimeoutError) as error:
            self._tell(run_id, f"not reported: {error}")
            await asyncio.sleep(_SECOND_THOUGHT)
            self._taken.discard(run_id)

    def _stamp(self) -> str:
        return datetime.fromtimestamp(self._now(), UTC).isoformat().replace("+00:00", "Z")


def _advanced(run: dict[str, Any], status: str, stamp: str) -> dict[str, Any]:
    """The run as it is reported once it has this status."""
    column = {"queued": "queued_at", "running": "started_at", "completed": "finished_at"}[status]
    changed = {**run, "status": status, "modified_at": stamp, column: stamp}
    if status == "completed":
        kind = "workflow_run" if run.get("run_type") == "workflow_run" else "task"
        changed |= {"output": _OUTPUTS[kind], "step_count": 12}
    return changed
