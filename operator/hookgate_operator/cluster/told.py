"""
What a watch told, and how that differs from a list: no I/O, no clock.

Versions are only compared for being the same. A list is a picture of the moment at which it was asked
for: what the watch told since then is newer than the list, whatever the list says.
"""

from collections.abc import Collection, Mapping
from typing import NamedTuple

__all__ = ["Name", "Told"]

_FORGET_AFTER = 600.0
"""Seconds for which it is remembered that an object went: longer than any list takes."""


class Name(NamedTuple):
    """An object's place among those of its kind."""

    namespace: str
    name: str


class _Version(NamedTuple):
    resource_version: str
    at: float
    uid: str | None
    """None where only a list told of it."""


class Told:
    """The objects of one watch by their names. Times are of the monotonic clock."""

    def __init__(self) -> None:
        self._there: dict[Name, _Version] = {}
        self._gone: dict[Name, float] = {}

    def __contains__(self, name: object) -> bool:
        return name in self._there

    def version(self, name: Name) -> str | None:
        """The version that was told last; None when the object is not there."""
        there = self._there.get(name)
        return there.resource_version if there else None

    def is_there(
        self, name: Name, resource_version: str, at: float, *, uid: str | None = None
    ) -> None:
        """An object is there in this version."""
        self._there[name] = _Version(resource_version, at, uid)
        self._gone.pop(name, None)

    def is_gone(self, name: Name, at: float, *, uid: str | None = None) -> None:
        """An object went, or has the label no more.

        When another one of its name was told already, it is that one that is there: kopf keeps the order
        for each uid only.
        """
        there = self._there.get(name)
        if there is not None and None not in (uid, there.uid) and there.uid != uid:
            return
        self._there.pop(name, None)
        self._gone.pop(name, None)
        self._gone[name] = at
        self._prune(at)

    def differing(self, listed: Mapping[Name, str], since: float) -> Collection[Name]:
        """Objects that a list, begun at ``since``, has otherwise than the watch told; those it lacks, too."""
        different = {
            name
            for name, version in listed.items()
            if not self._told_since(name, since) and self.version(name) != version
        }
        lacking = {
            name
            for name, version in self._there.items()
            if name not in listed and version.at < since
        }
        return different | lacking

    def take_over(self, listed: Mapping[Name, str], since: float) -> Collection[Name]:
        """Believe the list; the names of what differed."""
        names = self.differing(listed, since)
        for name in names:
            if name in listed:
                self.is_there(name, listed[name], since)
            else:
                self.is_gone(name, since)
        return names

    def _told_since(self, name: Name, since: float) -> bool:
        there = self._there.get(name)
        if there is not None:
            return there.at >= since
        return self._gone.get(name, float("-inf")) >= since

    def _prune(self, now: float) -> None:
        """The newest of them is of now: something always stays."""
        while now - self._gone[oldest := next(iter(self._gone))] >= _FORGET_AFTER:
            del self._gone[oldest]
