"""
The dispatcher: carries what is owed through lanes and slots to its record.

``ownership → backlog → lanes → slots → record``, and stopping in an order that loses nothing. Deciding
is done by the rules; this object only connects the parts and owns their tasks.
"""

from collections.abc import Callable, Collection, Sequence
from types import TracebackType
from typing import Self

from hookgate_gateway.catalogue.snapshot import Snapshot
from hookgate_gateway.dispatch.admission import Admission
from hookgate_gateway.dispatch.bodies import LARGE_BODY_BYTES
from hookgate_gateway.dispatch.courier import Courier
from hookgate_gateway.dispatch.expiry import Expiry
from hookgate_gateway.dispatch.feed import DueFeed, Refills
from hookgate_gateway.dispatch.following import Following
from hookgate_gateway.dispatch.judge import Judge
from hookgate_gateway.dispatch.lease import Lease
from hookgate_gateway.dispatch.plan import Catalogue
from hookgate_gateway.dispatch.recorder import Recorder
from hookgate_gateway.dispatch.report import tell_recorded
from hookgate_gateway.dispatch.returns import Returns
from hookgate_gateway.dispatch.room import BusyLanes, Room
from hookgate_gateway.dispatch.slots import Slots
from hookgate_gateway.dispatch.states import LaneState
from hookgate_gateway.dispatch.takes import Takes
from hookgate_gateway.dispatch.tasks import Tasks
from hookgate_gateway.dispatch.tending import Tending
from hookgate_gateway.dispatch.windows import WINDOW_BYTES, Windows
from hookgate_gateway.observe import Observer
from hookgate_gateway.ports import Backlog, Recorded, Recording, Sender, StoreUnavailable
from hookgate_gateway.rules.delivery import (
    Attempt,
    Delivery,
    DeliveryId,
    LaneKey,
    Namespace,
    Timestamp,
)
from hookgate_gateway.rules.lane import BreakerState
from hookgate_gateway.rules.retry import RetryAt
from hookgate_process.clock import Clock

__all__ = ["Dispatcher", "LaneState"]

_FLUSH = 10.0
"""Seconds for the last outcomes to be written when stopping."""


class Dispatcher:
    """Sends what is owed. ``async with`` starts it; ``stop`` ends it with a grace.

    ``jitter`` draws from 0..1. The catalogue is loaded before the dispatcher is started.
    """

    def __init__(
        self,
        backlog: Backlog,
        sender: Sender,
        catalogue: Catalogue,
        observer: Observer,
        clock: Clock,
        *,
        jitter: Callable[[], float],
        max_in_flight: int = 1024,
        window_bytes: int = WINDOW_BYTES,
        large_bytes: int = LARGE_BODY_BYTES,
    ) -> None:
        self._backlog = backlog
        self._catalogue = catalogue
        self._observer = observer
        self._clock = clock
        self._stopping = False
        self._started = False
        self._tasks = Tasks(observer)
        self._lease = Lease(backlog, clock)
        self._windows = Windows(catalogue, clock, window_bytes)
        self._room = Room(self._windows)
        self._returns = Returns(backlog, observer)
        self._admission = Admission(catalogue, clock, self._windows, self._returns)
        self._recorder = Recorder(
            backlog, observer, clock, limit=max(256, max_in_flight), written=self._written
        )
        self._courier = Courier(
            backlog,
            sender,
            catalogue,
            observer,
            clock,
            park=self._admission.park,
            release=self._admission.release,
            large_bytes=large_bytes,
        )
        self._judge = Judge(
            catalogue,
            clock,
            observer,
            admission=self._admission,
            recorder=self._recorder,
            jitter=jitter,
        )
        self._slots = Slots(
            clock,
            self._windows,
            slots=max_in_flight,
            perform=self._courier.attempt,
            ended=self._judge.ended,
            may_start=self._may_start,
        )
        self._takes = Takes()
        self._feed = DueFeed(
            backlog,
            clock,
            self._returns,
            takes=self._takes,
            admit=self._admission.admit,
            fill=self._slots.fill,
            may_take=self._may_start,
        )
        self._refills = Refills(
            backlog,
            clock,
            self._windows,
            returns=self._returns,
            takes=self._takes,
            receive=self._admission.receive,
            settle=self._slots.settle,
            fill=self._slots.fill,
            wake=self._slots.wake,
            may_take=self._may_start,
        )
        self._following = Following(
            catalogue,
            sender,
            observer,
            clock,
            lease=self._lease,
            windows=self._windows,
            admission=self._admission,
            slots=self._slots,
            tasks=self._tasks,
        )
        self._tending = Tending(
            backlog,
            sender,
            observer,
            clock,
            lease=self._lease,
            windows=self._windows,
            admission=self._admission,
            slots=self._slots,
            expiry=Expiry(
                backlog,
                clock,
                catalogue,
                observer,
                windows=self._windows,
                returns=self._returns,
                settle=self._slots.settle,
            ),
            tasks=self._tasks,
            gained=lambda: self._feed.expect(float("-inf")),
        )
        self._slots.low = self._admission.want = self._refills.want
        self._slots.probing = self._judge.probing
        self._returns.parked = self._admission.parked
        self._admission.settle = self._slots.settle

    # --------------------------------------------------------------------------------- lifetime

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop(0.0)

    async def start(self) -> None:
        """Take up what is owed. Raises StoreError when the store does not say what is ours."""
        await self._lease.renew()
        self._catalogue.listen(self._changed)
        self._observer.inflight.set_function(lambda: self._slots.in_flight)
        self._started = True
        self._tasks.keep("lease", self._tending.watch_lease)
        self._tasks.keep("record", self._recorder.write_forever)
        self._tasks.keep("return", self._returns.give_forever)
        self._tasks.keep("refill", self._refills.refill_forever)
        self._tasks.keep("due", self._feed.take_forever)
        self._tasks.keep("tend", self._tending.tend_forever)

    async def stop(self, grace: float) -> None:
        """Start nothing more; let attempts finish for ``grace`` seconds; record them; end.

        Attempts that are still under way then are aborted and their deliveries released: no attempt
        is used up. What waits in memory is simply forgotten, the store has it.
        """
        if self._stopping or not self._started:
            self._stopping = True
            return
        self._stopping = True
        aborted = await self._slots.drain(grace)
        await self._tasks.end()
        if not await self._recorder.flush(_FLUSH):
            self._observer.error("outcomes_lost", count=self._recorder.pending)
        self._started = False
        if aborted:
            await self._give_up(aborted)

    async def _give_up(self, aborted: Sequence[DeliveryId]) -> None:
        try:
            await self._backlog.release(aborted)
        except StoreUnavailable as error:
            self._observer.warning("release_failed", count=len(aborted), error=str(error))

    def _may_start(self) -> bool:
        return not self._stopping and self._recorder.has_room and self._lease.is_running

    # ------------------------------------------------------------------------- for intake and API

    def parks(self, lane: LaneKey) -> bool:
        """Whether new deliveries for this lane are to be stored parked.

        Who asks acts on the answer at once: after a yes the lane expects parked work.
        """
        return self._admission.parks(lane)

    def offer(self, deliveries: Sequence[Delivery]) -> None:
        """Take over what an accept has just stored, and start what can be started."""
        if self._stopping or not self._started:
            return
        ours = [d for d in deliveries if self._lease.covers(d.lane)]
        if not ours:
            return
        self._backlog.claim(ours)
        for delivery in ours:
            self._admission.admit(delivery)
        self._slots.fill()

    def superseded(self, ids: Collection[DeliveryId]) -> None:
        """These were cancelled in the store: forget those that wait; what is in flight finishes."""
        self._takes.cancelled(ids)
        for id_ in ids:
            lane = self._windows.drop(id_)
            if lane is not None:
                self._returns.release(id_)
                self._slots.settle(lane)

    cancelled = superseded

    def succeeded(self, delivery: Delivery, attempt: Attempt) -> None:
        """Somebody else (a test, a synchronous replay) reached the target of this delivery."""
        lane = self._windows.find(delivery.lane)
        if lane is not None:
            self._judge.learn(lane, delivery, attempt)
            self._slots.settle(lane)
            self._slots.fill()

    async def settled(self) -> None:
        """Wait until the store knows of every attempt that has ended by now, unless it takes nothing."""
        if self._started:
            await self._recorder.settled()

    def keep(self, recording: Recording) -> bool:
        """Write what somebody else's attempt came to, once the store takes it; False: there is no more writing."""
        if self._started:
            self._recorder.add(recording)
        return self._started

    def expect(self, due: Timestamp) -> None:
        """Something that was stored elsewhere comes due then."""
        self._feed.expect(due)

    def busy(self, namespace: Namespace, most: int) -> BusyLanes | None:
        """Which lanes have no room for what can wait, when ``most`` may queue; None: nothing has."""
        if not self._may_start():
            return None
        now = self._clock.monotonic()
        return self._room.busy(namespace, most, self._catalogue.snapshot, now)

    def breaker(self, lane: LaneKey) -> BreakerState:
        """The circuit breaker of a subscription's lane; closed where nothing was sent of late."""
        found = self._windows.find(lane)
        return BreakerState.CLOSED if found is None else found.state(self._clock.monotonic())

    def lane_states(self) -> dict[LaneKey, LaneState]:
        """The lanes that are in memory."""
        return {lane.key: LaneState.of(lane, self._clock) for lane in self._windows}

    @property
    def waiting_bytes(self) -> int:
        """Bytes of deliveries that wait in memory."""
        return self._windows.bytes

    # --------------------------------------------------------------- what came of it, what changed

    def _changed(self, old: Snapshot, new: Snapshot) -> None:
        if not self._stopping:
            self._following.changed(old, new)

    def _written(self, recordings: Sequence[Recording], results: Sequence[Recorded]) -> None:
        gone = set()
        for recording, recorded in zip(recordings, results, strict=True):
            tell_recorded(self._observer, recording, recorded)
            if isinstance(recording.verdict, RetryAt):
                self._feed.expect(recording.verdict.due)
            if recording.marks_gone:
                gone.add(recording.delivery.lane)
        if gone and not self._stopping:
            self._following.refresh(gone)
        self._slots.fill()
