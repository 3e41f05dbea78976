"""
What the queue of one target may do now: its cap, its rate limit, its circuit breaker.
"""

from dataclasses import dataclass
from urllib.parse import urlsplit

from hookgate_gateway.rules.delivery import LaneKey, Namespace


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
