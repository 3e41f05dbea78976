"""
A replay of one delivery: a new delivery of the same event to the same target, on the normal schedule.
"""

from dataclasses import dataclass, replace
from typing import Protocol

from hookgate.deliveries import DeliveryState
from hookgate_gateway.catalogue.snapshot import Snapshot
from hookgate_gateway.ids import Ids
from hookgate_gateway.ports import DeliveryRecord, NewReplay, Replays
from hookgate_gateway.replay.once import CurrentCatalogue, live_subscriptions
from hookgate_gateway.rules.delivery import DeliveryId, KeyRef, Kind, LaneKey, Namespace, Target
from hookgate_process.clock import Clock

__all__ = ["DeliveryReplays", "TargetGone", "UnknownDelivery"]


@dataclass(frozen=True, slots=True)
class UnknownDelivery:
    """The namespace has no such delivery, or its event is gone."""


@dataclass(frozen=True, slots=True)
class TargetGone:
    """The delivery's subscription does not exist any more."""

    subscription: str


class DeliveryHistory(Protocol):
    """Where deliveries are looked up; see :class:`hookgate_gateway.ports.History`."""

    async def delivery(self, namespace: Namespace, id_: DeliveryId) -> DeliveryRecord | None: ...


class Lanes(Protocol):
    """The dispatcher, as far as replays know it."""

    def parks(self, lane: LaneKey) -> bool: ...


class Quota(Protocol):
    """How much a namespace may have pending; see :class:`hookgate_gateway.intake.quota.BacklogQuota`."""

    def check(self, namespace: Namespace) -> None: ...

    def added(self, namespace: Namespace, count: int) -> None: ...


class DeliveryReplays:
    """Creates replays of single deliveries; the dispatcher finds them in the store, due at once."""

    def __init__(
        self,
        *,
        history: DeliveryHistory,
        replays: Replays,
        catalogue: CurrentCatalogue,
        lanes: Lanes,
        quota: Quota,
        ids: Ids,
        clock: Clock,
    ) -> None:
        self._history = history
        self._replays = replays
        self._catalogue = catalogue
        self._lanes = lanes
        self._quota = quota
        self._ids = ids
        self._clock = clock

    async def replay(
        self, namespace: Namespace, id_: DeliveryId, key: KeyRef
    ) -> DeliveryRecord | UnknownDelivery | TargetGone:
        """The new delivery, as stored. ``key`` signs for a target that remembers none.

        Raises BacklogFull: it is one more that waits, as an event's is.
        """
        original = await self._history.delivery(namespace, id_)
        if original is None:
            return UnknownDelivery()
        name = original.target.subscription
        if name is not None and name not in live_subscriptions(self._catalogue.snapshot, namespace):
            return TargetGone(name)
        self._quota.check(namespace)
        new = self._new(original, key)
        if await self._replays.add(new) is None:
            return UnknownDelivery()
        self._quota.added(namespace, 1)
        return _as_stored(original, new)

    def _new(self, original: DeliveryRecord, key: KeyRef) -> NewReplay:
        now = self._clock.now()
        return NewReplay(
            id=self._ids.delivery(),
            namespace=original.namespace,
            event_id=original.event_id,
            target=signable(original.target, key),
            lane=original.lane,
            kind=Kind.REPLAY,
            created_at=now,
            due=now,
            parked=_held(self._catalogue.snapshot, original) or self._lanes.parks(original.lane),
            replay_of=original.id,
        )


def signable(target: Target, key: KeyRef) -> Target:
    """The target, with a key to sign with should it be a URL that has none."""
    return replace(target, key=key) if target.url is not None and target.key is None else target


def _held(snapshot: Snapshot, original: DeliveryRecord) -> bool:
    subscription = snapshot.subscriptions.get(
        (original.namespace, original.target.subscription or "")
    )
    return subscription is not None and subscription.hold is not None


def _as_stored(original: DeliveryRecord, new: NewReplay) -> DeliveryRecord:
    return DeliveryRecord(
        id=new.id,
        namespace=new.namespace,
        event_id=new.event_id,
        run_id=original.run_id,
        target=new.target,
        lane=new.lane,
        kind=new.kind,
        state=DeliveryState.PENDING,
        ending=None,
        attempts=0,
        outcome=None,
        status_code=None,
        error=None,
        due=new.due,
        parked=new.parked,
        created_at=new.created_at,
        ended_at=None,
        replay_of=new.replay_of,
    )
