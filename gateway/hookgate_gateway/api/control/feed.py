"""
Changes of deliveries' health, for those who wait for them.

What changed is published at most once a second, and where only the times of attempts moved on every ten
seconds, so that a busy subscription costs its watchers little. Waiters share one event. A token names a
moment of this process; with a token of another one, everything is told anew.
"""

import asyncio
import secrets
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass

from hookgate_gateway.api.control.view import HealthView
from hookgate_gateway.dispatch.health import Name
from hookgate_gateway.rules.delivery import HoldReason
from hookgate_gateway.rules.health import Health, HealthState
from hookgate_gateway.rules.lane import BreakerState
from hookgate_process.clock import Clock

__all__ = ["Changes", "HealthFeed"]

FLIPS_EVERY = 1.0
TIMES_EVERY = 10.0
_AT_ONCE = 2000
"""Subscriptions looked at between two waits: some ten milliseconds."""
_TOMBSTONES = 1000

_Flip = tuple[HealthState, HoldReason | None, BreakerState]
"""What is published at once when it becomes another one."""


@dataclass(frozen=True, slots=True)
class Changes:
    """Since a token: the subscriptions to look at (all when ``full``), and those that went."""

    token: str
    full: bool
    names: tuple[Name, ...] = ()
    removed: tuple[Name, ...] = ()


@dataclass(frozen=True, slots=True)
class _Published:
    flip: _Flip
    health: Health
    at: float


class HealthFeed:
    """Numbers what changes. ``touched`` is told of what may have; ``publish_forever`` looks."""

    def __init__(self, view: HealthView, clock: Clock) -> None:
        self._view = view
        self._clock = clock
        self._life = secrets.token_hex(8)
        self._number = 0
        self._floor = 0
        """Older tokens get everything: what went before is forgotten."""
        self._changed_at: dict[Name, int] = {}
        """In the order of the changes, the latest last."""
        self._published: dict[Name, _Published] = {}
        self._touched: dict[Name, None] = {}
        self._some = asyncio.Event()
        self._news = asyncio.Event()
        self._closed = False

    def touched(self, names: Collection[Name]) -> None:
        """Something about these may have changed. Cheap: it is called for every attempt."""
        self._touched.update(dict.fromkeys(names))
        self._some.set()

    async def publish_forever(self) -> None:
        """Publish what changed, until cancelled."""
        while True:
            await self._some.wait()
            self.publish()
            await asyncio.sleep(FLIPS_EVERY)

    def publish(self) -> None:
        """Look at what was touched; what is not yet to be told stays touched."""
        now = self._clock.monotonic()
        names = list(self._touched)[:_AT_ONCE]
        number = self._number + 1
        for name in names:
            del self._touched[name]
            if self._is_news(name, now):
                self._changed_at.pop(name, None)
                self._changed_at[name] = number
                self._number = number
        if not self._touched:
            self._some.clear()
        if self._number == number:
            self._bury()
            news, self._news = self._news, asyncio.Event()
            news.set()

    async def wait(
        self, token: str | None, seconds: float, wanted: Callable[[Name], bool]
    ) -> Changes:
        """The changes since a token, as soon as there are any; empty after so many seconds."""
        since = self._read(token)
        if since is None:
            names = tuple(filter(wanted, self._view.names()))
            return Changes(self._token(self._number), full=True, names=names)
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not self._closed:
                    news = self._news
                    if changes := self._since(since, wanted):
                        return changes
                    since = self._number
                    await news.wait()
        return Changes(self._token(since), full=False)

    async def close(self) -> None:
        """Answer everybody who waits."""
        self._closed = True
        self._news.set()

    # ------------------------------------------------------------------------------- publishing

    def _is_news(self, name: Name, now: float) -> bool:
        """Whether it is told now. Remembers what was told, and touches again what has to wait."""
        before = self._published.get(name)
        subscription = self._view.find(name)
        if subscription is None:
            was_told = name in self._changed_at and name not in self._published
            self._published.pop(name, None)
            return not was_told
        health = self._view.health(name)
        hold = subscription.hold.reason if subscription.hold else None
        flip = (health.state, hold, self._view.breaker(name))
        if before is not None and before.flip == flip:
            if before.health == health:
                return False
            if now - before.at < TIMES_EVERY:
                self._touched[name] = None
                return False
        self._published[name] = _Published(flip, health, now)
        return True

    def _bury(self) -> None:
        """Forget what went, once there is much of it."""
        if len(self._changed_at) - len(self._published) > _TOMBSTONES:
            self._changed_at = {
                name: number
                for name, number in self._changed_at.items()
                if name in self._published
            }  # fmt: skip
            self._floor = self._number

    # --------------------------------------------------------------------------------- asking

    def _since(self, since: int, wanted: Callable[[Name], bool]) -> Changes | None:
        names, removed = [], []
        for name, number in reversed(self._changed_at.items()):
            if number <= since:
                break
            if self._view.find(name) is None:
                removed.append(name)
            elif wanted(name):
                names.append(name)
        if not names and not removed:
            return None
        token = self._token(self._number)
        return Changes(token, full=False, names=tuple(names), removed=tuple(removed))

    def _token(self, number: int) -> str:
        return f"{self._life}-{number}"

    def _read(self, token: str | None) -> int | None:
        life, _, digits = (token or "").partition("-")
        if life != self._life or not (digits.isascii() and digits.isdigit()):
            return None
        number = int(digits) if len(digits) < 20 else -1
        return number if self._floor <= number <= self._number else None
