"""
The conditions of a WebhookSubscription: the closed set of their reasons.

docs/reference/conditions.md says for each reason what it means and what to do; a test keeps the two equal.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from hookgate_operator.conditions import Row

__all__ = [
    "DELIVERING",
    "ENDPOINT_ALLOWED",
    "READY",
    "REASONS",
    "SECRETS_RESOLVED",
    "Reason",
    "State",
]

READY = "Ready"
SECRETS_RESOLVED = "SecretsResolved"
ENDPOINT_ALLOWED = "EndpointAllowed"
DELIVERING = "Delivering"


class Reason(StrEnum):
    """Why a condition is as it is."""

    READY = "Ready"
    SUSPENDED = "Suspended"
    INVALID_SPEC = "InvalidSpec"
    SECRETS_UNRESOLVED = "SecretsUnresolved"
    ENDPOINT_FORBIDDEN = "EndpointForbidden"
    ENDPOINT_GONE = "EndpointGone"
    OWNED_BY_ANOTHER = "OwnedByAnother"
    GATEWAY_REFUSED = "GatewayRefused"
    GATEWAY_UNREACHABLE = "GatewayUnreachable"
    RESOLVED = "Resolved"
    SECRET_NOT_FOUND = "SecretNotFound"  # noqa: S105  # a reason
    SECRET_FORBIDDEN = "SecretForbidden"  # noqa: S105
    VALUE_REFUSED = "ValueRefused"
    ALLOWED = "Allowed"
    FORBIDDEN = "Forbidden"
    UNRESOLVED = "Unresolved"
    DELIVERING = "Delivering"
    FAILING = "Failing"
    CIRCUIT_OPEN = "CircuitOpen"
    HELD = "Held"
    NO_ATTEMPTS = "NoAttempts"


_UNTOLD: Mapping[Reason, Row] = {
    reason: Row("Unknown")
    for reason in (
        Reason.INVALID_SPEC,
        Reason.OWNED_BY_ANOTHER,
        Reason.GATEWAY_REFUSED,
        Reason.GATEWAY_UNREACHABLE,
    )
}
"""Nothing is known, for the reason that Ready tells."""

REASONS: Mapping[str, Mapping[Reason, Row]] = {
    READY: {
        Reason.READY: Row("True", "Normal"),
        Reason.SUSPENDED: Row("True", "Normal"),
        Reason.INVALID_SPEC: Row("False", "Warning"),
        Reason.SECRETS_UNRESOLVED: Row("False"),  # SecretsResolved says which, and is announced
        Reason.ENDPOINT_FORBIDDEN: Row("False", "Warning"),
        Reason.ENDPOINT_GONE: Row("False", "Warning"),
        Reason.OWNED_BY_ANOTHER: Row("False", "Warning"),
        Reason.GATEWAY_REFUSED: Row("False", "Warning"),
        Reason.GATEWAY_UNREACHABLE: Row("False", "Warning"),
    },
    SECRETS_RESOLVED: {
        Reason.RESOLVED: Row("True"),
        Reason.SECRET_NOT_FOUND: Row("False", "Warning"),
        Reason.SECRET_FORBIDDEN: Row("False", "Warning"),
        Reason.VALUE_REFUSED: Row("False", "Warning"),
        **_UNTOLD,
    },
    ENDPOINT_ALLOWED: {
        Reason.ALLOWED: Row("True"),
        Reason.FORBIDDEN: Row("False"),  # Ready's EndpointForbidden is announced
        Reason.UNRESOLVED: Row("Unknown"),
        **_UNTOLD,
    },
    DELIVERING: {
        Reason.DELIVERING: Row("True", "Normal"),
        Reason.FAILING: Row("False", "Warning"),
        Reason.CIRCUIT_OPEN: Row("False", "Warning"),
        Reason.ENDPOINT_GONE: Row("False"),  # Ready's is announced
        Reason.HELD: Row("False"),  # Ready says why, and is announced
        Reason.NO_ATTEMPTS: Row("Unknown"),
        Reason.GATEWAY_UNREACHABLE: Row("Unknown"),
    },
}
"""By condition: every reason that it can have."""


@dataclass(frozen=True, slots=True)
class State:
    """How a condition is: its reason decides its status."""

    type: str
    reason: Reason
    message: str

    @property
    def row(self) -> Row:
        return REASONS[self.type][self.reason]
