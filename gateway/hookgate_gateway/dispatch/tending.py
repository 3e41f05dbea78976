"""
Tending the lanes: which are ours, which have parked work that nobody announced, which are idle.
"""

import asyncio
from collections.abc import Callable

from hookgate_gateway.dispatch.admission import Admission
from hookgate_gateway.dispatch.expiry import Expiry
from hookgate_gateway.dispatch.lanes import Lane
from hookgate_gateway.dispatch.lease import Lease
from hookgate_gateway.dispatch.report import tell_breaker
from hookgate_gateway.dispatch.slots import Slots
from hookgate_gateway.dispatch.tasks import Tasks
from hookgate_gateway.dispatch.windows import Windows
from hookgate_gateway.observe import Observer
from hookgate_gateway.ports import Backlog, Sender
from hookgate_gateway.rules.lane import BreakerState
from hookgate_process.clock import Clock

_EVERY = 15.0
"""Seconds between looks for idle lanes and for parked work that nobody announced."""
_IDLE = 60.0
"""Seconds after which the connections of an unused lane are closed."""
_MOST_LANES = 10_000
"""Lanes in memory (2 KiB each) from which on those of runs' targets are forgotten as soon as they are idle."""
_FORGET = 3600.0
"""Seconds after which an unused lane is forgotten although its breaker had counted failures."""


class Tending:
    """Two loops over the lanes in memory; ``gained`` is called when lanes may have become ours."""

    def __init__(
        self,
        backlog: Backlog,
        sender: Sender,
        observer: Observer,
        clock: Clock,
        *,
        lease: Lease,
        windows: Windows,
        admission: Admission,
        slots: Slots,
        expiry: Expiry,
        tasks: Tasks,
        gained: Callable[[], None],
    ) -> None:
        self._backlog = backlog
        self._sender = sender
        self._observer = observer
        self._clock = clock
        self._lease = lease
        self._windows = windows
        self._admission = admission
        self._slots = slots
        self._expiry = expiry
        self._tasks = tasks
        self._gained = gained

    async def watch_lease(self) -> None:
        """Keep knowing what is ours, until cancelled."""
        while True:
            if await self._lease.renew():
                self._leave_lost_lanes()
                self._gained()
            self._slots.fill()
            await self._lease.rest()

    def _leave_lost_lanes(self) -> None:
        for lane in self._windows:
            if not self._lease.covers(lane.key):
                for delivery in self._windows.clear(lane):
                    self._admission.release(delivery)
                lane.parked = False
                self._slots.settle(lane)

    async def tend_forever(self) -> None:
        """Find parked work, end what has waited too long, close what is idle, until cancelled."""
        while True:
            parked = [k for k in await self._backlog.parked_lanes() if self._lease.covers(k)]
            await self._expiry.sweep(parked)
            for key in parked:
                if not self._admission.is_held(key):
                    self._admission.expect_parked(self._windows.obtain(key))
            for lane in self._windows:
                self._retire(lane)
            await asyncio.sleep(_EVERY)

    def _retire(self, lane: Lane) -> None:
        """Close the connections of an idle lane; forget it when nothing is worth remembering."""
        now = self._clock.monotonic()
        idle = now - lane.used_at
        if not lane.is_idle or idle < _IDLE:
            return
        if lane.connected:
            lane.connected = False
            self._tasks.spawn("disconnect", self._sender.forget(lane.key))
        elif lane.is_healthy or idle >= _FORGET or self._is_crowded(lane):
            tell_breaker(self._observer, lane, lane.state(now), BreakerState.CLOSED)
            self._windows.forget(lane)

    def _is_crowded(self, lane: Lane) -> bool:
        """Whether there are so many lanes that this one's breakers are not worth the memory."""
        return lane.subscription is None and len(self._windows) > _MOST_LANES
