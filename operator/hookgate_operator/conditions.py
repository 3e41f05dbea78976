"""
Conditions as Kubernetes has them, whatever kind of object they are of: read, moved on, announced.

Each kind says in a table of its own which reasons its conditions can have; see
docs/reference/conditions.md. A reason that is announced becomes a Kubernetes Event when it comes up.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Literal, NamedTuple, Protocol

from hookgate_operator.ports import Announcement

__all__ = [
    "Former",
    "Row",
    "State",
    "announcements",
    "conditions",
    "former_conditions",
    "is_true",
    "shortened",
    "timestamp",
]

_MESSAGE_LENGTH = 4096
_ANNOUNCED_LENGTH = 1024


class Row(NamedTuple):
    """What a reason says of a condition, and how loudly it is announced when it comes up."""

    status: Literal["True", "False", "Unknown"]
    announced: Literal["Normal", "Warning"] | None = None


class State(Protocol):
    """How a condition is."""

    @property
    def type(self) -> str: ...

    @property
    def reason(self) -> StrEnum: ...

    @property
    def message(self) -> str: ...

    @property
    def row(self) -> Row:
        """What its kind's table says of its reason."""
        ...


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


def is_true(former: Mapping[str, Former], kind: str) -> bool:
    """Whether an object's status says so of itself."""
    return kind in former and former[kind].status == "True"


def conditions(
    states: Iterable[State], former: Mapping[str, Former], *, generation: int, now: str
) -> list[dict[str, Any]]:
    """The conditions as a status has them; their time moves on only where their status does."""
    return [
        {
            "type": state.type,
            "status": state.row.status,
            "observedGeneration": generation,
            "lastTransitionTime": _since(state, former.get(state.type)) or now,
            "reason": state.reason.value,
            "message": shortened(state.message, _MESSAGE_LENGTH),
        }
        for state in states
    ]


def _since(state: State, before: Former | None) -> str | None:
    if before is None or before.status != state.row.status:
        return None
    return before.last_transition_time


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


def timestamp(now: float) -> str:
    """Unix seconds as RFC 3339 in UTC, whole seconds."""
    return datetime.fromtimestamp(int(now), UTC).isoformat().removesuffix("+00:00") + "Z"
