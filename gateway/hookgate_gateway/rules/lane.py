"""
What the queue of one target may do now: its cap, its rate limit, its circuit breaker.
"""

from dataclasses import dataclass


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
