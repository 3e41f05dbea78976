"""
Makes the gateway hold what a WebhookSubscription says, and its status say how it stands.

Gathers, asks :mod:`plan` what is to be done, and does it. Nothing is decided here.
"""

from collections.abc import Mapping
from typing import Protocol

from hookgate_operator.declarations import Fingerprints, Ledger
from hookgate_operator.ports import Cluster, Gateway, Key
from hookgate_process.clock import Clock

__all__ = ["NameIndex", "SubscriptionObserver", "SubscriptionReconciler"]


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
        ledger: Ledger,
        index: NameIndex,
        fingerprints: Fingerprints,
        observer: SubscriptionObserver,
        clock: Clock,
        *,
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

    async def reconcile(self, key: Key) -> float | None:
        """May raise OutsideError."""
        raise NotImplementedError
