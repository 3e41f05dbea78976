"""
The work queue: which objects are to be looked at, each at most once at a time.

As client-go's: a key that is added while it waits is there once; one that is added while it is worked on
is worked on once more afterwards. What failed comes back later and later. Turns go round over namespaces,
so that ten thousand objects of one tenant do not keep another's waiting.
"""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from hookgate_operator.ports import Key

__all__ = ["BackOff", "QueueObserver", "WorkQueue"]


class QueueObserver(Protocol):
    """Who counts: ``hookgate_operator_workqueue_*``."""

    def queue_depth(self, depth: int) -> None:
        """So many keys wait for a worker."""
        ...

    def queue_added(self) -> None:
        """A key came to wait for a worker."""
        ...

    def queue_retried(self) -> None:
        """A key failed and will come back."""
        ...

    def queue_waited(self, seconds: float) -> None:
        """A key waited that long for a worker."""
        ...

    def queue_worked(self, seconds: float) -> None:
        """A key was worked on for that long."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class BackOff:
    """How long what failed waits: doubling, half of it by chance."""

    least: float = 1.0
    """Seconds."""
    most: float = 60.0
    """Seconds."""

    def delay(self, failures: int, chance: float) -> float:
        """Seconds after that many failures in a row (1 or more); ``chance`` from 0 to 1."""
        ceiling = min(self.most, self.least * 2.0 ** min(failures, 30))
        return max(self.least, ceiling / 2 * (1 + chance))


class WorkQueue:
    """Keys that wait, by namespace in turn; keys that are worked on; keys that come back later."""

    def __init__(
        self,
        observer: QueueObserver,
        *,
        backoff: BackOff = BackOff(),
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._observer = observer
        self._backoff = backoff
        self._chance = chance
        self._waiting: dict[str, dict[Key, float]] = {}
        """By namespace, the one whose turn is next first: keys with when they were added."""
        self._depth = 0
        self._working: dict[Key, float] = {}
        self._again: set[Key] = set()
        """Added while they are worked on."""
        self._timers: dict[Key, asyncio.TimerHandle] = {}
        self._failures: dict[Key, int] = {}
        self._not_before: dict[Key, float] = {}
        """Until when they were asked to be left alone."""
        self._some = asyncio.Event()

    def __len__(self) -> int:
        """How many keys wait for a worker."""
        return self._depth

    def add(self, key: Key) -> None:
        """Look at it as soon as a worker is free; never earlier than it asked to be left alone for."""
        if key in self._working:
            self._again.add(key)
            return
        pause = self._not_before.get(key, 0.0) - _now()
        if pause > 0:
            self.add_after(key, pause)
            return
        waiting = self._waiting.setdefault(key.namespace, {})
        if key in waiting:
            return
        waiting[key] = _now()
        self._depth += 1
        self._observer.queue_added()
        self._observer.queue_depth(self._depth)
        self._some.set()

    def add_after(self, key: Key, seconds: float) -> None:
        """Look at it in so many seconds; of several wishes the earliest holds."""
        loop = asyncio.get_running_loop()
        when = loop.time() + seconds
        timer = self._timers.get(key)
        if timer is not None and timer.when() <= when:
            return
        if timer is not None:
            timer.cancel()
        self._timers[key] = loop.call_at(when, self._due, key)

    def retry(self, key: Key, at_least: float | None = None) -> float:
        """Look at it again after its back-off, in how many seconds is the answer.

        ``at_least`` is what the other side asked for: before that not even a wake-up brings it back.
        """
        self._failures[key] = failures = self._failures.get(key, 0) + 1
        delay = self._backoff.delay(failures, self._chance())
        if at_least is not None:
            delay = max(delay, at_least)
            self._not_before[key] = _now() + at_least
        self._observer.queue_retried()
        self.add_after(key, delay)
        return delay

    def succeeded(self, key: Key) -> None:
        """Its next failure is its first one."""
        self._failures.pop(key, None)
        self._not_before.pop(key, None)

    async def take(self) -> Key:
        """The next key, as soon as there is one. Whoever takes it calls :meth:`done`."""
        while not self._depth:
            self._some.clear()
            await self._some.wait()
        namespace = next(iter(self._waiting))
        waiting = self._waiting.pop(namespace)
        key, added_at = next(iter(waiting.items()))
        del waiting[key]
        if waiting:
            self._waiting[namespace] = waiting  # behind all others
        self._depth -= 1
        if timer := self._timers.pop(key, None):
            timer.cancel()  # what it waited for is looked at now
        self._working[key] = now = _now()
        self._observer.queue_depth(self._depth)
        self._observer.queue_waited(now - added_at)
        return key

    def done(self, key: Key) -> None:
        """It was worked on; if it was added meanwhile it waits again."""
        self._observer.queue_worked(_now() - self._working.pop(key))
        if key in self._again:
            self._again.discard(key)
            self.add(key)

    def close(self) -> None:
        """Nothing comes back later any more."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    def _due(self, key: Key) -> None:
        del self._timers[key]
        self.add(key)


def _now() -> float:
    """The event loop's clock: what its timers go by."""
    return asyncio.get_running_loop().time()
