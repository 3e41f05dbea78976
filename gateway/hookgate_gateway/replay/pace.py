"""
How fast a bulk replay goes on: its own rate, and no faster than its lanes take it.

Values that make their successors; times are monotonic seconds. A replay keeps about a tenth of a
second's work waiting in a lane: enough that the lane never runs dry between two looks, and little
enough that a fresh event has next to nothing before it.
"""

from dataclasses import dataclass, replace
from math import inf

from hookgate_gateway.rules.lane import TokenBucket

__all__ = ["MOST", "Pace"]

MOST = 256
"""Deliveries made in one step."""
LEAST = 4
_FIRST = 8
_LOOK = 0.01
"""Seconds between two steps, and between looks at a lane that is full."""
_LONGEST_LOOK = 0.25
_BREATH = 0.003
"""Seconds between steps that find little: as long as one takes, so that accepts have the store, too."""
_BEHIND = 0.1
"""Seconds for which a lane may stay full before less is brought to it at once."""
_GATHER = 0.05
"""Seconds for which a replay with a rate gathers what it may make: a commit for each would cost more."""


@dataclass(frozen=True, slots=True)
class Pace:
    """When the next step may be made and how large it may be."""

    bucket: TokenBucket | None
    size: int = _FIRST
    full_since: float = inf
    look: float = _LOOK
    next_at: float = -inf
    eager: bool = False
    """The first look after the last step found room already."""

    @classmethod
    def of(cls, rate: float | None) -> "Pace":
        """``rate`` in deliveries a second; bursts of a tenth of a second."""
        return cls(None if rate is None else TokenBucket(rate, max(1, round(rate / 10))))

    @property
    def queue(self) -> int:
        """So many may wait in a lane that more is brought to."""
        return self.size // 2

    def allowance(self, now: float) -> int:
        """How many may be made now."""
        if self.bucket is None:
            return self.size
        return min(self.size, self.bucket.available(now))

    def made(self, count: int, now: float) -> "Pace":
        """After a step that made so many. When each finds room at once, they become larger."""
        grows = self.eager and count >= self.size
        size = min(MOST, self.size * 2) if grows else self.size
        bucket = self.bucket.spent(now, count) if self.bucket is not None and count else self.bucket
        next_at = now + (_LOOK if count >= self.size else _BREATH)
        if bucket is not None and count:
            next_at = max(now + _GATHER, bucket.ready_at)
        return Pace(bucket, size, next_at=next_at, eager=count > 0 or self.eager)

    def blocked(self, now: float) -> "Pace":
        """After a look at a lane that is full."""
        since = min(self.full_since, now)
        if now - since > _BEHIND:
            return replace(
                self,
                size=max(LEAST, self.size // 2),
                full_since=now,
                look=min(self.look * 2, _LONGEST_LOOK),
                next_at=now + self.look,
                eager=False,
            )
        return replace(self, full_since=since, next_at=now + self.look, eager=False)

    def due(self, now: float) -> "Pace":
        """After a look that the rate did not allow a step for."""
        return replace(self, next_at=now if self.bucket is None else self.bucket.ready_at)

    def at(self, moment: float) -> "Pace":
        """Nothing before this moment."""
        return replace(self, next_at=moment)
