"""
The slots: starting attempts in fair order, as many as may be under way at once.

One task for each slot in use and none for a lane that waits. Whoever changes what a lane may do calls
``settle`` for it, and ``fill`` when slots may be free.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from hookgate_gateway.dispatch.alarm import Alarm
from hookgate_gateway.dispatch.lanes import Lane
from hookgate_gateway.dispatch.windows import Windows
from hookgate_gateway.rules.delivery import Attempt, Delivery, DeliveryId
from hookgate_gateway.rules.lane import is_due
from hookgate_gateway.rules.turns import Turns
from hookgate_process.clock import Clock

Perform = Callable[[Delivery], Awaitable[Attempt | None]]
"""Carries out one attempt; None when it could not be made (and was dealt with)."""


class Ended(Protocol):
    """Is told of each attempt that is over, and to which endpoint (its fingerprint) it was made."""

    def __call__(
        self, lane: Lane, delivery: Delivery, attempt: Attempt | None, *, endpoint: str
    ) -> None: ...


class _Attempting:
    """What a slot is in use for."""

    __slots__ = ("delivery", "lane")

    def __init__(self, lane: Lane, delivery: Delivery) -> None:
        self.lane = lane
        self.delivery = delivery


class Slots:
    """Runs attempts. ``may_start`` says whether any may be started now at all."""

    def __init__(
        self,
        clock: Clock,
        windows: Windows,
        *,
        slots: int,
        perform: Perform,
        ended: Ended,
        may_start: Callable[[], bool],
    ) -> None:
        self._clock = clock
        self._windows = windows
        self._perform = perform
        self._ended = ended
        self._may_start = may_start
        self._turns: Turns[Lane] = Turns(slots)
        self._alarm = Alarm(clock, self._ring)
        self._tasks: dict[asyncio.Task[None], _Attempting] = {}
        self.low: Callable[[Lane], None] = lambda _: None
        """Called with a lane for which the store may hold more, whenever it is settled."""

        self.probing: Callable[[Lane], None] = lambda _: None
        """Called with a lane whose breaker is half open when its one attempt is started."""

    @property
    def in_flight(self) -> int:
        return self._turns.in_flight

    def settle(self, lane: Lane) -> None:
        """See anew what the lane may do."""
        now = self._clock.monotonic()
        opening = lane.opening(now)
        if opening is None:
            self._turns.withdraw(lane.namespace, lane)
        elif is_due(opening, now):
            self._turns.ready(lane.namespace, lane)
        else:
            self._turns.withdraw(lane.namespace, lane)
            self._alarm.wake(lane, opening)
        if lane.parked:
            self.low(lane)

    def fill(self) -> None:
        """Start attempts while there are slots and lanes that may."""
        while (started := self._start()) is not None:
            task = asyncio.create_task(self._occupy(started))
            self._tasks[task] = started
            task.add_done_callback(self._tasks.pop)

    def wake(self, lane: Lane, at: float) -> None:
        """Settle the lane at ``at`` (monotonic seconds)."""
        self._alarm.wake(lane, at)

    async def drain(self, grace: float) -> list[DeliveryId]:
        """Let what is under way finish within ``grace`` seconds; the ids of what had to be aborted."""
        self._alarm.close()
        if self._tasks and grace > 0:
            await asyncio.wait(self._tasks, timeout=grace)
        aborted = dict(self._tasks)
        for task in aborted:
            task.cancel()
        if aborted:
            await asyncio.wait(aborted)
        return [its.delivery.id for task, its in aborted.items() if task.cancelled()]

    def _start(self) -> _Attempting | None:
        """The attempt whose turn it is, its slot taken; None when none may be started."""
        if not self._may_start():
            return None
        lane = self._turns.take()
        if lane is None:
            return None
        delivery = self._windows.pop(lane, self._clock.monotonic())
        if lane.is_probing:
            self.probing(lane)
        self.settle(lane)
        return _Attempting(lane, delivery)

    async def _occupy(self, slot: _Attempting) -> None:
        """Make this attempt, and afterwards whichever is next: a task each would cost as much again."""
        try:
            while True:
                await self._make(slot.lane, slot.delivery)
                following = self._start()
                if following is None:
                    break
                slot.lane, slot.delivery = following.lane, following.delivery
                self.fill()  # what has just ended may have opened its lane to several
                await asyncio.sleep(0)  # requests that start together wake their receivers once
        finally:
            self.fill()

    async def _make(self, lane: Lane, delivery: Delivery) -> None:
        attempt: Attempt | None = None
        endpoint = lane.endpoint
        try:
            attempt = await self._perform(delivery)
        finally:
            lane.left(self._clock.monotonic())
            self._turns.ended(lane.namespace)
            self._ended(lane, delivery, attempt, endpoint=endpoint)
            self.settle(lane)

    def _ring(self, lane: Lane) -> None:
        self.settle(lane)
        self.fill()
