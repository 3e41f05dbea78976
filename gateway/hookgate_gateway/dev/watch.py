"""
A line for each event and each delivery, for as long as ``hookgate dev`` stays up.
"""

import asyncio
from typing import Any

import aiohttp

from hookgate_gateway.dev.client import Client, Refused
from hookgate_gateway.dev.narrator import Narrator

__all__ = ["Watch"]


class Watch:
    """Looks at the newest events and deliveries and tells what changed since the last look."""

    def __init__(self, client: Client, narrator: Narrator) -> None:
        self._client = client
        self._narrator = narrator
        self._events: set[str] = set()
        self._deliveries: dict[str, tuple[Any, ...]] = {}

    async def run(self) -> None:
        """Never returns. Tells what comes from now on."""
        await self._look(tell=False)
        while True:
            await asyncio.sleep(0.5)
            await self._look(tell=True)

    async def _look(self, *, tell: bool) -> None:
        try:
            events, deliveries = await self._client.events(), await self._client.deliveries()
        except (Refused, aiohttp.ClientError, TimeoutError):
            return
        lines = [*self._new_events(events), *self._changed_deliveries(deliveries)]
        for line in lines if tell else ():
            self._narrator.say(line)

    def _new_events(self, events: list[dict[str, Any]]) -> list[str]:
        fresh = [event for event in reversed(events) if event["id"] not in self._events]
        self._events = {event["id"] for event in events}
        return [
            f"event     {event['id']}: {event['run_id']} is {event['status']}" for event in fresh
        ]

    def _changed_deliveries(self, deliveries: list[dict[str, Any]]) -> list[str]:
        before = self._deliveries
        self._deliveries = {d["id"]: (d["state"], d["attempts"]) for d in deliveries}
        changed = [
            d for d in reversed(deliveries) if before.get(d["id"]) != self._deliveries[d["id"]]
        ]
        return [_line(delivery) for delivery in changed]


def _line(delivery: dict[str, Any]) -> str:
    target = delivery.get("subscription") or "the run's own URL"
    line = f"delivery  {delivery['id']} to {target}: {delivery['state']}"
    if delivery["attempts"]:
        line += f" after attempt {delivery['attempts']} ({delivery.get('outcome')})"
    if delivery.get("next_attempt_at"):
        line += f", next at {delivery['next_attempt_at']}"
    return line
