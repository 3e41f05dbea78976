"""
Lanes follow the catalogue: another endpoint, other limits, a hold that begins or ends.
"""

import asyncio
from collections.abc import Iterable

from hookgate_gateway.catalogue.snapshot import Snapshot
from hookgate_gateway.dispatch.admission import Admission
from hookgate_gateway.dispatch.lanes import Lane
from hookgate_gateway.dispatch.lease import Lease
from hookgate_gateway.dispatch.plan import Catalogue, lane_terms
from hookgate_gateway.dispatch.report import tell_breaker
from hookgate_gateway.dispatch.slots import Slots
from hookgate_gateway.dispatch.tasks import Tasks
from hookgate_gateway.dispatch.windows import Windows
from hookgate_gateway.observe import Observer
from hookgate_gateway.ports import Sender, StoreUnavailable
from hookgate_gateway.rules.delivery import LaneKey
from hookgate_gateway.rules.lane import subscription_lane
from hookgate_process.clock import Clock

_PAUSE = 1.0
"""Seconds until a catalogue that could not be read is read again."""


class Following:
    """Tells the lanes in memory what the catalogue says of them now."""

    def __init__(
        self,
        catalogue: Catalogue,
        sender: Sender,
        observer: Observer,
        clock: Clock,
        *,
        lease: Lease,
        windows: Windows,
        admission: Admission,
        slots: Slots,
        tasks: Tasks,
    ) -> None:
        self._catalogue = catalogue
        self._sender = sender
        self._observer = observer
        self._clock = clock
        self._lease = lease
        self._windows = windows
        self._admission = admission
        self._slots = slots
        self._tasks = tasks

    def changed(self, old: Snapshot, new: Snapshot) -> None:
        """The catalogue's snapshot was replaced."""
        changed = {
            subscription_lane(*key)
            for key in old.subscriptions.keys() | new.subscriptions.keys()
            if old.subscriptions.get(key) is not new.subscriptions.get(key)
        }
        for key in changed:
            found = lane_terms(key, new)
            if lane_terms(key, old).held and not found.held and self._lease.covers(key):
                self._windows.obtain(key).parked = True  # what waited for this is in the store
        self._adopt(changed)

    def refresh(self, lanes: set[LaneKey]) -> None:
        """A record has set a hold for these lanes: let the catalogue see it."""
        self._tasks.spawn("refresh", self._refresh(lanes))

    async def _refresh(self, lanes: set[LaneKey]) -> None:
        while True:
            try:
                await self._catalogue.refresh()
            except StoreUnavailable:
                await asyncio.sleep(_PAUSE)
            else:
                break
        self._adopt(lanes)

    def _adopt(self, keys: Iterable[LaneKey]) -> None:
        """Let those of these lanes that are in memory follow."""
        for key in keys:
            lane = self._windows.find(key)
            if lane is not None:
                self._follow(lane)
        self._slots.fill()

    def _follow(self, lane: Lane) -> None:
        found = lane_terms(lane.key, self._catalogue.snapshot)
        now = self._clock.monotonic()
        before = lane.state(now)
        if lane.held and not found.held:
            lane.parked = True
        if lane.adopt(found):
            tell_breaker(self._observer, lane, before, lane.state(now))
            self._tasks.spawn("disconnect", self._sender.forget(lane.key))
        if lane.held:
            self._admission.give_window_back(lane)
        self._slots.settle(lane)
