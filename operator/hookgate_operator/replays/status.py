"""
How a WebhookReplay stands (:class:`hookgate.resources.ReplayStatus`): its conditions and figures, when
they are written, when to look again.

Functions of their arguments. A flip (a condition's status or reason, a new generation) is written at
once, figures alone at most every five seconds.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from hookgate.resources import ReplaySpec
from hookgate_operator.conditions import (
    announcements,
    conditions,
    former_conditions,
    timestamp,
)
from hookgate_operator.ports import Announcement, Observed, ReplayProgress
from hookgate_operator.replays.conditions import (
    COMPLETE,
    FAILED,
    SUSPENDED,
    Reason,
    ReplayState,
)
from hookgate_operator.replays.plan import former_status, started_at

__all__ = ["Answer", "Counted", "Failure", "Plan", "Waiting", "is_final", "tell"]

FIGURES_EVERY = 5.0
"""Seconds between two writes of an object's status that tell nothing but figures."""
_LOOK, _LONGEST_LOOK, _SLOWER = 2.0, 10.0, 30.0
"""Seconds between two looks at a replay that runs: two at first, ten when it has run for five minutes."""
_LOOK_PAUSED = 30.0
_LOOK_WAITING: Mapping[Reason, float] = {
    Reason.SUBSCRIPTION_NOT_READY: 1.0,
    Reason.OWNED_BY_ANOTHER: 60.0,
}
_FIGURES = ("matched", "sent", "delivered", "failed", "skipped", "remaining")


@dataclass(frozen=True, slots=True)
class Counted:
    """A dry run: so many deliveries would be made."""

    matched: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """It could not be handed over; it will be tried again."""

    reason: Literal[
        Reason.SUBSCRIPTION_NOT_READY, Reason.OWNED_BY_ANOTHER, Reason.GATEWAY_UNREACHABLE
    ]
    message: str


@dataclass(frozen=True, slots=True)
class Failure:
    """It cannot be carried out."""

    reason: Literal[Reason.INVALID_SPEC, Reason.GATEWAY_REFUSED, Reason.LOST]
    message: str


Answer = ReplayProgress | Counted | Waiting | Failure
"""What came of asking the gateway."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is told: a status to write now, what is announced with it, and when to look again."""

    status: Mapping[str, Any] | None
    announcements: tuple[Announcement, ...] = ()
    again: float | None = None


def is_final(answer: Answer) -> bool:
    """Whether nothing will change any more."""
    match answer:
        case ReplayProgress(state="completed") | Counted() | Failure():
            return True
        case ReplayProgress(state="cancelled", remaining=0):
            return True
        case _:
            return False


def tell(
    observed: Observed,
    spec: ReplaySpec | None,
    answer: Answer,
    *,
    now: float,
    since_write: float | None,
) -> Plan:
    """What to write and to announce; None for a ``spec`` that cannot be read.

    ``now`` in unix seconds, ``since_write`` the seconds since this process last wrote the object's
    status; None: not known, long ago. Transitions are those of the object's own status, so that a
    restart repeats nothing.
    """
    former = former_status(observed)
    before = former_conditions(former)
    states = tuple(_states(answer, was_suspended=SUSPENDED in before))
    said = conditions(states, before, generation=observed.generation, now=timestamp(now))
    status = {
        "observedGeneration": observed.generation,
        "conditions": said,
        **_times(answer, former, now),
        **_figures(answer, former),
    }
    again = _again(answer, started_at(former) or now, now, spec)
    if status == former:
        return Plan(None, again=again)
    if not _flips(status, former) and since_write is not None and since_write < FIGURES_EVERY:
        rest = FIGURES_EVERY - since_write
        return Plan(None, again=rest if again is None else min(again, rest))
    return Plan(status, announcements(states, before), again)


# ---------------------------------------------------------------------------------- conditions


def _states(answer: Answer, *, was_suspended: bool) -> Iterator[ReplayState]:
    complete = _complete(answer)
    yield complete
    if is_final(answer) and complete.row.status == "False":
        yield ReplayState(FAILED, complete.reason, complete.message)
    if complete.reason is Reason.SUSPENDED:
        yield ReplayState(SUSPENDED, Reason.SUSPENDED, complete.message)
    elif was_suspended:
        yield ReplayState(SUSPENDED, Reason.RESUMED, "It is not suspended.")


def _complete(answer: Answer) -> ReplayState:
    match answer:
        case Waiting(reason=reason, message=message) | Failure(reason=reason, message=message):
            return ReplayState(COMPLETE, reason, message)
        case Counted(matched=matched):
            text = f"A dry run: {_deliveries(matched)} would be sent once more."
            return ReplayState(COMPLETE, Reason.COUNTED, text)
        case ReplayProgress(state="completed"):
            return ReplayState(COMPLETE, Reason.COMPLETED, _summary(answer))
        case ReplayProgress(state="cancelled"):
            text = f"It was cancelled through the gateway's API. {_summary(answer)}"
            return ReplayState(COMPLETE, Reason.CANCELLED, text if is_final(answer) else _CANCELLED)
        case ReplayProgress(state="paused"):
            text = "Nothing more is sent until spec.suspend is taken back."
            return ReplayState(COMPLETE, Reason.SUSPENDED, text)
        case _:
            return ReplayState(COMPLETE, Reason.RUNNING, "The gateway carries it out.")


_CANCELLED = "It was cancelled through the gateway's API; what is in flight comes to its end."


def _summary(progress: ReplayProgress) -> str:
    return (
        f"Of {_deliveries(progress.matched)} {progress.delivered} arrived,"
        f" {progress.failed} failed and {progress.skipped} were skipped."
    )


def _deliveries(count: int) -> str:
    return f"{count} {'delivery' if count == 1 else 'deliveries'}"


# ------------------------------------------------------------------------------- figures, times


def _figures(answer: Answer, former: Mapping[str, Any]) -> dict[str, int]:
    """The gateway's, or those that were told before."""
    match answer:
        case ReplayProgress():
            return {name: getattr(answer, name) for name in _FIGURES}
        case Counted(matched=matched):
            return {"matched": matched}
        case _:
            told = ((name, former.get(name)) for name in _FIGURES)
            return {name: count for name, count in told if isinstance(count, int)}


def _times(answer: Answer, former: Mapping[str, Any], now: float) -> dict[str, str]:
    """When the gateway took it, and when it came to its end."""
    told: dict[str, str] = {}
    if started_at(former) is not None:
        told["startTime"] = former["startTime"]
    elif isinstance(answer, ReplayProgress | Counted):
        told["startTime"] = timestamp(now)
    if is_final(answer):
        told["completionTime"] = timestamp(now)
    return told


def _flips(new: Mapping[str, Any], former: Mapping[str, Any]) -> bool:
    if new["observedGeneration"] != former.get("observedGeneration"):
        return True
    now, before = former_conditions(new), former_conditions(former)
    return now.keys() != before.keys() or any(
        (now[kind].status, now[kind].reason) != (before[kind].status, before[kind].reason)
        for kind in now
    )


def _again(answer: Answer, started: float, now: float, spec: ReplaySpec | None) -> float | None:
    """In how many seconds to look again; None: when it is woken."""
    if is_final(answer):
        return (
            None
            if spec is None or spec.ttl_seconds_after_finished is None
            else float(spec.ttl_seconds_after_finished)
        )
    match answer:
        case Waiting(reason=reason):
            return _LOOK_WAITING.get(reason)
        case ReplayProgress(state="paused"):
            return _LOOK_PAUSED
        case _:
            return min(_LONGEST_LOOK, max(_LOOK, (now - started) / _SLOWER))
