"""
How many subscriptions are in which state: the metric ``hookgate_subscriptions{namespace,condition,status}``.
"""

from collections import Counter
from collections.abc import Iterable, Mapping

from hookgate_operator.ports import Key
from hookgate_operator.subscriptions.conditions import State

__all__ = ["Census"]


class Census:
    """Counts conditions by namespace; what was counted of an object goes with it."""

    def __init__(self) -> None:
        self._stands: dict[Key, frozenset[tuple[str, str]]] = {}
        self._counts: dict[str, Counter[tuple[str, str]]] = {}

    def stands(self, key: Key, states: Iterable[State]) -> bool:
        """An object's conditions are these now. False when they were before."""
        return self._set(key, frozenset((state.type, state.row.status) for state in states))

    def gone(self, key: Key) -> bool:
        """There is no such object any more. False when there was none before."""
        return self._set(key, frozenset())

    def of(self, namespace: str) -> Mapping[tuple[str, str], int]:
        """How many of a namespace's subscriptions have which (condition, status); none has the rest."""
        return dict(self._counts.get(namespace, {}))

    def _set(self, key: Key, now: frozenset[tuple[str, str]]) -> bool:
        before = self._stands.get(key, frozenset())
        if now == before:
            return False
        counts = self._counts.setdefault(key.namespace, Counter())
        counts.update(now)
        counts.subtract(before)
        left = Counter({state: count for state, count in counts.items() if count})
        self._counts[key.namespace] = left
        if not left:
            del self._counts[key.namespace]
        if now:
            self._stands[key] = now
        else:
            del self._stands[key]
        return True
