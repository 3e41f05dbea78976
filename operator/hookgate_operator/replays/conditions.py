"""
The conditions of a WebhookReplay: the closed set of their reasons.

docs/reference/conditions.md says for each reason what it means and what to do; a test keeps the two
equal. As with a Job, ``Failed`` is there once it is true, ``Suspended`` once it was.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from hookgate_operator.conditions import Row

__all__ = ["COMPLETE", "FAILED", "REASONS", "SUSPENDED", "Reason", "ReplayState"]

COMPLETE = "Complete"
FAILED = "Failed"
SUSPENDED = "Suspended"


class Reason(StrEnum):
    """Why a condition is as it is."""

    COMPLETED = "Completed"
    COUNTED = "Counted"
    RUNNING = "Running"
    SUSPENDED = "Suspended"
    RESUMED = "Resumed"
    SUBSCRIPTION_NOT_READY = "SubscriptionNotReady"
    OWNED_BY_ANOTHER = "OwnedByAnother"
    GATEWAY_UNREACHABLE = "GatewayUnreachable"
    INVALID_SPEC = "InvalidSpec"
    GATEWAY_REFUSED = "GatewayRefused"
    CANCELLED = "Cancelled"
    LOST = "Lost"


_FAILURES = (Reason.INVALID_SPEC, Reason.GATEWAY_REFUSED, Reason.CANCELLED, Reason.LOST)

REASONS: Mapping[str, Mapping[Reason, Row]] = {
    COMPLETE: {
        Reason.COMPLETED: Row("True", "Normal"),
        Reason.COUNTED: Row("True", "Normal"),
        Reason.RUNNING: Row("False", "Normal"),
        Reason.SUSPENDED: Row("False", "Normal"),
        Reason.SUBSCRIPTION_NOT_READY: Row("False"),
        Reason.OWNED_BY_ANOTHER: Row("False", "Warning"),
        Reason.GATEWAY_UNREACHABLE: Row("False", "Warning"),
        **dict.fromkeys(_FAILURES, Row("False")),  # Failed is announced
    },
    FAILED: dict.fromkeys(_FAILURES, Row("True", "Warning")),
    SUSPENDED: {Reason.SUSPENDED: Row("True"), Reason.RESUMED: Row("False")},
}
"""By condition: every reason that it can have."""


@dataclass(frozen=True, slots=True)
class ReplayState:
    """How a condition is: its reason decides its status."""

    type: str
    reason: Reason
    message: str

    @property
    def row(self) -> Row:
        return REASONS[self.type][self.reason]
