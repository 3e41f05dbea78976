"""
Makes the gateway hold what a WebhookSubscription says, and its status say how it stands.

Gathers, asks :mod:`hookgate_operator.subscriptions.plan` what is to be done, and does it. Stopped at any
point, the next look at the object ends in the same state.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Protocol

from hookgate.resources.references import secret_names
from hookgate_operator.declarations import (
    Fingerprints,
    Handed,
    Ledger,
    Place,
    declaration,
    version_of,
)
from hookgate_operator.ports import (
    Announcement,
    Cluster,
    Gateway,
    GatewayError,
    GatewayRefused,
    HeldKind,
    Key,
    Observed,
    OwnedByAnother,
)
from hookgate_operator.subscriptions.census import Census
from hookgate_operator.subscriptions.declared import (
    Absent,
    Foreign,
    Invalid,
    Valid,
    former_status,
    read,
)
from hookgate_operator.subscriptions.judge import (
    Answer,
    Circumstances,
    Owned,
    Refused,
    Stands,
    judge_invalid,
)
from hookgate_operator.subscriptions.plan import (
    Gathered,
    Standing,
    known,
    standing_of,
    tell,
    unreached,
)
from hookgate_operator.subscriptions.status import BURST, Write, is_contested
from hookgate_operator.subscriptions.values import lacking, named
from hookgate_process.clock import Clock

__all__ = ["NameIndex", "SubscriptionObserver", "SubscriptionReconciler"]

_CHANGED_MEANWHILE = 1.0
"""Seconds until the next look at an object that went, or was made anew, before its status was written."""


class NameIndex(Protocol):
    """Remembers which Secrets and ConfigMaps an object names; see :class:`work.wakeups.Wakeups`."""

    def names(self, key: Key, needed: frozenset[str]) -> None: ...


class SubscriptionObserver(Protocol):
    """Who counts and logs."""

    def subscriptions_stand(self, namespace: str, counts: Mapping[tuple[str, str], int]) -> None:
        """So many of a namespace's subscriptions have this (condition, status): all there are of it.

        What is not mentioned has none; an empty mapping says that its series go away.
        """
        ...

    def event(self, name: str, /, **fields: object) -> None: ...

    def warning(self, name: str, /, **fields: object) -> None: ...


class SubscriptionReconciler:
    """Reconciles keys of kind SUBSCRIPTION."""

    def __init__(
        self,
        cluster: Cluster,
        gateway: Gateway,
        *,
        ledger: Ledger,
        index: NameIndex,
        fingerprints: Fingerprints,
        observer: SubscriptionObserver,
        clock: Clock,
        gateway_class: str = "default",
    ) -> None:
        self._cluster = cluster
        self._gateway = gateway
        self._ledger = ledger
        self._index = index
        self._fingerprints = fingerprints
        self._observer = observer
        self._clock = clock
        self._gateway_class = gateway_class
        self._census = Census()
        self._writes: dict[Key, tuple[Write, ...]] = {}
        """The last writes of an object's status by this process."""
        self._is_contest_told = False

    async def reconcile(self, key: Key) -> float | None:
        """May raise OutsideError."""
        observed = await self._cluster.find(key)
        match read(observed, self._gateway_class):
            case Valid() as valid if observed is not None:
                return await self._valid(observed, valid)
            case Invalid(problems=problems) if observed is not None:
                self._index.names(key, frozenset())
                health = self._ledger.health((key.namespace, key.name))
                states = judge_invalid(problems, health)
                return await self._tell(observed, Standing(states=states, health=health))
            case Foreign():
                await self._remove(key, is_there=self._ledger.holds(_place(key)))
            case Absent() | _:
                await self._remove(key, is_there=True)
        return None

    async def _valid(self, observed: Observed, valid: Valid) -> float | None:
        it = await self._gather(observed, valid)
        answer: Answer | None = known(it)
        if answer is not None:
            self._renew(it)
            return await self._tell_valid(it, answer)
        try:
            answer = await self._put(it)
        except GatewayError:
            guess = unreached(it)
            if guess is not None:
                await self._tell_valid(it, guess)
            raise
        return await self._tell_valid(it, answer)

    async def _gather(self, observed: Observed, valid: Valid) -> Gathered:
        key, place = observed.key, _place(observed.key)
        names = secret_names(valid.spec)
        self._index.names(key, names)
        values = await self._cluster.values(key.namespace, names)
        secrets = named(valid.spec, values)
        return Gathered(
            observed=observed,
            spec=valid.spec,
            draft=declaration(place, valid.resource, secrets, self._fingerprints),
            lacks=lacking(valid.spec, values),
            handed=self._ledger.get(place),
            may_hold=self._ledger.may_hold(place),
        )

    async def _put(self, it: Gathered) -> Answer:
        """What the gateway says to it. Raises GatewayError when it could not be asked."""
        place = _place(it.observed.key)
        name = place.namespace, place.name
        heard = self._ledger.health(name)
        self._ledger.doubt(place)  # without an answer nobody knows which of the two it has
        try:
            standing = await self._gateway.put(it.draft)
        except GatewayRefused as error:
            return Refused(error.problems)
        except OwnedByAnother as error:
            self._ledger.forget(place)
            return Owned(str(error))
        handed = Handed(
            key=it.observed.key,
            uid=it.observed.uid,
            version=version_of(it.observed),
            fingerprint=it.draft.fingerprint,
            standing=standing,
        )
        self._ledger.record(place, handed)
        if self._ledger.health(name) == heard:  # else the feed told meanwhile, and tells it once
            self._ledger.hear(name, standing.health)
        return Stands(standing)

    def _renew(self, it: Gathered) -> None:
        """An object that was made anew, or edited without a change, is the one that was handed over."""
        handed, observed = it.handed, it.observed
        if handed is not None and handed.fingerprint == it.draft.fingerprint:
            version = version_of(observed)
            self._ledger.record(
                _place(observed.key), replace(handed, uid=observed.uid, version=version)
            )

    async def _remove(self, key: Key, *, is_there: bool) -> None:
        place = _place(key)
        self._index.names(key, frozenset())
        self._writes.pop(key, None)
        if self._census.gone(key):
            self._observer.subscriptions_stand(key.namespace, self._census.of(key.namespace))
        if is_there:
            with suppress(OwnedByAnother):
                await self._gateway.remove(place.kind, place.namespace, place.name)
        self._ledger.forget(place)

    # ------------------------------------------------------------------------------- telling

    async def _tell_valid(self, it: Gathered, answer: Answer) -> float | None:
        key = it.observed.key
        circumstances = Circumstances(
            namespace=key.namespace,
            spec=it.spec,
            lacks=it.lacks,
            answer=answer,
            health=self._ledger.health((key.namespace, key.name)),
        )
        former = former_status(it.observed)
        return await self._tell(it.observed, standing_of(circumstances, it.draft.secrets, former))

    async def _tell(self, observed: Observed, standing: Standing) -> float | None:
        key = observed.key
        if self._census.stands(key, standing.states):
            self._observer.subscriptions_stand(key.namespace, self._census.of(key.namespace))
        writes, monotonic = self._writes.get(key, ()), self._clock.monotonic()
        plan = tell(
            observed,
            standing,
            now=self._clock.now(),
            since_write=monotonic - writes[-1].at if writes else None,
            since_burst=monotonic - writes[0].at if len(writes) == BURST else None,
        )
        if plan.status is None:
            return plan.again
        if not await self._cluster.write_status(observed, plan.status):
            return _CHANGED_MEANWHILE
        writes = (*writes, Write(monotonic, observed.generation))[-BURST:]
        self._writes[key] = writes
        if is_contested(writes):
            self._tell_contest(key)
        for announcement in plan.announcements:
            await self._announce(observed, announcement)
        return plan.again

    def _tell_contest(self, key: Key) -> None:
        """Once in this process's life: with one object it is all of them."""
        if self._is_contest_told:
            return
        self._is_contest_told = True
        self._observer.warning(
            "status_contested",
            namespace=key.namespace,
            name=key.name,
            message="somebody else writes this status, too: mostly an operator of the same class with"
            " another gateway; kubectl get --show-managed-fields says who",
        )

    async def _announce(self, observed: Observed, announcement: Announcement) -> None:
        """After the status: whoever is stopped in between repeats nothing."""
        key = observed.key
        self._observer.event(
            "subscription_stands",
            namespace=key.namespace,
            name=key.name,
            reason=announcement.reason,
        )
        await self._cluster.announce(observed, announcement)


def _place(key: Key) -> Place:
    return Place(HeldKind.SUBSCRIPTION, key.namespace, key.name)
