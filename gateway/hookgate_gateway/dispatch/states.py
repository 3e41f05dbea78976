"""
Lanes as they are shown.
"""

from dataclasses import dataclass

from hookgate_gateway.dispatch.lanes import Lane
from hookgate_gateway.rules.delivery import Timestamp
from hookgate_gateway.rules.lane import BreakerState
from hookgate_process.clock import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneState:
    """A lane as shown."""

    breaker: BreakerState
    held: bool
    in_flight: int
    waiting: int
    """In memory; more may be parked."""
    parked: bool
    paused_until: Timestamp | None
    """The receiver asked for a pause (Retry-After)."""

    @classmethod
    def of(cls, lane: Lane, clock: Clock) -> "LaneState":
        now = clock.monotonic()
        pause = lane.paused_until - now
        return cls(
            breaker=lane.state(now),
            held=lane.held,
            in_flight=lane.in_flight,
            waiting=lane.waiting,
            parked=lane.parked,
            paused_until=clock.now() + pause if pause > 0 else None,
        )
