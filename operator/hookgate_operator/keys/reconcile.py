"""
Makes the gateway hold the API keys and sources that Secrets declare by their labels.

A Secret has no status: what is wrong with it is told by Kubernetes Events on it, once for each change in
the life of this process, in the log and by a metric.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Protocol

from hookgate_operator.declarations import (
    SOURCE_PREFIX,
    Fingerprints,
    Handed,
    Ledger,
    Place,
    declaration,
    version_of,
)
from hookgate_operator.keys.claims import Claims
from hookgate_operator.keys.plan import (
    Draft,
    KeyReason,
    Problem,
    announcements,
    declared,
    rank,
)
from hookgate_operator.ports import (
    Announcement,
    Cluster,
    Gateway,
    GatewayRefused,
    HeldKind,
    Key,
    Kind,
    Observed,
    OwnedByAnother,
    Standing,
)

__all__ = ["KeyObserver", "KeyReconciler"]

_AGAIN = 60.0
"""Seconds after which a Secret with a problem is tried again: what is in its way may go without a word."""


class KeyObserver(Protocol):
    """Who counts and logs."""

    def keys_refused(self, namespace: str, count: int) -> None:
        """So many key Secrets of a namespace cannot be used now; 0: its series goes away."""
        ...

    def event(self, name: str, /, **fields: object) -> None: ...

    def warning(self, name: str, /, **fields: object) -> None: ...


class KeyReconciler:
    """Reconciles keys of kind KEY_SECRET; ``wake`` is told of other Secrets to look at.

    A key named ``source/NAME`` stands for a source that the gateway has and no known Secret declares.
    """

    def __init__(
        self,
        cluster: Cluster,
        gateway: Gateway,
        *,
        ledger: Ledger,
        fingerprints: Fingerprints,
        wake: Callable[[Key], None],
        observer: KeyObserver,
    ) -> None:
        self._cluster = cluster
        self._gateway = gateway
        self._ledger = ledger
        self._fingerprints = fingerprints
        self._wake = wake
        self._observer = observer
        self._claims = Claims()
        self._told: dict[Key, tuple[Problem, ...]] = {}
        """What is wrong with which Secret."""

    async def reconcile(self, key: Key) -> float | None:
        """May raise OutsideError."""
        if key.name.startswith(SOURCE_PREFIX):
            await self._stray(Place(HeldKind.SOURCE, key.namespace, _source(key)))
            return None
        observed = await self._cluster.find(key)
        drafts = declared(observed)
        self._claim(key, observed)
        problems: list[Problem] = []
        for place, draft in drafts.items():
            assert observed is not None  # noqa: S101  # what is gone declares nothing
            problems += await self._hand(observed, place, draft)
        for place in {*self._ledger.places(key), *self._own(key, observed)}.difference(drafts):
            if self._claims.winner(place) is None:  # else that Secret was woken and puts its own
                await self._remove(place)
        await self._tell(key, observed, tuple(problems))
        return _AGAIN if problems else None

    # -------------------------------------------------------------------------------- handing

    async def _hand(self, observed: Observed, place: Place, draft: Draft) -> tuple[Problem, ...]:
        """What stands in the way of what a Secret declares at a place."""
        winner = self._claims.winner(place)
        if winner is not None and winner != observed.key:
            message = (
                f"Source {place.name} is made from the older Secret {winner.name}; "
                "delete one of them, or give it another label hookgate.dev/source."
            )
            return (Problem(KeyReason.SOURCE_TAKEN, message),)
        try:
            standing = await self._put(observed, place, draft)
        except GatewayRefused as error:
            await self._disown(observed.key, place)
            return (Problem(KeyReason.REFUSED, "; ".join(error.problems)),)
        except OwnedByAnother as error:
            self._ledger.forget(place)
            return (Problem(KeyReason.OWNED_BY_ANOTHER, str(error)),)
        return tuple(Problem(KeyReason.REFUSED, reason) for reason in standing.reasons)

    async def _put(self, observed: Observed, place: Place, draft: Draft) -> Standing:
        """How it stands, after it was put unless that was done. Raises GatewayError."""
        said = declaration(place, draft.resource, draft.secrets, self._fingerprints)
        before, version = self._ledger.get(place), version_of(observed)
        if before and before.is_current and before.fingerprint == said.fingerprint:
            renewed = replace(before, key=observed.key, uid=observed.uid, version=version)
            self._ledger.record(place, renewed)
            return before.standing
        self._ledger.doubt(place)  # without an answer nobody knows which of the two it has
        standing = await self._gateway.put(said)
        handed = Handed(
            key=observed.key,
            uid=observed.uid,
            version=version,
            fingerprint=said.fingerprint,
            standing=standing,
            is_current=not standing.reasons,
        )
        self._ledger.record(place, handed)
        return standing

    async def _disown(self, key: Key, place: Place) -> None:
        """What a refused Secret said before stays; what another one said that is gone does not."""
        before = self._ledger.get(place)
        if before is not None and before.key != key:
            await self._remove(place)

    # ------------------------------------------------------------------------------- removing

    def _own(self, key: Key, observed: Observed | None) -> frozenset[Place]:
        """Where the gateway may have something that only this Secret can have declared."""
        place = Place(HeldKind.API_KEY, key.namespace, key.name)
        return frozenset({place} if observed is None or self._ledger.holds(place) else ())

    def _claim(self, key: Key, observed: Observed | None) -> None:
        """Declare which sources a Secret is, and wake the others that are the same ones."""
        sources = [place for place in declared(observed) if place.kind is HeldKind.SOURCE]
        order = rank(observed) if observed is not None else ("", key)
        for other in self._claims.declare(key, order, sources):
            self._wake(other)

    async def _remove(self, place: Place) -> None:
        with suppress(OwnedByAnother):
            await self._gateway.remove(place.kind, place.namespace, place.name)
        self._ledger.forget(place)

    async def _stray(self, place: Place) -> None:
        """A source that this process did not put: some Secret declares it, or it goes."""
        if handed := self._ledger.get(place):
            self._wake(handed.key)
            return
        listed = await self._cluster.every(Kind.KEY_SECRET)
        claimants = [observed.key for observed in listed if place in declared(observed)]
        for key in claimants:
            self._wake(key)
        if not claimants:
            await self._remove(place)

    # -------------------------------------------------------------------------------- telling

    async def _tell(
        self, key: Key, observed: Observed | None, problems: tuple[Problem, ...]
    ) -> None:
        before = self._told.pop(key, ())
        if problems:
            self._told[key] = problems
        if bool(problems) != bool(before):
            count = sum(each.namespace == key.namespace for each in self._told)
            self._observer.keys_refused(key.namespace, count)
        if observed is None:
            return
        for announcement in announcements(problems, before):
            self._log(key, announcement)
            await self._cluster.announce(observed, announcement)

    def _log(self, key: Key, announcement: Announcement) -> None:
        log = self._observer.warning if announcement.type == "Warning" else self._observer.event
        log(
            "key_secret_stands",
            namespace=key.namespace,
            name=key.name,
            reason=announcement.reason,
            message=announcement.message,
        )


def _source(key: Key) -> str:
    return key.name.removeprefix(SOURCE_PREFIX)
