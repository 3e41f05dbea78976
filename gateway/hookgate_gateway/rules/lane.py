"""
What the queue of one target may do now: its cap, its rate limit, its circuit breaker.

Bucket and breaker are frozen values that make their successors. Their times are monotonic seconds;
the wall clock can jump and has no say here.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from math import ceil, inf
from typing import Final
from urllib.parse import urlsplit
from zlib import crc32

from hookgate.deliveries import Outcome
from hookgate_gateway.rules.delivery import LaneKey, Namespace

SHARDS: Final = 64
"""Lanes hash into this many shards; a replica owns whole shards."""

_SLACK: Final = 1e-5
"""Seconds: a timer may fire this much early without having to be set again."""


@dataclass(frozen=True, slots=True)
class LaneLimits:
    """How hard one target may be driven. The defaults are the resource's."""

    max_in_flight: int = 4
    requests_per_second: float | None = None
    burst: int | None = None
    """Defaults to one second's worth."""
    breaker_failures: int = 5
    """Consecutive failures that open the breaker; 0 switches it off."""
    breaker_open_seconds: float = 60.0


def subscription_lane(namespace: Namespace, name: str) -> LaneKey:
    """The lane of a subscription."""
    return LaneKey(f"s/{namespace}/{name}")


def run_lane(namespace: Namespace, url: str) -> LaneKey:
    """The lane of runs' own targets at the same origin; ``url`` has been checked before."""
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    port = parts.port or (443 if parts.scheme.lower() == "https" else 80)
    return LaneKey(f"r/{namespace}/{parts.scheme.lower()}://{host}:{port}")


def lane_subscription(lane: LaneKey) -> tuple[Namespace, str | None]:
    """The namespace of a lane, and its subscription unless it is a lane of runs' own targets."""
    kind, namespace, rest = lane.split("/", 2)
    return Namespace(namespace), rest if kind == "s" else None


def shard(lane: LaneKey) -> int:
    """The shard of a lane: the same in every process and release."""
    return crc32(lane.encode()) % SHARDS


@dataclass(frozen=True, slots=True)
class TokenBucket:
    """A rate limit with a burst, as the time at which the bucket will be full (GCRA, ITU-T I.371).

    Over any stretch of ``t`` seconds at most ``burst + rate * t`` starts are let through, whatever
    was missed before.
    """

    rate: float
    """Starts a second."""
    burst: int
    full_at: float = -inf

    @classmethod
    def of(cls, limits: LaneLimits) -> "TokenBucket | None":
        """The bucket that these limits ask for, full; None when they set no rate."""
        if limits.requests_per_second is None:
            return None
        burst = limits.burst or max(1, int(limits.requests_per_second))
        return cls(limits.requests_per_second, burst)

    @property
    def ready_at(self) -> float:
        """When the next start is allowed."""
        return self.full_at - (self.burst - 1) / self.rate

    def available(self, now: float) -> int:
        """How many starts are allowed at once now."""
        missing = max(0.0, self.full_at - now - _SLACK) * self.rate
        return max(0, self.burst - ceil(missing))

    def spent(self, now: float, count: int = 1) -> "TokenBucket":
        """After ``count`` starts at ``now``."""
        return replace(self, full_at=max(self.full_at, now) + count / self.rate)


class BreakerState(StrEnum):
    """Closed: everything passes. Open: nothing. Half open: one attempt at a time, to see."""

    CLOSED = "closed"
    HALF_OPEN = "half_open"
    OPEN = "open"


_UNCOUNTED: Final = frozenset({Outcome.BLOCKED, Outcome.GONE})
"""Outcomes that say nothing about whether the receiver is well."""


@dataclass(frozen=True, slots=True)
class Breaker:
    """A circuit breaker over consecutive failures."""

    failures: int = 0
    open_until: float | None = None
    """None while it is closed. Once this is past, it is half open."""
    probing: bool = False
    """Half open, and the one attempt that may be made is under way."""

    def state(self, now: float) -> BreakerState:
        if self.open_until is None:
            return BreakerState.CLOSED
        return BreakerState.OPEN if now < self.open_until - _SLACK else BreakerState.HALF_OPEN

    @property
    def ready_at(self) -> float:
        """When the next attempt may start; ``inf`` while a probe decides."""
        if self.open_until is None:
            return -inf
        return inf if self.probing else self.open_until

    def started(self) -> "Breaker":
        """After an attempt was started, which ``ready_at`` allowed."""
        return self if self.open_until is None else replace(self, probing=True)

    def abandoned(self) -> "Breaker":
        """After an attempt that was started ended without an outcome."""
        return replace(self, probing=False) if self.probing else self

    def after(self, outcome: Outcome, limits: LaneLimits, now: float) -> "Breaker":
        """After an attempt's outcome, known at ``now``."""
        if outcome is Outcome.SUCCESS:
            return CLOSED
        if outcome in _UNCOUNTED:
            return self.abandoned()
        if self.state(now) is BreakerState.OPEN:  # started before it opened: nothing new
            return self
        failures = self.failures + 1
        reopens = self.open_until is not None
        if limits.breaker_failures and (reopens or failures >= limits.breaker_failures):
            return Breaker(failures, now + limits.breaker_open_seconds)
        return Breaker(failures)


CLOSED: Final = Breaker()
"""A breaker that has seen no failure since the last success."""


def is_due(at: float, now: float) -> bool:
    """Whether the moment ``at`` has come, as exactly as timers are."""
    return at <= now + _SLACK
