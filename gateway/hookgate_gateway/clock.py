"""
The only reader of clocks. Everybody else is given a :class:`Clock`.

``now()`` is for due times, ids and signed timestamps; ``monotonic()`` for rates, breakers, leases and
deadlines. The two must not be mixed: the wall clock can jump.
"""

import time
from typing import Protocol

__all__ = ["Clock", "SystemClock"]


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
