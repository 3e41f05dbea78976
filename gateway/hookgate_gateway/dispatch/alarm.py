"""
One timer for all lanes: rings for each lane at the moment it asked for.
"""

import asyncio
from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count

from hookgate_gateway.dispatch.lanes import Lane
from hookgate_gateway.rules.lane import is_due
from hookgate_process.clock import Clock

_SHORTEST = 0.001
"""Seconds: an event loop's timer may be early by its resolution; do not spin on that."""


class Alarm:
    """Wakes lanes that wait for their rate, breaker or pause. A lane has one wake-up at most."""

    def __init__(self, clock: Clock, ring: Callable[[Lane], None]) -> None:
        self._clock = clock
        self._ring = ring
        self._heap: list[tuple[float, int, Lane]] = []
        self._wanted: dict[Lane, float] = {}
        self._order = count()
        self._handle: asyncio.TimerHandle | None = None
        self._set_for = 0.0

    def wake(self, lane: Lane, at: float) -> None:
        """Ring for ``lane`` at ``at`` (monotonic) or soon after; an earlier wish stands."""
        wanted = self._wanted.get(lane)
        if wanted is not None and wanted <= at:
            return
        self._wanted[lane] = at
        heappush(self._heap, (at, next(self._order), lane))
        self._set()

    def close(self) -> None:
        self._heap.clear()
        self._wanted.clear()
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _set(self) -> None:
        if not self._heap:
            return
        at = self._heap[0][0]
        if self._handle is not None:
            if self._set_for <= at:
                return
            self._handle.cancel()
        self._set_for = at
        delay = max(_SHORTEST, at - self._clock.monotonic())
        self._handle = asyncio.get_running_loop().call_later(delay, self._fire)

    def _fire(self) -> None:
        self._handle = None
        now = self._clock.monotonic()
        due: list[Lane] = []
        while self._heap and is_due(self._heap[0][0], now):
            at, _, lane = heappop(self._heap)
            if self._wanted.get(lane) == at:
                del self._wanted[lane]
                due.append(lane)
        for lane in due:  # afterwards: who rings may ask to be woken again
            self._ring(lane)
        self._set()
