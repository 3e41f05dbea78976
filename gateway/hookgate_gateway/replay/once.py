"""
A synchronous replay: a run's final event is sent once more, now, and the answer waits for the outcome.

Where it goes is decided by :func:`choose_target` alone. The bytes are the stored ones; signature and
timestamp are made anew by whoever sends. One attempt, kept like any other.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from hookgate_gateway.catalogue.snapshot import Snapshot
from hookgate_gateway.dispatch.direct import DirectRefused, plan_direct
from hookgate_gateway.dispatch.plan import Plan
from hookgate_gateway.ids import Ids
from hookgate_gateway.ports import DeliveryRecord, EventRecord, NewReplay, Replays, RunRecord
from hookgate_gateway.rules.delivery import (
    Attempt,
    Delivery,
    DeliveryId,
    Ending,
    HoldReason,
    KeyRef,
    Kind,
    LaneKey,
    Namespace,
    RunId,
    Target,
    Timestamp,
)
from hookgate_gateway.rules.lane import run_lane, subscription_lane
from hookgate_process.clock import Clock

__all__ = [
    "UNSENT",
    "Ambiguous",
    "Choice",
    "NotEnded",
    "NothingToSendTo",
    "OnceSender",
    "Previewed",
    "Problem",
    "Replayed",
    "RunReplays",
    "UnknownRun",
    "UnknownSubscription",
    "Wish",
    "choose_target",
    "lane_of",
    "live_subscriptions",
]

UNSENT: Final = DeliveryId("dlv_made_when_it_is_sent")
"""Stands in a preview for the delivery that there is not."""
TAKEOVER = 120.0
"""Seconds after which the dispatcher takes up a replay whose sender has died: far over any timeout."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Where the caller wants it to go. ``key`` is the calling key: it signs what goes to ``override``."""

    key: KeyRef
    override: str | None = None
    subscription: str | None = None


@dataclass(frozen=True, slots=True)
class UnknownRun:
    """The namespace has no such run."""


@dataclass(frozen=True, slots=True)
class NotEnded:
    """There is no final event yet."""


@dataclass(frozen=True, slots=True)
class NothingToSendTo:
    """The run has no own target, no subscription got it, and no URL was given."""


@dataclass(frozen=True, slots=True)
class UnknownSubscription:
    """The namespace has no such subscription."""

    name: str


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """Several subscriptions got the run: one of them is to be named."""

    names: tuple[str, ...]


Choice = Target | NothingToSendTo | UnknownSubscription | Ambiguous


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """It was sent; what came of it is in ``attempt``."""

    run: RunRecord
    event: EventRecord
    delivery: Delivery
    attempt: Attempt


@dataclass(frozen=True, slots=True, kw_only=True)
class Previewed:
    """What would be sent now, and was not."""

    run: RunRecord
    event: EventRecord
    plan: Plan


Problem = UnknownRun | NotEnded | NothingToSendTo | UnknownSubscription | Ambiguous
"""Why there is nothing to send."""


class OnceSender(Protocol):
    """Sends a stored delivery at once, in slots of its own, and records the attempt.

    See :class:`hookgate_gateway.dispatch.direct.DirectSends`.
    """

    def check(self, namespace: Namespace) -> None:
        """Raise NoSlot when ``replay`` would."""
        ...

    async def replay(self, delivery: Delivery) -> Attempt: ...


class RunHistory(Protocol):
    """What is read of the past; see :class:`hookgate_gateway.ports.History`."""

    async def run(self, namespace: Namespace, run_id: RunId) -> RunRecord | None: ...

    async def final_event(self, namespace: Namespace, run_id: RunId) -> EventRecord | None: ...

    async def run_deliveries(
        self, namespace: Namespace, run_id: RunId
    ) -> Iterable[DeliveryRecord]: ...

    async def cancel(
        self, namespace: Namespace, ids: Sequence[DeliveryId], ending: Ending, now: Timestamp
    ) -> Sequence[DeliveryId]: ...


class CurrentCatalogue(Protocol):
    """The catalogue that subscriptions are looked up in."""

    @property
    def snapshot(self) -> Snapshot: ...


class RunReplays:
    """Carries synchronous replays out."""

    def __init__(
        self,
        *,
        history: RunHistory,
        replays: Replays,
        catalogue: CurrentCatalogue,
        sender: OnceSender,
        ids: Ids,
        clock: Clock,
    ) -> None:
        self._history = history
        self._replays = replays
        self._catalogue = catalogue
        self._sender = sender
        self._ids = ids
        self._clock = clock

    async def replay(self, namespace: Namespace, run_id: RunId, wish: Wish) -> Replayed | Problem:
        """Send a run's final event once more. Raises what the sender and the store raise."""
        found = await self._found(namespace, run_id, wish)
        if not isinstance(found, _Found):
            return found
        self._sender.check(namespace)  # a refused one is not stored
        delivery = await self._replays.add(self._new(found.event, found.target))
        if delivery is None:  # pruned between two reads
            return NotEnded()
        attempt = await self._send(delivery)
        return Replayed(run=found.run, event=found.event, delivery=delivery, attempt=attempt)

    async def preview(self, namespace: Namespace, run_id: RunId, wish: Wish) -> Previewed | Problem:
        """What ``replay`` would send now; nothing is stored and nothing is sent."""
        found = await self._found(namespace, run_id, wish)
        if not isinstance(found, _Found):
            return found
        event, now = found.event, self._clock.now()
        delivery = Delivery(
            id=UNSENT,
            namespace=namespace,
            event_id=event.id,
            run_id=run_id,
            target=found.target,
            lane=lane_of(namespace, found.target),
            kind=Kind.DIRECT,
            attempts=0,
            due=now,
            accepted_at=now,
            body=event.body,
            body_size=event.body_size,
        )
        plan = plan_direct(delivery, event.body or b"", self._catalogue.snapshot)
        return Previewed(run=found.run, event=event, plan=plan)

    async def _found(self, namespace: Namespace, run_id: RunId, wish: Wish) -> "_Found | Problem":
        run = await self._history.run(namespace, run_id)
        if run is None:
            return UnknownRun()
        event = await self._history.final_event(namespace, run_id)
        if event is None:
            return NotEnded()
        target = await self._target(run, wish)
        return _Found(run, event, target) if isinstance(target, Target) else target

    async def _send(self, delivery: Delivery) -> Attempt:
        try:
            return await self._sender.replay(delivery)
        except DirectRefused:  # the slot went to somebody else meanwhile: nobody waits for it now
            now, ids = self._clock.now(), [delivery.id]
            await self._history.cancel(delivery.namespace, ids, Ending.REQUESTED, now)
            raise

    async def _target(self, run: RunRecord, wish: Wish) -> Choice:
        owed = await self._history.run_deliveries(run.namespace, run.run_id)
        got = {d.target.subscription for d in owed if d.target.subscription is not None}
        live = live_subscriptions(self._catalogue.snapshot, run.namespace)
        return choose_target(run, wish, got=got, live=live)

    def _new(self, event: EventRecord, target: Target) -> NewReplay:
        now = self._clock.now()
        return NewReplay(
            id=self._ids.delivery(),
            namespace=event.namespace,
            event_id=event.id,
            target=target,
            lane=lane_of(event.namespace, target),
            kind=Kind.DIRECT,
            created_at=now,
            due=now + TAKEOVER,
        )


@dataclass(frozen=True, slots=True)
class _Found:
    """What is to be sent, and where to."""

    run: RunRecord
    event: EventRecord
    target: Target


def choose_target(
    run: RunRecord, wish: Wish, *, got: Collection[str], live: Collection[str]
) -> Choice:
    """Where a replay goes: what is asked for, else the run's own target, else the only subscription.

    ``got`` are the names of the subscriptions that got the run, ``live`` those that exist.
    """
    if wish.override is not None:
        return Target(url=wish.override, key=wish.key)
    if wish.subscription is not None:
        known = wish.subscription in live
        return (
            Target(subscription=wish.subscription)
            if known
            else UnknownSubscription(wish.subscription)
        )
    if run.webhook_url is not None:
        return Target(url=run.webhook_url, key=run.key or wish.key)
    return _only(sorted(name for name in got if name in live))


def _only(names: list[str]) -> Choice:
    match names:
        case []:
            return NothingToSendTo()
        case [name]:
            return Target(subscription=name)
    return Ambiguous(tuple(names))


def live_subscriptions(snapshot: Snapshot, namespace: Namespace) -> frozenset[str]:
    """The names of a namespace's subscriptions, without the deleted ones."""
    return frozenset(
        name
        for (where, name), subscription in snapshot.subscriptions.items()
        if where == namespace
        and (subscription.hold is None or subscription.hold.reason is not HoldReason.DELETED)
    )


def lane_of(namespace: Namespace, target: Target) -> LaneKey:
    """The lane of a target."""
    if target.subscription is not None:
        return subscription_lane(namespace, target.subscription)
    return run_lane(namespace, target.url or "")
