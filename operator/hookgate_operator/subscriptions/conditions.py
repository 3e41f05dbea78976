"""
The conditions of a WebhookSubscription: the closed set of their reasons, and how they move on.

docs/reference/conditions.md says for each reason what it means and what to do; a test keeps the two
equal. A reason that is announced becomes a Kubernetes Event when it comes up.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal, NamedTuple

from hookgate_operator.ports import Announcement

__all__ = [
    "DELIVERING",
    "ENDPOINT_ALLOWED",
    "READY",
    "REASONS",
    "SECRETS_RESOLVED",
    "Former",
    "Reason",
    "Row",
    "State",
    "announcements",
    "conditions",
    "former_conditions",
    "shortened",
]

READY = "Ready"
SECRETS_RESOLVED = "SecretsResolved"
ENDPOINT_ALLOWED = "EndpointAllowed"
DELIVERING = "Delivering"

Status = Literal["True", "False", "Unknown"]
Loudness = Literal["Normal", "Warning"]

_MESSAGE_LENGTH = 4096
_ANNOUNCED_LENGTH = 1024


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


class Row(NamedTuple):
    """What a reason says of a condition, and how loudly it is announced when it comes up."""

    status: Status
    announced: Loudness | None = None


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


class Former(NamedTuple):
    """A condition as an object's status has it, whoever wrote it."""

    status: str
    reason: str
    message: str
    last_transition_time: str


def former_conditions(status: Mapping[str, Any]) -> Mapping[str, Former]:
    """The conditions of an object's own status by their types; what cannot be read was not said."""
    listed = status.get("conditions")
    return dict(_readable(listed if isinstance(listed, list) else ()))


def _readable(listed: Iterable[Any]) -> Iterator[tuple[str, Former]]:
    for each in listed:
        match each:
            case {"type": str(kind), "status": str(said), "reason": str(why), **rest}:
                message, since = rest.get("message"), rest.get("lastTransitionTime")
                yield kind, Former(said, why, str(message or ""), str(since or ""))
            case _:
                pass


def conditions(
    states: Iterable[State], former: Mapping[str, Former], *, generation: int, now: str
) -> list[dict[str, Any]]:
    """The conditions as the status has them; their time moves on only where their status does."""
    return [_condition(state, former.get(state.type), generation, now) for state in states]


def _condition(state: State, before: Former | None, generation: int, now: str) -> dict[str, Any]:
    status = state.row.status
    stays = before is not None and before.status == status
    return {
        "type": state.type,
        "status": status,
        "observedGeneration": generation,
        "lastTransitionTime": (before.last_transition_time if before and stays else "") or now,
        "reason": state.reason.value,
        "message": shortened(state.message, _MESSAGE_LENGTH),
    }


def announcements(
    states: Iterable[State], former: Mapping[str, Former]
) -> tuple[Announcement, ...]:
    """What is to be announced of reasons that came up; a condition that was the same is not."""
    return tuple(
        Announcement(
            type=state.row.announced,
            reason=state.reason.value,
            message=shortened(state.message, _ANNOUNCED_LENGTH),
        )
        for state in states
        if state.row.announced and _came_up(state, former.get(state.type))
    )


def _came_up(state: State, before: Former | None) -> bool:
    return before is None or before.reason != state.reason


def shortened(text: str, length: int) -> str:
    """``text`` in at most ``length`` characters."""
    return text if len(text) <= length else text[: length - 1] + "…"
