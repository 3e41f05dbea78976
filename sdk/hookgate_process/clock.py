"""
The only reader of clocks. Everybody else is given a :class:`Clock`.

``now()`` is for due times, ids and signed timestamps; ``monotonic()`` for rates, breakers, leases and
deadlines. The two must not be mixed: the wall clock can jump.
"""

import time
from typing import Protocol

__all__ = ["Clock", "PatientWall", "SystemClock"]

_SLEW = 2.0
"""Seconds by which a clock may be corrected between two looks without that being a jump."""


class Clock(Protocol):
    """Two readings of time, both in seconds."""

    def now(self) -> float:
        """Wall clock, unix seconds, UTC."""
        ...

    def monotonic(self) -> float:
        """A clock that never jumps; its zero means nothing."""
        ...


class SystemClock:
    """The machine's clocks."""

    now = staticmethod(time.time)  # noqa: TID251  # the one place that may
    monotonic = staticmethod(time.monotonic)


class PatientWall:
    """The wall clock, yet a jump ahead is believed only ``patience`` seconds later.

    A grace that has just begun is not over because the clock was set.
    """

    def __init__(self, clock: Clock, patience: float) -> None:
        self._clock = clock
        self._patience = patience
        self._ahead = clock.now() - clock.monotonic()
        """Of the monotonic clock, as believed."""
        self._jumped_at: float | None = None

    def now(self) -> float:
        """Unix seconds."""
        now, monotonic = self._clock.now(), self._clock.monotonic()
        if now - monotonic <= self._ahead + _SLEW:
            self._ahead, self._jumped_at = now - monotonic, None
        elif self._jumped_at is None:
            self._jumped_at = monotonic
        elif monotonic - self._jumped_at >= self._patience:
            self._ahead, self._jumped_at = now - monotonic, None
        return self._ahead + monotonic
