"""
Wait until there may be something to take: until a wall-clock time, or until somebody rings.
"""

import asyncio
from collections.abc import Callable

from hookgate_gateway.rules.delivery import Timestamp

__all__ = ["Alarm"]

_LONGEST_SLEEP = 30.0
"""Seconds after which the wall clock is read again: it may have jumped."""


class Alarm:
    """For one waiter. What rings before it waits is not lost."""

    def __init__(self, now: Callable[[], Timestamp]) -> None:
        self._now = now
        self._earliest = float("inf")
        self._changed = asyncio.Event()

    def ring(self) -> None:
        """There may be something now."""
        self.at(float("-inf"))

    def at(self, due: Timestamp) -> None:
        """There will be something at ``due``."""
        if due < self._earliest:
            self._earliest = due
            self._changed.set()

    async def wait(self, until: Timestamp) -> None:
        while (left := min(until, self._earliest) - self._now()) > 0:
            self._changed.clear()
            try:
                async with asyncio.timeout(min(left, _LONGEST_SLEEP)):
                    await self._changed.wait()
            except TimeoutError:
                continue
        self._earliest = float("inf")
