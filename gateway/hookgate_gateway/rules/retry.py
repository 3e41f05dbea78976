"""
When to try a delivery again, and when to stop.

Everything here is a function of its arguments: no clock, no chance, no I/O. The dispatcher brings
``now`` and ``jitter`` in and carries the verdict out.
"""

from dataclasses import dataclass

from hookgate_gateway.rules.delivery import Ending, Timestamp


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Pauses between attempts in seconds; the default is the seed's 1, 5, 15 and 30 minutes."""

    delays: tuple[float, ...] = (60.0, 300.0, 900.0, 1800.0)
    jitter_percent: float = 10.0
    """At most this much is added on top of a pause, never taken off."""
    max_age: float = 259200.0
    """Seconds after acceptance (or the last resume) at which a delivery expires."""


ONCE = RetryPolicy(delays=(), jitter_percent=0.0)
"""A single attempt: synchronous replays."""


@dataclass(frozen=True, slots=True)
class Succeed:
    """The receiver has it."""


@dataclass(frozen=True, slots=True)
class RetryAt:
    """Not yet: try again at ``due``."""

    due: Timestamp


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Never again by itself; a replay can."""

    ending: Ending


Verdict = Succeed | RetryAt | GiveUp
