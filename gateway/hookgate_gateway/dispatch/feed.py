"""
From the backlog into the lanes: what has come due, and what is parked for a lane that has room.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from math import inf

from hookgate_gateway.dispatch.lanes import Lane, weight
from hookgate_gateway.dispatch.returns import Returns
from hookgate_gateway.dispatch.takes import Takes
from hookgate_gateway.dispatch.windows import Windows
from hookgate_gateway.ports import Backlog
from hookgate_gateway.rules.delivery import Delivery, Timestamp
from hookgate_gateway.rules.lane import is_due
from hookgate_process.clock import Clock

TAKE = 256
"""Deliveries taken at once; with bodies of 64 KiB that is 16 MiB."""
LONGEST_REST = 30.0
"""Seconds after which the wall clock is read again, whatever was due when."""
_SHORTEST_REST = 0.005
_IDLE = 0.5
"""Seconds between looks at conditions that nobody announces."""
SOON = 0.05
"""Seconds until a lane is looked at again for which there was no room."""
_BEHIND_A_BREAKER = 10.0
"""Seconds until a lane is looked at again whose parked deliveries wait for a breaker."""
_PAST_A_BREAKER = 1.0
"""Seconds until a lane of runs' targets is looked at behind those that wait for one URL's breaker."""
_IN_TRANSIT = 5.0
"""Seconds in which what somebody was told to park may still arrive in the store."""


class DueFeed:
    """Takes what is due and admits it. ``may_take`` is False while nothing could be started anyway."""

    def __init__(
        self,
        backlog: Backlog,
        clock: Clock,
        returns: Returns,
        *,
        takes: Takes,
        admit: Callable[[Delivery], None],
        fill: Callable[[], None],
        may_take: Callable[[], bool],
    ) -> None:
        self._backlog = backlog
        self._clock = clock
        self._returns = returns
        self._takes = takes
        self._admit = admit
        self._fill = fill
        self._may_take = may_take
        self._nudge = asyncio.Event()
        self._until: Timestamp = inf

    def expect(self, due: Timestamp) -> None:
        """Something was stored that comes due then."""
        if due < self._until:
            self._nudge.set()

    async def take_forever(self) -> None:
        """Take what is due, again and again, until cancelled."""
        while True:
            await self._returns.few()
            if not self._may_take():
                await asyncio.sleep(_IDLE)
                continue
            self._nudge.clear()
            self._until = inf
            now = self._clock.now()
            with self._takes.take() as cancelled:
                taken = await self._backlog.take_due(now, TAKE)
            for delivery in taken.deliveries:
                if delivery.id in cancelled:
                    self._returns.release(delivery.id)
                else:
                    self._admit(delivery)
            self._fill()
            next_due = inf if taken.next_due is None else taken.next_due
            if len(taken.deliveries) == TAKE or (taken.deliveries and next_due <= now):
                await asyncio.sleep(0)  # a store may cut a large answer short
            else:
                await self._rest(next_due)

    async def _rest(self, next_due: Timestamp) -> None:
        now = self._clock.now()
        self._until = max(min(next_due, now + LONGEST_REST), now + _SHORTEST_REST)
        waiting = asyncio.ensure_future(self._backlog.wait(self._until))
        nudged = asyncio.ensure_future(self._nudge.wait())
        both = {waiting, nudged}
        try:
            # The time-out is for a wall clock that was set back meanwhile.
            await asyncio.wait(both, timeout=LONGEST_REST, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in both:
                task.cancel()
            await asyncio.wait(both)
        if not waiting.cancelled():
            waiting.result()


class Refills:
    """Fetches what is parked, one lane after the other."""

    def __init__(
        self,
        backlog: Backlog,
        clock: Clock,
        windows: Windows,
        *,
        returns: Returns,
        takes: Takes,
        receive: Callable[[Lane, Delivery], bool],
        settle: Callable[[Lane], None],
        fill: Callable[[], None],
        wake: Callable[[Lane, float], None],
        may_take: Callable[[], bool],
    ) -> None:
        self._backlog = backlog
        self._clock = clock
        self._windows = windows
        self._returns = returns
        self._takes = takes
        self._receive = receive
        self._settle = settle
        self._fill = fill
        self._wake = wake
        self._may_take = may_take
        self._queue: OrderedDict[Lane, None] = OrderedDict()
        self._some = asyncio.Event()

    def want(self, lane: Lane) -> None:
        """The store may hold something for this lane: fetch it when the lane can use it."""
        if lane in self._queue:
            return
        at = lane.refill_at(self._windows.capacity(lane))
        if at is None:
            return
        if not is_due(at, self._clock.monotonic()):
            self._wake(lane, at)
            return
        self._queue[lane] = None
        self._some.set()

    async def refill_forever(self) -> None:
        """Refill the lanes that want it, until cancelled."""
        while True:
            if not self._queue:
                self._some.clear()
                await self._some.wait()
            lane = self._first_with_room()
            if lane is None or not self._may_take():
                await asyncio.sleep(SOON)
                continue
            await self._refill(lane)
            self._queue.pop(lane, None)
            self._settle(lane)
            self._fill()

    def _first_with_room(self) -> Lane | None:
        return next((lane for lane in self._queue if self._windows.has_room(lane)), None)

    async def _refill(self, lane: Lane) -> None:
        capacity = self._windows.capacity(lane)
        if lane.refill_at(capacity) is None:
            return
        limit = min(TAKE, lane.refill_limit(capacity))
        asked_at = self._clock.monotonic()
        lane.backlogged = False
        behind = lane.refill_behind
        with self._takes.take() as cancelled:
            parked = await self._backlog.take_parked(lane.key, limit, behind)
        self._returns.release(*[one.id for one in parked if one.id in cancelled])
        alive = [delivery for delivery in parked if delivery.id not in cancelled]
        refused = [delivery for delivery in alive if not self._receive(lane, delivery)]
        if parked:
            lane.typical_weight = max(
                sum(map(weight, parked)) // len(parked), *map(weight, refused), 0
            )
        if refused:
            lane.refill_after = self._clock.monotonic() + _pause(lane)
        if lane.subscription is None and parked and (refused or behind is not None):
            lane.refill_behind = parked[-1].due, parked[-1].id
        if not parked and behind is not None:  # looked at all of them: begin again
            lane.refill_behind = None
            lane.refill_after = self._clock.monotonic() + _BEHIND_A_BREAKER
        elif not parked and not lane.backlogged:
            self._emptied(lane, asked_at)
        elif len(parked) == limit:
            lane.backlogged = lane.subscription is not None

    def _emptied(self, lane: Lane, asked_at: float) -> None:
        """Nothing is left, unless something that somebody was told to park is still on its way."""
        if lane.told_at + _IN_TRANSIT < asked_at:
            lane.parked = False
        else:
            lane.refill_after = self._clock.monotonic() + _IDLE


def _pause(lane: Lane) -> float:
    """Seconds until the next look, some of what was fetched having found no room."""
    if not lane.has_open_circuit:
        return SOON
    return _PAST_A_BREAKER if lane.subscription is None else _BEHIND_A_BREAKER
