"""
Who works, of several replicas: the one that has the Lease, and no longer than that is certain.

The election is the library's, and it is trusted with nothing but winning: it does not look after the work,
goes by the wall clock, and may hang. So leading ends when anything ends: the work, the election, the time
within which the Lease has to be renewed (on a clock that never jumps), or the Lease's being ours. Whoever
led and does not any more ends its process.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final, Protocol

from kubernetes.aio.client import ApiClient
from kubernetes.aio.leaderelection.electionconfig import Config
from kubernetes.aio.leaderelection.leaderelection import LeaderElection

from hookgate_operator.app.lease import LeaseObserver, LeaseSettings, WatchedLease
from hookgate_process.clock import Clock
from hookgate_process.failures import where_raised

__all__ = ["Alone", "Asked", "Ended", "Leadership", "LeadershipObserver", "Work", "by_lease"]

_UNWIND: Final = 4.0
"""Seconds that the work may take to stop when the Lease is lost; with a short Lease as many as are left."""
_ORDERLY: Final = 10.0
"""Seconds that it may take while the Lease is still being renewed."""

Work = Callable[[], Awaitable[None]]
"""What the leader does; never comes back by itself."""
Asked = Callable[[], Coroutine[Any, Any, None]]
"""Comes back when the process is asked to stop."""


class LeadershipObserver(LeaseObserver, Protocol):
    """Who counts and logs."""

    def leads(self, leading: bool) -> None:
        """Whether this replica is the one that works."""
        ...

    def error(self, name: str, /, **fields: object) -> None: ...


@dataclass(frozen=True, slots=True)
class Ended:
    """Leading, or waiting for it, is over."""

    why: str | None = None
    """A sentence; None: the process was asked to stop."""
    is_stuck: bool = False
    """The work did not stop in time: the process must not go on."""


class Leadership(Protocol):
    """Decides when the work is done, and whether still."""

    async def run(self, work: Work, asked_to_stop: Asked) -> Ended:
        """Do the work as soon as and as long as we lead; comes back when it is stopped."""
        ...

    def trouble(self) -> str | None:
        """Why nobody can tell who leads, a sentence."""
        ...

    @property
    def leads(self) -> bool: ...


class Alone:
    """There is no other replica."""

    def __init__(self, observer: LeadershipObserver) -> None:
        self._observer = observer
        self.leads = False

    async def run(self, work: Work, asked_to_stop: Asked) -> Ended:
        """Do the work at once."""
        task = _begin(self, work, self._observer)
        why = None
        try:
            await _first(task, asked_to_stop())
            if task.done():
                why = _died(task, self._observer)
        finally:
            is_stuck = not await _stopped(task, asyncio.sleep(_ORDERLY))
            self.leads = False
            self._observer.leads(False)
        return Ended(why, is_stuck)

    def trouble(self) -> str | None:
        return None


def by_lease(
    settings: LeaseSettings, api_client: ApiClient, *, clock: Clock, observer: LeadershipObserver
) -> "ByLease":
    """The leadership of whoever has a Lease."""
    logging.getLogger("kubernetes.aio.leaderelection").setLevel(logging.CRITICAL + 1)
    lease = WatchedLease(settings, api_client, clock=clock, observer=observer)
    return ByLease(settings, lease, clock=clock, observer=observer)


class ByLease:
    """The replica that has the Lease works."""

    def __init__(
        self,
        settings: LeaseSettings,
        lease: WatchedLease,
        *,
        clock: Clock,
        observer: LeadershipObserver,
    ) -> None:
        self._settings = settings
        self._lease = lease
        self._clock = clock
        self._observer = observer
        self._elected = asyncio.Event()
        self.leads = False

    async def run(self, work: Work, asked_to_stop: Asked) -> Ended:
        """Wait for the Lease, do the work, and come back when leading ended, the work stopped before."""
        election = asyncio.create_task(LeaderElection(self._config()).run(), name="election")
        ended = Ended()
        try:
            await _first(election, self._elected.wait(), asked_to_stop())
            if self._elected.is_set():
                ended = await self._lead(work, election, asked_to_stop)
            elif election.done():
                ended = Ended(f"the election ended: {_outcome(election)}")
        finally:
            election.cancel()
            await asyncio.wait({election})
        if not ended.is_stuck:  # nothing of ours is written from here on
            await self._lease.release()
        return ended

    def trouble(self) -> str | None:
        return self._lease.trouble

    async def _lead(
        self, work: Work, election: "asyncio.Task[None]", asked_to_stop: Asked
    ) -> Ended:
        self._observer.event("leading", lease=self._settings.name, identity=self._settings.identity)
        task = _begin(self, work, self._observer)
        why: str | None = "it was cancelled"
        try:
            await _first(task, election, self._lease.taken.wait(), self._overdue(), asked_to_stop())
            why = self._why(task, election)
        finally:
            is_stuck = not await _stopped(task, self._lasts(is_orderly=why is None))
            self.leads = False
            self._observer.leads(False)
        return Ended(why, is_stuck)

    def _why(self, task: "asyncio.Task[None]", election: "asyncio.Task[None]") -> str | None:
        if task.done():
            return _died(task, self._observer)
        if self._lease.taken.is_set():
            return "another replica has the Lease"
        trouble = f": {self._lease.trouble}" if self._lease.trouble else ""
        if election.done():
            return f"the Lease is not renewed any more ({_outcome(election)}){trouble}"
        if self._left() <= 0:
            return f"the Lease could not be renewed for {self._settings.renew_within:g} s{trouble}"
        return None

    async def _overdue(self) -> None:
        """Come back when the Lease was not renewed for too long, whatever the wall clock says."""
        while (left := self._left()) > 0:  # noqa: ASYNC110  # each renewal moves it
            await asyncio.sleep(left)

    async def _lasts(self, *, is_orderly: bool) -> None:
        """For as long as the work may take to stop."""
        if is_orderly:
            await _first(self._overdue(), self._lease.taken.wait(), asyncio.sleep(_ORDERLY))
        else:
            await asyncio.sleep(min(_UNWIND, self._settings.unwind))

    def _left(self) -> float:
        """Seconds until the Lease has to be renewed."""
        return self._lease.renewed_at + self._settings.renew_within - self._clock.monotonic()

    def _config(self) -> Config:
        async def elected() -> None:
            self._elected.set()

        async def over() -> None:
            pass  # the end of the election's task says it

        return Config(
            lock=self._lease,
            lease_duration=self._settings.seconds,
            renew_deadline=self._settings.renew_within,
            retry_period=self._settings.every,
            onstarted_leading=elected,
            onstopped_leading=over,
        )


def _begin(
    leadership: "Alone | ByLease", work: Work, observer: LeadershipObserver
) -> "asyncio.Task[None]":
    leadership.leads = True
    observer.leads(True)

    async def do() -> None:
        await work()

    return asyncio.create_task(do(), name="work")


async def _first(*things: "asyncio.Task[Any] | Coroutine[Any, Any, Any]") -> None:
    """Come back when the first of these ends; coroutines are cancelled then, tasks are left alone."""
    own = [asyncio.ensure_future(it) for it in things if asyncio.iscoroutine(it)]
    tasks = [it for it in things if isinstance(it, asyncio.Task)]
    try:
        await asyncio.wait({*own, *tasks}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in own:
            task.cancel()
        await asyncio.wait(own)


async def _stopped(task: "asyncio.Task[None]", patience: Coroutine[Any, Any, None]) -> bool:
    """Stop the work. False when ``patience`` comes to its end before that."""
    task.cancel()
    await _first(task, patience)
    return task.done()


def _died(task: "asyncio.Task[None]", observer: LeadershipObserver) -> str:
    """Why the work ended by itself, where in the log; never with an error's text, which can hold values."""
    if not task.done() or task.cancelled():
        return "the work was cancelled"
    for error in _each(task.exception()):
        where = where_raised(error)
        observer.error("work_died", error=type(error).__name__, where=where)
    return f"the work ended: {_outcome(task)}"


def _each(error: BaseException | None) -> list[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        return [each for inner in error.exceptions for each in _each(inner)]
    return [error] if error is not None else []


def _outcome(task: "asyncio.Task[None]") -> str:
    if task.cancelled():
        return "it was cancelled"
    names = {type(error).__name__ for error in _each(task.exception())}
    return ", ".join(sorted(names)) if names else "it came back"
