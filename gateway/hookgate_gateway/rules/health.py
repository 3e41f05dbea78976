"""
Whether a subscription's deliveries arrive: what its attempts so far say.

A frozen value that makes its successor after each attempt. It never holds a receiver's words.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from hookgate.deliveries import Outcome
from hookgate_gateway.rules.delivery import Attempt, Timestamp


class HealthState(StrEnum):
    """What the last attempt says. ``unknown``: nothing was tried yet."""

    UNKNOWN = "unknown"
    HEALTHY = "healthy"
    FAILING = "failing"


@dataclass(frozen=True, slots=True)
class Failure:
    """A failed attempt: when it ended, how, and with which HTTP status if any."""

    at: Timestamp
    outcome: Outcome
    status: int | None


@dataclass(frozen=True, slots=True)
class Health:
    """The last success, the last failure, and how many failures there were since the success."""

    last_success_at: Timestamp | None = None
    last_failure: Failure | None = None
    consecutive_failures: int = 0

    @property
    def state(self) -> HealthState:
        if self.consecutive_failures:
            return HealthState.FAILING
        return HealthState.UNKNOWN if self.last_success_at is None else HealthState.HEALTHY

    def after(self, attempt: Attempt) -> "Health":
        """After an attempt that ended. Attempts may come in another order than they ended in."""
        at = attempt.started_at + attempt.duration
        if attempt.outcome is Outcome.SUCCESS:
            return Health(max(at, self.last_success_at or at), self.last_failure, 0)
        failure = Failure(at, attempt.outcome, attempt.status)
        if self.last_failure is not None and self.last_failure.at > at:
            failure = self.last_failure
        return Health(self.last_success_at, failure, self.consecutive_failures + 1)


UNTRIED: Final = Health()
"""No attempt was made yet."""
