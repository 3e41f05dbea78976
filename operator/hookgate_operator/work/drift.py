"""
Where what the gateway holds, what this process remembers and what the cluster declares differ.

The cluster's lists may be older than the memory, and so may the gateway's: nothing here removes
anything. What differs is doubted, forgotten or woken, and its reconciliation looks for itself.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from hookgate_operator.declarations import Handed, Ledger, Place, key_of, version_of
from hookgate_operator.ports import Held, Key, Kind, Observed
from hookgate_operator.subscriptions.declared import class_of
from hookgate_operator.work.resync import Lists

__all__ = ["HeldDrift"]


class Holder(Protocol):
    """The part of the gateway that lists."""

    async def held(self) -> Sequence[Held]: ...


class HeldDrift:
    """Compares subscriptions, API keys and sources. ``declared`` says which of them a Secret declares."""

    def __init__(
        self,
        gateway: Holder,
        ledger: Ledger,
        *,
        declared: Callable[[Observed], Iterable[Place]] = lambda _: (),
        gateway_class: str = "default",
    ) -> None:
        self._gateway = gateway
        self._ledger = ledger
        self._declared = declared
        self._gateway_class = gateway_class

    async def differing(self, listed: Lists) -> Collection[Key]:
        """Strays, what the gateway lost or has differently, what was changed or deleted unheard."""
        before = self._ledger.everything()
        held = {
            Place(each.kind, each.namespace, each.name): each.fingerprint
            for each in await self._gateway.held()
        }
        keys = set(self._lost(before, held))
        self._ledger.found(held.keys())
        keys.update(self._of_strays(listed.get(Kind.KEY_SECRET, ())))
        known = {(h.key, h.uid, h.version) for h in self._ledger.everything().values()}
        for kind in (Kind.SUBSCRIPTION, Kind.KEY_SECRET):
            if kind in listed:
                keys.update(self._unheard(kind, listed[kind], known))
        return keys

    def _of_strays(self, secrets: Sequence[Observed]) -> Iterator[Key]:
        """Whoever declares a stray; the place's own key where nobody is seen to, which has everything listed."""
        declaring: dict[Place, list[Key]] = {}
        for observed in secrets:
            for place in self._declared(observed):
                declaring.setdefault(place, []).append(observed.key)
        for place in self._ledger.strays():
            yield from declaring.get(place) or [key_of(place)]

    def _lost(self, before: Mapping[Place, Handed], held: Mapping[Place, str]) -> Iterator[Key]:
        """What was handed over and is not there, or not as it was."""
        for place, handed in before.items():
            now = self._ledger.get(place)
            if now is None or now.fingerprint != handed.fingerprint:
                continue  # put or removed while the gateway was asked
            if place not in held:
                self._ledger.forget(place)
                yield handed.key
            elif held[place] != handed.fingerprint:
                self._ledger.doubt(place)
                yield handed.key

    def _unheard(
        self, kind: Kind, listed: Sequence[Observed], known: Collection[tuple[Key, str, str]]
    ) -> Iterator[Key]:
        """What is declared otherwise than it was handed over, and what is declared no more."""
        there = {observed.key for observed in listed}
        yield from (key for key, _, _ in known if key.kind is kind and key not in there)
        for observed in listed:
            if (observed.key, observed.uid, version_of(observed)) not in known and self._ours(
                observed
            ):
                yield observed.key

    def _ours(self, observed: Observed) -> bool:
        is_subscription = observed.key.kind is Kind.SUBSCRIPTION
        return not is_subscription or class_of(observed) == self._gateway_class
