"""
When to try a delivery again, and when to stop.

Everything here is a function of its arguments: no clock, no chance, no I/O. The dispatcher brings
``now`` and ``jitter`` in and carries the verdict out.
"""

from dataclasses import dataclass

from hookgate.deliveries import Outcome
from hookgate_gateway.rules.delivery import Attempt, Ending, Timestamp

LONGEST_PAUSE = 3600.0
"""Seconds that a receiver can ask for by Retry-After; what it asks for beyond is not honoured."""


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


def asked_pause(attempt: Attempt) -> float:
    """Seconds for which the receiver asked to be left alone; 0.0 when it did not.

    Only 429 and 503 are read so (RFC 9110 §10.2.3, RFC 6585 §4), and at most an hour is granted.
    """
    if attempt.retry_after is None or attempt.status not in (429, 503):
        return 0.0
    return min(max(attempt.retry_after, 0.0), LONGEST_PAUSE)


def decide(
    policy: RetryPolicy,
    attempt: Attempt,
    *,
    number: int,
    now: Timestamp,
    jitter: float,
    age_from: Timestamp,
) -> Verdict:
    """What follows from attempt ``number`` (from 1) that ended at ``now``.

    ``jitter`` is a draw from 0..1. ``age_from`` is the later of acceptance and last resume; a delivery
    expires when its next attempt would come after ``policy.max_age`` seconds of age. Every outcome but
    a success and a 410 is retried, refusals of our own (``blocked``) included: a DNS slip or a typo in
    an allowlist must not lose anything.
    """
    if attempt.outcome is Outcome.SUCCESS:
        return Succeed()
    if attempt.outcome is Outcome.GONE:
        return GiveUp(Ending.GONE)
    if number > len(policy.delays):
        return GiveUp(Ending.ATTEMPTS_USED_UP)
    pause = policy.delays[number - 1] * (1.0 + policy.jitter_percent / 100.0 * jitter)
    due = now + max(pause, asked_pause(attempt))
    if due > age_from + policy.max_age:
        return GiveUp(Ending.EXPIRED)
    return RetryAt(due)
