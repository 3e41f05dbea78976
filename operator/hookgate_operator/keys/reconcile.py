"""
Makes the gateway hold the API keys and sources that Secrets declare by their labels.
"""

from collections.abc import Callable
from typing import Protocol

from hookgate_operator.declarations import Fingerprints, Ledger
from hookgate_operator.ports import Cluster, Gateway, Key

__all__ = ["KeyObserver", "KeyReconciler"]


class KeyObserver(Protocol):
    """Who counts and logs."""

    def keys_refused(self, namespace: str, count: int) -> None:
        """So many key Secrets of a namespace cannot be used now; 0: its series goes away."""
        ...

    def event(self, name: str, /, **fields: object) -> None: ...

    def warning(self, name: str, /, **fields: object) -> None: ...


class KeyReconciler:
    """Reconciles keys of kind KEY_SECRET; ``wake`` is told of other Secrets to look at."""

    def __init__(
        self,
        cluster: Cluster,
        gateway: Gateway,
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

    async def reconcile(self, key: Key) -> float | None:
        """May raise OutsideError."""
        raise NotImplementedError
