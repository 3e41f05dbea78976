"""
What wakes a key: the object itself, or a Secret or ConfigMap that it names.
"""

from collections.abc import Collection, Mapping
from typing import Protocol

from hookgate_operator.ports import Key

__all__ = ["Queue", "Wakeups"]


class Queue(Protocol):
    """Where keys to be looked at go."""

    def add(self, key: Key) -> None: ...


class Wakeups:
    """Which objects name which Secrets. ``configmap/NAME`` is a ConfigMap's name, as everywhere."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue
        self._names: dict[Key, frozenset[str]] = {}
        self._users: dict[tuple[str, str], set[Key]] = {}
        """By namespace and name."""

    def wake(self, key: Key) -> None:
        """The object changed, came or went."""
        self._queue.add(key)

    def values_changed(self, namespace: str, name: str) -> None:
        """A Secret or ConfigMap came, went or has other values: wake whoever names it."""
        for key in tuple(self._users.get((namespace, name), ())):
            self._queue.add(key)

    def needed(self) -> Mapping[str, Collection[str]]:
        """The names that some object needs, by namespace."""
        names: dict[str, set[str]] = {}
        for namespace, name in self._users:
            names.setdefault(namespace, set()).add(name)
        return names

    def names(self, key: Key, needed: frozenset[str]) -> None:
        """From now on the object names these. Told before their values are read, so that no change is missed."""
        before = self._names.get(key, frozenset())
        if needed == before:
            return
        for name in before - needed:
            users = self._users[key.namespace, name]
            users.discard(key)
            if not users:
                del self._users[key.namespace, name]
        for name in needed - before:
            self._users.setdefault((key.namespace, name), set()).add(key)
        if needed:
            self._names[key] = needed
        else:
            del self._names[key]
