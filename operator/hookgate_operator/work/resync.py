"""
Looking at everything once more: what the watches missed, and where gateway and memory differ.

A resync only ever wakes keys. Whatever is put, removed or written is the business of their
reconciliation, which looks for itself; so a list that was out of date by the time it was read does no
harm.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from typing import Protocol

from hookgate_operator.ports import Key, Kind, Observed, OutsideError
from hookgate_operator.work.wakeups import Queue

__all__ = ["Comparison", "Lists", "Resync", "ResyncObserver", "Watches"]

Lists = Mapping[Kind, Sequence[Observed]]
"""What the API server has, of the kinds that could be listed."""

_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 60.0


class Watches(Protocol):
    """What the watches told."""

    async def missed(self, kind: Kind, listed: Sequence[Observed]) -> Collection[Key]:
        """Objects that the API server has in another version than the watches told, or not at all.

        A watch gets a short grace to tell what was listed a moment ago; finding nothing is a sign of
        its life.
        """
        ...


class Comparison(Protocol):
    """Something that is compared with the cluster."""

    async def differing(self, listed: Lists) -> Collection[Key]:
        """The objects to be looked at again. May raise OutsideError."""
        ...


class Lister(Protocol):
    """The part of the cluster that lists."""

    async def every(self, kind: Kind) -> Sequence[Observed]: ...


class ResyncObserver(Protocol):
    """Who logs."""

    def event(self, name: str, /, **fields: object) -> None: ...

    def trouble(self, name: str, /, *causes: OutsideError, **fields: object) -> None: ...


class Resync:
    """Resyncs every so many seconds, and at once when asked."""

    def __init__(
        self,
        cluster: Lister,
        watches: Watches,
        comparisons: Sequence[Comparison],
        queue: Queue,
        observer: ResyncObserver,
        *,
        kinds: Sequence[Kind] = tuple(Kind),
        every: float = 300.0,
    ) -> None:
        self._cluster = cluster
        self._watches = watches
        self._comparisons = comparisons
        self._queue = queue
        self._observer = observer
        self._kinds = kinds
        self._every = every
        self._asked = asyncio.Event()
        self._trouble: frozenset[str] = frozenset()

    def ask(self) -> None:
        """Resync at once, or once more right after the one under way."""
        self._asked.set()

    async def run(self) -> None:
        """Resync until cancelled; the first time at once, sooner again while something could not be read."""
        pause = _FIRST_PAUSE
        while True:
            self._asked.clear()
            is_whole = await self.once()
            wait = self._every if is_whole else min(pause, self._every)
            pause = _FIRST_PAUSE if is_whole else min(2 * pause, _LONGEST_PAUSE)
            with suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._asked.wait()

    async def once(self) -> bool:
        """Wake what differs. False when something could not be read; what could be was compared."""
        troubles: dict[str, OutsideError] = {}
        listed: dict[Kind, Sequence[Observed]] = {}
        differing: set[Key] = set()
        for kind in self._kinds:
            try:
                listed[kind] = await self._cluster.every(kind)
                differing.update(await self._watches.missed(kind, listed[kind]))
            except OutsideError as error:
                troubles[f"{kind}: {error}"] = error
        for comparison in self._comparisons:
            try:
                differing.update(await comparison.differing(listed))
            except OutsideError as error:
                troubles[str(error)] = error
        for key in sorted(differing):
            self._queue.add(key)
        self._tell(troubles, len(differing))
        return not troubles

    def _tell(self, troubles: Mapping[str, OutsideError], differing: int) -> None:
        if differing:
            self._observer.event("resync_found_differences", objects=differing)
        told = frozenset(troubles)
        if told and told != self._trouble:
            self._observer.trouble("resync_incomplete", *troubles.values(), reasons=sorted(told))
        elif self._trouble and not told:
            self._observer.event("resync_recovered")
        self._trouble = told
