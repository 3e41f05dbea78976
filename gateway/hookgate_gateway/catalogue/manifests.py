"""
The folder of manifests as a source of the catalogue, reloaded as it changes.

The unit is the file: a bad one is reported and its last good state stays, also over a restart.
"""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from hookgate.resources import KIND
from hookgate_gateway.catalogue.catalogue import Catalogue
from hookgate_gateway.catalogue.manifest_file import ManifestFile
from hookgate_gateway.catalogue.manifest_folder import Folder
from hookgate_gateway.catalogue.manifest_plan import OWNER, FileState, Plan, plan
from hookgate_gateway.contract import ResourceKind
from hookgate_gateway.observe import Observer
from hookgate_gateway.ports import OwnedByAnother, ResourceDraft, StoreError
from hookgate_gateway.rules.delivery import HoldReason
from hookgate_process.clock import Clock

__all__ = ["Manifests"]

POLL_SECONDS = 0.5
"""A change is taken at the second look that finds it the same: within a second, mostly."""

_AT_ONCE = 100
"""Puts that are under way together: they share the store's commits."""


class Manifests:
    """Reads the folder into the catalogue: :meth:`load` at start, then :meth:`watch` for good."""

    def __init__(self, path: Path, catalogue: Catalogue, observer: Observer, clock: Clock) -> None:
        self._path = path
        self._catalogue = catalogue
        self._observer = observer
        self._clock = clock
        self._folder = Folder(path)
        self._files: dict[str, FileState] = {}
        self._unfinished = True
        self._applied = False
        self._problems: tuple[str, ...] = ()

    @property
    def problems(self) -> tuple[str, ...]:
        """What is wrong now: one line each with file, resource, field and remedy."""
        return self._problems

    @property
    def loaded(self) -> bool:
        """False when nothing could be loaded: then the gateway is not ready."""
        sound = any(state.content is not None for state in self._files.values())
        ours = any(stored.owner == OWNER for stored in self._catalogue.stored.values())
        return self._applied and (sound or ours or not self._files)

    async def load(self) -> None:
        """Take in what changed in the folder, if anything did. Raises StoreError; call it again then."""
        try:
            changed = await asyncio.to_thread(self._folder.changed)
        except OSError as error:
            self._report([f"{self._path}: cannot be read: {error.strerror}; create the folder"])
            self._unfinished = True
            return
        if not changed and not self._unfinished:
            return
        self._unfinished = True
        for name in sorted(changed):
            await self._take(name)
        await self._apply()
        self._unfinished = False

    async def watch(self) -> None:
        """Look at the folder until cancelled. A store that cannot now is asked again."""
        while True:
            await asyncio.sleep(POLL_SECONDS)
            await self.load_or_postpone()

    async def load_or_postpone(self) -> None:
        """As :meth:`load`; a store that cannot now is logged, and asked again at the next look."""
        try:
            await self.load()
        except StoreError as error:
            self._observer.warning("manifests_postponed", error=str(error))

    async def _take(self, name: str) -> None:
        read = await asyncio.to_thread(self._folder.take, name)
        former = self._files.pop(name, FileState())
        if isinstance(read, ManifestFile):
            self._files[name] = FileState(read, last_good=former.good)
        elif read is not None:
            self._files[name] = FileState(None, read, last_good=former.good)

    async def _apply(self) -> None:
        found = await asyncio.to_thread(plan, dict(self._files), self._catalogue.stored)
        for name, state in self._files.items():
            if state.content:
                self._files[name] = replace(state, problems=found.clashes.get(name, ()))
        refused = await self._put(found)
        for key in found.deletes:
            await self._catalogue.delete(key, OWNER)
        self._applied = True
        self._report([*self._bad_files(), *refused], list(self._unresolved(found)))
        self._observer.event(
            "manifests_loaded",
            files=len(self._files),
            put=len(found.puts) - len(refused),
            deleted=len(found.deletes),
            problems=len(self._problems),
        )

    async def _put(self, found: Plan) -> list[str]:
        """Put all that is to be put, in one moment's name; returns what another owner has."""
        refused = []
        now = self._clock.now()
        for start in range(0, len(found.puts), _AT_ONCE):
            drafts = found.puts[start : start + _AT_ONCE]
            puts = (self._catalogue.store(draft, now) for draft in drafts)
            results = await asyncio.gather(*puts, return_exceptions=True)
            await self._catalogue.refresh()
            for draft, result in zip(drafts, results, strict=True):
                if isinstance(result, OwnedByAnother):
                    refused.append(f"{self._place(found, draft)}: {result}; delete it there first")
                elif isinstance(result, BaseException):
                    raise result
        return refused

    def _place(self, found: Plan, draft: ResourceDraft) -> str:
        return f"{self._path / found.files[draft.key]}"

    def _bad_files(self) -> Iterator[str]:
        for name, state in sorted(self._files.items()):
            yield from (f"{self._path / name}: {line}" for line in state.problems)

    def _unresolved(self, found: Plan) -> Iterator[str]:
        for key, name in found.files.items():
            held = self._catalogue.snapshot.subscriptions.get((key.namespace, key.name))
            if key.kind is not ResourceKind.SUBSCRIPTION or held is None or held.hold is None:
                continue
            if held.hold.reason is HoldReason.UNRESOLVED:
                place = f"{self._path / name}: {KIND} {key.namespace}/{key.name}"
                yield f"{place}: {held.hold.message}"

    def _report(self, refused: Sequence[str], unresolved: Sequence[str] = ()) -> None:
        """Log what is newly wrong; what went on being wrong has been said."""
        for problem in refused:
            if problem not in self._problems:
                self._observer.error("manifest_refused", error=problem)
        for problem in unresolved:
            if problem not in self._problems:
                self._observer.warning("subscription_unresolved", error=problem)
        self._problems = (*refused, *unresolved)
