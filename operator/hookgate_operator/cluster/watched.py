"""
One watch for as long as the operator leads: kept going, looked after, believed only as far as lists agree.

A watch can be silent for two reasons, and one of them is fatal. So every so often (and after each time that
it listed by itself) the names and versions are listed and compared with what it told: what it missed is
told in its stead, and it is started anew. That is also how objects are noticed that went while nobody
watched: no watch ever tells of those.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from hookgate_operator.cluster.access import Access
from hookgate_operator.cluster.errors import Call
from hookgate_operator.cluster.kopf_watch import KopfWatch
from hookgate_operator.cluster.liveness import Liveness
from hookgate_operator.cluster.observing import ClusterObserver
from hookgate_operator.cluster.requests import METADATA_ONLY, Requests
from hookgate_operator.cluster.resources import Resource
from hookgate_operator.cluster.told import Name, Told
from hookgate_operator.ports import ClusterError, Kind
from hookgate_process.clock import Clock

__all__ = ["Changed", "Polled", "Surroundings", "Watch", "Watched"]

Changed = Callable[["Watch", Name, Mapping[str, Any] | None], None]
"""Told of an object that came or changed (as it is now), or that went or is known by name only (None)."""

GRACE: Final = 2.0
"""Seconds within which a watch tells what was listed a moment ago."""
_SOON: Final = 1.0
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 15.0
_STEADY: Final = 60.0
"""A watch that lasted so many seconds is started at once when it ends."""


@dataclass(frozen=True, slots=True)
class Watch:
    """What is watched."""

    name: str
    resource: Resource
    kind: Kind | None
    """What its objects are to the operator; None: they only hold values."""
    selector: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What all watches have in common. ``namespaces``: none means all of the cluster."""

    requests: Requests
    access: Access
    namespaces: tuple[str, ...]
    clock: Clock
    observer: ClusterObserver
    liveness: Liveness
    changed: Changed

    def calls(self, watch: Watch) -> list[Call]:
        """The lists that together are what is watched."""
        return [Call("list", watch.resource, each) for each in self.namespaces or (None,)]

    async def versions(self, watch: Watch) -> Mapping[Name, str]:
        """What is there, by name and version. Raises ClusterError."""
        found: dict[Name, str] = {}
        for call in self.calls(watch):
            for item in await self.requests.pages(
                call, selector=watch.selector, accept=METADATA_ONLY
            ):
                metadata = item["metadata"]
                found[_name(item)] = metadata["resourceVersion"]
        return found


class _Health:
    """What is wrong with a watch, told once for each reason."""

    def __init__(self, watch: Watch, around: Surroundings) -> None:
        self._watch = watch.name
        self._around = around
        self.trouble: str | None = f"the watch {watch.name} has not begun yet"
        self._told: str | None = None
        around.observer.watch_begins(watch.name)

    def good(self) -> None:
        at = self._around.liveness.alive(self._watch)
        self._around.observer.watch_alive(self._watch, at)
        if self.trouble is not None:
            self._around.observer.watch_recovered(self._watch)
        self.trouble = self._told = None

    def bad(self, why: str) -> None:
        self._around.liveness.excused(self._watch)
        self.trouble = why
        if why != self._told:
            self._told = why
            self._around.observer.watch_trouble(self._watch, why)


class Watched:
    """A resource that kopf watches."""

    def __init__(self, watch: Watch, around: Surroundings, *, every: float) -> None:
        self.watch = watch
        self.told = Told()
        self._around = around
        self._every = every
        self._health = _Health(watch, around)
        self._soon = asyncio.Event()
        self._kopf: KopfWatch | None = None

    @property
    def trouble(self) -> str | None:
        """Why it does not work, in a sentence."""
        return self._health.trouble

    async def run(self) -> None:
        """Watch until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._keep())
            tasks.create_task(self._look_after())

    # ------------------------------------------------------------------------------- watching

    async def _keep(self) -> None:
        pause = _FIRST_PAUSE
        while True:
            began = self._around.clock.monotonic()
            try:
                await self._probe()
            except ClusterError as error:
                self._health.bad(str(error))
            else:
                why = await self._once()
                if self._around.clock.monotonic() - began >= _STEADY:
                    pause = _FIRST_PAUSE
                elif pause > _FIRST_PAUSE:
                    self._health.bad(f"the watch of {self.watch.resource} ends at once ({why})")
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    async def _probe(self) -> None:
        """Raises ClusterError when what is to be watched cannot be listed."""
        for call in self._around.calls(self.watch):
            query = {"limit": "1", "labelSelector": self.watch.selector}
            await self._around.requests.ask(call, query=query, accept=METADATA_ONLY)

    async def _once(self) -> str:
        """Watch once; why it ended."""
        kopf_watch = KopfWatch(
            self.watch.name,
            self.watch.resource,
            selector=self.watch.selector,
            namespaces=self._around.namespaces,
            credentials=self._around.access.credentials,
            tell=self._tell,
            failed=self._failed,
        )
        self._kopf = kopf_watch
        self._soon.set()
        try:
            error = await kopf_watch.run()
        finally:
            self._kopf = None
        return type(error).__name__ if error else "it was stopped"

    def _tell(self, kind: str | None, document: Mapping[str, Any]) -> None:
        name, now = _name(document), self._around.clock.monotonic()
        self._health.good()
        if kind is None:  # kopf listed: what went before that is told by nobody
            self._soon.set()
        if kind == "DELETED":
            self.told.is_gone(name, now, uid=document["metadata"]["uid"])
            self._around.changed(self.watch, name, None)
            return
        version = document["metadata"]["resourceVersion"]
        is_news = self.told.version(name) != version
        self.told.is_there(name, version, now, uid=document["metadata"]["uid"])
        if is_news:
            self._around.changed(self.watch, name, document)

    # --------------------------------------------------------------------------- looking after

    def _failed(self) -> None:
        """A request was in vain: if that is news, look what is the matter; else it is looked at anyway."""
        if self.trouble is None:
            self._soon.set()

    async def _look_after(self) -> None:
        pause = _FIRST_PAUSE
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(
                    min(pause, self._every) if self.trouble else self._every
                ):
                    await self._soon.wait()
                await asyncio.sleep(_SOON)
            self._soon.clear()
            if self._kopf is None:
                continue
            try:
                await self._compare()
            except ClusterError as error:
                self._health.bad(str(error))
                pause = min(2 * pause, _LONGEST_PAUSE)
            else:
                pause = _FIRST_PAUSE

    async def _compare(self) -> None:
        since = self._around.clock.monotonic()
        listed = await self._around.versions(self.watch)
        if self.told.differing(listed, since):
            await asyncio.sleep(GRACE)
        names = self.told.take_over(listed, since)
        for name in names:
            self._around.changed(self.watch, name, None)
        if not names:
            self._health.good()
        elif any(name in listed for name in names):
            self._around.observer.watch_missed(self.watch.name, len(names))
            if self._kopf is not None:
                self._kopf.stop()


class Polled:
    """A resource that is listed every so often, by names and versions."""

    def __init__(self, watch: Watch, around: Surroundings, *, every: float) -> None:
        self.watch = watch
        self.told = Told()
        self._around = around
        self._every = every
        self._health = _Health(watch, around)

    @property
    def trouble(self) -> str | None:
        return self._health.trouble

    async def run(self) -> None:
        """List until cancelled."""
        while True:
            pause = self._every
            try:
                await self._list()
            except ClusterError as error:
                self._health.bad(str(error))
                pause = min(_LONGEST_PAUSE, self._every)
            await asyncio.sleep(pause)

    async def _list(self) -> None:
        since = self._around.clock.monotonic()
        listed = await self._around.versions(self.watch)
        for name in self.told.take_over(listed, since):
            self._around.changed(self.watch, name, None)
        self._health.good()


def _name(document: Mapping[str, Any]) -> Name:
    metadata = document["metadata"]
    return Name(metadata["namespace"], metadata["name"])
