"""
The values of Secrets and ConfigMaps, as fresh as was promised and read as seldom as that allows.

What a watch tells of is current; anything else is at most ``max_age`` seconds old, read once for however
many ask, and read again as long as some object needs it, so that a change is noticed: what is missing soon,
because it was often forgotten or is about to come, then ever more seldom. Only values that somebody asked
for are kept.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, Protocol

from hookgate_operator.cluster.decoding import values_of
from hookgate_operator.cluster.observing import ClusterObserver
from hookgate_operator.ports import ClusterError, NotFound, NotReadable, Values
from hookgate_process.clock import Clock

__all__ = ["Needed", "Ref", "Source", "ValueCache"]

Needed = Callable[[], Mapping[str, Collection[str]]]
"""The names that some object needs now, by namespace."""

_AT_ONCE: Final = 8
_SECOND_LOOK: Final = 3.0
"""Seconds after which one that may no more be read is believed to be so."""
_REREAD: Final = 0.75
"""Of the promised age: the rest is for the reading and for the gateway."""
_SOONEST: Final = 2.0
"""Seconds after which a missing value is looked for again; the pause doubles with each look."""
_AFTER_TROUBLE: Final = 15.0


class Ref(NamedTuple):
    """A Secret, or a ConfigMap as ``configmap/NAME``."""

    namespace: str
    name: str


class Source(Protocol):
    """Who reads."""

    async def read(self, ref: Ref) -> Values:
        """The values as they are now. Raises ClusterError; that there is none is a value."""
        ...


@dataclass(frozen=True, slots=True)
class _Entry:
    values: Values = field(repr=False)
    at: float
    missing_since: float | None = None
    """When it was first found missing, while it is."""

    def is_sought(self, now: float) -> bool:
        """Whether a missing value is to be looked for: after 2 seconds, 4, 8, …"""
        since = self.missing_since
        return since is not None and now - self.at >= max(_SOONEST, self.at - since)


class ValueCache:
    """Its reads belong to it: :meth:`close` ends them."""

    def __init__(
        self, source: Source, *, clock: Clock, observer: ClusterObserver, max_age: float
    ) -> None:
        self._source = source
        self._clock = clock
        self._observer = observer
        self._max_age = max_age
        self._entries: dict[Ref, _Entry] = {}
        self._reads: dict[Ref, asyncio.Task[Values]] = {}
        self._outdated: set[Ref] = set()
        """Told of while they were being read: what is read may be older than what was told."""
        self._missing: set[Ref] = set()
        """Those of the entries that were not found."""
        self._limit = asyncio.Semaphore(_AT_ONCE)
        self._is_told: Callable[[Ref], bool] = lambda _: False
        self._changed: Callable[[str, str], None] = lambda _namespace, _name: None

    async def get(self, namespace: str, names: Collection[str]) -> Mapping[str, Values]:
        """The values by their names. Raises ClusterError."""
        refs = [Ref(namespace, name) for name in sorted(set(names))]
        found = await asyncio.gather(*map(self._one, refs))
        return {ref.name: values for ref, values in zip(refs, found, strict=True)}

    async def run(
        self,
        *,
        needed: Needed,
        is_told: Callable[[Ref], bool],
        changed: Callable[[str, str], None],
    ) -> None:
        """Notice changes until cancelled: of what a watch tells of, and of what is needed."""
        self._is_told, self._changed = is_told, changed
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._reread(needed))
                tasks.create_task(self._seek())
        finally:
            self._is_told, self._changed = lambda _: False, lambda _namespace, _name: None

    async def _reread(self, needed: Needed) -> None:
        while True:
            await asyncio.sleep(self._max_age * _REREAD)
            refs = [Ref(space, name) for space, names in needed().items() for name in names]
            self._keep_only(refs)
            unread = await self._read_again([ref for ref in refs if not self._is_told(ref)])
            if unread is not None:  # one is told for all
                ref, error = unread
                self._observer.values_unread(ref.namespace, ref.name, str(error))

    async def _seek(self) -> None:
        """What came to be is found before it would be read again anyway."""
        while True:
            await asyncio.sleep(_SOONEST / 2)
            now = self._clock.monotonic()
            sought = [ref for ref in self._missing if self._entries[ref].is_sought(now)]
            if await self._read_again(sought):
                await asyncio.sleep(_AFTER_TROUBLE)

    def told(self, ref: Ref, document: Mapping[str, Any]) -> None:
        """A watch told what is there now."""
        if ref in self._reads:
            self._outdated.add(ref)
        if ref in self._entries:
            self._store(ref, values_of(document))

    def doubt(self, ref: Ref) -> None:
        """It went, or lost its label, or is otherwise than a watch told: it is read again."""
        if ref in self._reads:
            self._outdated.add(ref)
        elif ref in self._entries:
            self._begin(ref)

    async def close(self) -> None:
        """End what is being read."""
        reads = list(self._reads.values())
        for read in reads:
            read.cancel()
        await asyncio.gather(*reads, return_exceptions=True)

    # ------------------------------------------------------------------------------- reading

    async def _one(self, ref: Ref) -> Values:
        entry = self._entries.get(ref)
        if entry is not None and ref not in self._reads and self._is_current(ref, entry):
            return entry.values
        return await asyncio.shield(self._begin(ref))

    def _is_current(self, ref: Ref, entry: _Entry) -> bool:
        return self._clock.monotonic() - entry.at < self._max_age or self._is_told(ref)

    def _begin(self, ref: Ref) -> asyncio.Task[Values]:
        """The read that is under way, or a new one."""
        read = self._reads.get(ref)
        if read is None:
            read = asyncio.create_task(self._read(ref))
            self._reads[ref] = read
            read.add_done_callback(lambda done: self._ended(ref, done))
        return read

    async def _read(self, ref: Ref) -> Values:
        """What is told meanwhile is newer than what is read: then it is read once more."""
        doubted = False
        while True:
            self._outdated.discard(ref)
            async with self._limit:
                at = self._clock.monotonic()
                values = await self._source.read(ref)
            if ref in self._outdated:
                continue
            if self._is_doubtful(ref, values) and not doubted:
                doubted = True
                await asyncio.sleep(_SECOND_LOOK)
                continue
            self._store(ref, values, at)
            return values

    def _is_doubtful(self, ref: Ref, values: Values) -> bool:
        """An API server that starts forbids for a moment what it is about to allow."""
        entry = self._entries.get(ref)
        return isinstance(values, NotReadable) and entry is not None and entry.values != values

    def _ended(self, ref: Ref, read: asyncio.Task[Values]) -> None:
        del self._reads[ref]
        self._outdated.discard(ref)
        if not read.cancelled():
            read.exception()  # whoever waits has it; nobody may be waiting

    async def _read_again(self, refs: Collection[Ref]) -> tuple[Ref, ClusterError] | None:
        """The first that could not be read, if any: those keep what is known of them."""
        outcomes = await asyncio.gather(*map(self._begin, refs), return_exceptions=True)
        for ref, outcome in zip(refs, outcomes, strict=True):
            if isinstance(outcome, ClusterError):
                return ref, outcome
        return None

    # ------------------------------------------------------------------------------- keeping

    def _store(self, ref: Ref, values: Values, at: float | None = None) -> None:
        before = self._entries.get(ref)
        at = self._clock.monotonic() if at is None else at
        missing_since = None
        self._missing.discard(ref)
        if isinstance(values, NotFound):
            self._missing.add(ref)
            known = before.missing_since if before else None
            missing_since = at if known is None else known
        self._entries[ref] = _Entry(values, at, missing_since)
        if before is not None and before.values != values:
            self._changed(ref.namespace, ref.name)

    def _keep_only(self, refs: Collection[Ref]) -> None:
        for ref in self._entries.keys() - set(refs):
            if self._clock.monotonic() - self._entries[ref].at >= self._max_age:
                del self._entries[ref]
                self._missing.discard(ref)
