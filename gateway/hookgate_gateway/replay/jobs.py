"""
Bulk replays under way: each made at its rate, yielding to what is fresh, from wherever it had come to.

A replay lives in the store; here is only its pace. What a step has made is on disk before it is handed
to the dispatcher, so that a crash at any moment leaves each delivery made once or still to be made.
While there is no replay nothing is asked; many take turns, one step each.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Protocol

from hookgate_gateway.dispatch.room import BusyLanes
from hookgate_gateway.ids import Ids
from hookgate_gateway.observe import Observer
from hookgate_gateway.ports import Advanced, BulkReplays, StoreUnavailable
from hookgate_gateway.replay.once import CurrentCatalogue
from hookgate_gateway.replay.pace import Pace
from hookgate_gateway.rules.delivery import Delivery, DeliveryId, HoldReason, LaneKey, Namespace
from hookgate_gateway.rules.lane import is_due
from hookgate_gateway.rules.replay import Replay, ReplayId, ReplayPlan, ReplayState, Step
from hookgate_process.clock import Clock

__all__ = ["Lanes", "ReplayRunner"]

_CLOSED = 0.25
"""Seconds between looks at a lane that takes nothing for a while."""
_PATIENCE, _LONGEST_PATIENCE = 1.0, 60.0
"""Seconds for which a replay to many lanes waits for a full one before it leaves it for another pass.

Ten times longer in each pass: the quick ones are served then, and the slow ones need not be passed."""
_NEXT_PASS = (1.0, 30.0)
"""Seconds before what was for closed lanes is looked for again, at first and at most."""
_DRAINING = (1.0, 15.0)
"""Seconds between looks whether everything that was made has ended, at first and at most."""
_CANCELLED_AT_ONCE = 500
_RELOAD = 60.0
"""Seconds after which replays are read again although nobody changed one here."""
_STORE_PAUSE = 1.0
_SHORTEST = 0.001
"""Seconds: an event loop's timer may be early by its resolution; do not spin on that."""


class Lanes(Protocol):
    """The dispatcher, as far as bulk replays know it."""

    def busy(self, namespace: Namespace, most: int) -> BusyLanes | None:
        """The lanes without room when ``most`` may queue in each; None while nothing has any."""
        ...

    def offer(self, deliveries: Sequence[Delivery]) -> None: ...

    def cancelled(self, ids: Sequence[DeliveryId]) -> None: ...

    async def settled(self) -> None:
        """Until the store knows of every attempt that has ended by now, unless it takes nothing."""
        ...


@dataclass(slots=True)
class _Course:
    """One replay under way."""

    replay: Replay
    pace: Pace
    rest: float = 0.0
    """Between two passes, or two looks whether it has ended."""
    full_since: dict[LaneKey, float] = field(default_factory=dict)
    patience: float = _PATIENCE

    def rest_from(self, now: float, shortest: float, longest: float) -> None:
        """Do nothing for a while, each time longer."""
        self.rest = min(longest, max(shortest, self.rest * 2))
        self.pace = self.pace.at(now + self.rest)

    def without_stuck(self, busy: BusyLanes, now: float) -> BusyLanes:
        """What has been full for too long is left for another pass."""
        self.full_since = {lane: self.full_since.get(lane, now) for lane in busy.full}
        stuck = {lane for lane, since in self.full_since.items() if now - since > self.patience}
        return BusyLanes(busy.full - stuck, busy.closed | stuck) if stuck else busy

    def learn(self, result: Advanced, now: float) -> None:
        """After a step."""
        made = len(result.deliveries)
        self.pace = self.pace.made(made, now)
        if made or result.done:
            self.rest = 0.0
        if result.pass_over:
            self.patience = min(_LONGEST_PATIENCE, self.patience * 10)
            self.rest_from(now, *_NEXT_PASS)
        elif result.blocked is not None:
            self.pace = self.pace.blocked(now)


class ReplayRunner:
    """Carries replays on. ``run`` never returns; ``wake`` says that one was saved or changed."""

    def __init__(
        self,
        *,
        store: BulkReplays,
        lanes: Lanes,
        catalogue: CurrentCatalogue,
        ids: Ids,
        clock: Clock,
        observer: Observer,
    ) -> None:
        self._store = store
        self._lanes = lanes
        self._catalogue = catalogue
        self._ids = ids
        self._clock = clock
        self._observer = observer
        self._news = asyncio.Event()
        self._courses: dict[tuple[Namespace, ReplayId], _Course] = {}
        self._loaded_at = -inf

    def wake(self) -> None:
        """Read anew which replays there are and what they are to do."""
        self._news.set()

    async def run(self) -> None:
        """Carry on whatever is unfinished, until cancelled."""
        self._news.set()
        while True:
            try:
                await self._round()
            except StoreUnavailable as error:
                self._observer.warning("replays_wait_for_store", error=str(error))
                self._news.set()
                await asyncio.sleep(_STORE_PAUSE)

    async def _round(self) -> None:
        now = self._clock.monotonic()
        if self._news.is_set() or (self._courses and now >= self._loaded_at + _RELOAD):
            await self._load()
        for key, course in list(self._courses.items()):
            if is_due(course.pace.next_at, self._clock.monotonic()):
                await self._turn(course)
                if course.replay.is_over:
                    self._end(key, course.replay)
            if self._news.is_set():
                return
        await self._rest()

    async def _load(self) -> None:
        self._news.clear()
        self._loaded_at = self._clock.monotonic()
        unfinished = await self._store.unfinished_replays()
        before, self._courses = self._courses, {}
        for replay in unfinished:
            key = (replay.plan.namespace, replay.plan.id)
            course = before.pop(key, None)
            if course is None or course.replay.state is not replay.state:
                course = _Course(replay, Pace.of(replay.plan.rate))
            self._courses[key] = course
        for key in before:
            ended = await self._store.replay(*key)
            if ended is not None:
                self._end(key, ended)
        self._tell()

    def _end(self, key: tuple[Namespace, ReplayId], replay: Replay) -> None:
        self._courses.pop(key, None)
        counts = replay.counts
        self._observer.event(
            "replay_ended",
            namespace=replay.plan.namespace,
            replay=replay.plan.id,
            state=replay.state.value,
            matched=counts.matched,
            delivered=counts.delivered,
            failed=counts.exhausted,
            skipped=replay.skipped,
        )
        self._tell()

    def _tell(self) -> None:
        states = [course.replay.state for course in self._courses.values()]
        self._observer.replays_stand(
            running=states.count(ReplayState.RUNNING), paused=states.count(ReplayState.PAUSED)
        )

    async def _rest(self) -> None:
        """Until the next step of any, or until somebody wakes us."""
        ats = [course.pace.next_at for course in self._courses.values()]
        now, at = self._clock.monotonic(), min(ats, default=inf)
        if is_due(at, now):
            return
        longest = _RELOAD if self._courses else None
        try:
            async with asyncio.timeout(longest and min(longest, max(_SHORTEST, at - now))):
                await self._news.wait()
        except TimeoutError:
            return

    # ---------------------------------------------------------------------------------- one turn

    async def _turn(self, course: _Course) -> None:
        replay = course.replay
        if replay.state is ReplayState.CANCELLED:
            await self._cancel_rest(course)
        elif replay.selecting and replay.state is ReplayState.RUNNING:
            await self._go_on(course)
        elif replay.selecting:
            course.pace = course.pace.at(inf)  # paused: whoever resumes it wakes us
        else:
            await self._watch(course)

    async def _go_on(self, course: _Course) -> None:
        now, plan = self._clock.monotonic(), course.replay.plan
        allowance = course.pace.allowance(now)
        busy = self._lanes.busy(plan.namespace, course.pace.queue)
        if busy is None:
            course.pace = course.pace.at(now + _CLOSED)
        elif not allowance:
            course.pace = course.pace.due(now)
        elif plan.lane is None or not self._lives(plan):
            await self._step(course, course.without_stuck(busy, now), allowance)
        elif plan.lane in busy.closed:
            course.pace = course.pace.at(now + _CLOSED)
        elif plan.lane in busy.full:
            course.pace = course.pace.blocked(now)
        else:
            await self._step(course, _ALL_FREE, allowance)

    async def _step(self, course: _Course, busy: BusyLanes, limit: int) -> None:
        plan = course.replay.plan
        ids = tuple(self._ids.delivery() for _ in range(limit))
        step = Step(ids=ids, full=busy.full, closed=busy.closed)
        result = await self._store.advance_replay(plan.namespace, plan.id, step, self._clock.now())
        if result.deliveries:
            self._lanes.offer(result.deliveries)
            self._observer.replayed(plan.namespace, len(result.deliveries))
        course.learn(result, self._clock.monotonic())
        if result.done:
            await self._watch(course)

    async def _watch(self, course: _Course) -> None:
        """Everything is made: look now and then whether all of it has ended."""
        plan = course.replay.plan
        fresh = await self._store.replay(plan.namespace, plan.id)
        if fresh is not None:
            course.replay = fresh
        course.rest_from(self._clock.monotonic(), *_DRAINING)

    async def _cancel_rest(self, course: _Course) -> None:
        plan = course.replay.plan
        found = await self._store.cancel_replay_rest(
            plan.namespace, plan.id, _CANCELLED_AT_ONCE, self._clock.now()
        )
        self._lanes.cancelled([one.id for one in found])
        for one in found:
            self._observer.ended(plan.namespace, one.subscription, "cancelled")
        if not found:
            await self._watch(course)

    def _lives(self, plan: ReplayPlan) -> bool:
        """Whether the only subscription that it goes to is there."""
        name = (plan.namespace, plan.to_subscription or plan.filter.subscription or "")
        subscription = self._catalogue.snapshot.subscriptions.get(name)
        hold = subscription.hold if subscription is not None else None
        return subscription is not None and (hold is None or hold.reason is not HoldReason.DELETED)


_ALL_FREE = BusyLanes(frozenset(), frozenset())
