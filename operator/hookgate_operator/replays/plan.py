"""
What is to be done about a WebhookReplay: pure, no clock, no I/O.

The questions of a reconcile in their order: what is to be done (:func:`course`), is the gateway's replay
to be paused or resumed (:func:`is_to_change`), and what is told of it (:mod:`hookgate_operator.replays.status`).

A replay is begun once. Its object's ``status.startTime`` says that it was, so that one that the gateway
does not know any more (its store was lost, or pruned) is not sent a second time.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from hookgate.resources import API_VERSION, REPLAY_KIND, ReplaySpec, WebhookReplay, problem_lines
from hookgate_operator.conditions import former_conditions, is_true
from hookgate_operator.ports import Key, Kind, Observed, ReplayOrder, ReplayProgress
from hookgate_operator.replays.conditions import COMPLETE, FAILED

__all__ = [
    "Begin",
    "Count",
    "Course",
    "Delete",
    "Follow",
    "Nothing",
    "Over",
    "Refuse",
    "course",
    "former_status",
    "gateway_id",
    "is_ours",
    "is_to_change",
    "may_still_come",
    "named_subscription",
    "place_of",
    "started_at",
]

PATIENCE = 60.0
"""Seconds after its creation for which a replay waits for a subscription that was applied with it."""


@dataclass(frozen=True, slots=True)
class Nothing:
    """It is gone, or another operator's: the gateway must have nothing of it."""


@dataclass(frozen=True, slots=True)
class Over:
    """It is finished.

    ``again`` is in how many seconds it is to be deleted, if ever; ``status`` its own one, where that does
    not speak of the object's generation yet.
    """

    again: float | None
    status: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Delete:
    """It has been finished for long enough."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """No WebhookReplay that we can read."""

    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Count:
    """Only count what it selects."""

    spec: ReplaySpec
    order: ReplayOrder


@dataclass(frozen=True, slots=True)
class Begin:
    """Hand it over; doing that once more changes nothing."""

    spec: ReplaySpec
    order: ReplayOrder


@dataclass(frozen=True, slots=True)
class Follow:
    """It was handed over: see how far it has come."""

    spec: ReplaySpec
    order: ReplayOrder


Course = Nothing | Over | Delete | Refuse | Count | Begin | Follow


def course(observed: Observed | None, gateway_class: str, now: float) -> Course:
    """What is to be done about an object; ``now`` in unix seconds."""
    if observed is None or not is_ours(observed, gateway_class):
        return Nothing()
    status = former_status(observed)
    former = former_conditions(status)
    if is_true(former, COMPLETE) or is_true(former, FAILED):
        return _over(observed, status, now)
    spec = _read(observed)
    if isinstance(spec, Refuse):
        return spec
    order = _order(observed, spec)
    if spec.dry_run:
        return Count(spec, order)
    return Begin(spec, order) if started_at(status) is None else Follow(spec, order)


def is_ours(observed: Observed, gateway_class: str) -> bool:
    """Whether it is of our class and not being deleted, which cannot be taken back."""
    metadata = observed.document.get("metadata") or {}
    return not metadata.get("deletionTimestamp") and _class_of(observed) == gateway_class


def is_to_change(spec: ReplaySpec, progress: ReplayProgress) -> bool:
    """Whether the gateway's replay runs and is not to, or the other way round."""
    return progress.state == ("running" if spec.suspend else "paused")


def named_subscription(namespace: str, spec: ReplaySpec) -> Key | None:
    """The subscription that has to be there for the replay to be taken."""
    name = spec.to_subscription or spec.filter.subscription
    return Key(Kind.SUBSCRIPTION, namespace, name) if name else None


def may_still_come(observed: Observed, now: float) -> bool:
    """Whether the object is so new that what it names may just be on its way to the gateway."""
    metadata = observed.document.get("metadata") or {}
    created = _moment(metadata.get("creationTimestamp"))
    return created is not None and now - created < PATIENCE


def former_status(observed: Observed) -> Mapping[str, Any]:
    """An object's own status; empty where there is none."""
    status = observed.document.get("status")
    return status if isinstance(status, dict) else {}


def started_at(status: Mapping[str, Any]) -> float | None:
    """When the gateway took it, in unix seconds; None: not yet."""
    return _moment(status.get("startTime"))


# -------------------------------------------------------------------- the gateway's name for it


def gateway_id(observed: Observed) -> str:
    """The gateway's id of an object's replay: its name, to find the object, and its uid."""
    return f"{observed.key.name}.{observed.uid}"


def place_of(namespace: str, id_: str) -> Key | None:
    """The object to look at for a replay of ours; None for an id that was not made here."""
    name, _, uid = id_.rpartition(".")
    return Key(Kind.REPLAY, namespace, name) if name and uid else None


# ------------------------------------------------------------------------------------- reading


def _over(observed: Observed, status: Mapping[str, Any], now: float) -> Over | Delete:
    spec = observed.document.get("spec")
    seconds = spec.get("ttlSecondsAfterFinished") if isinstance(spec, dict) else None
    ended = _moment(status.get("completionTime"))
    rest = ended + seconds - now if isinstance(seconds, int) and ended is not None else None
    if rest is not None and rest <= 0:
        return Delete()
    is_told = status.get("observedGeneration") == observed.generation
    return Over(rest, None if is_told else {**status, "observedGeneration": observed.generation})


def _read(observed: Observed) -> ReplaySpec | Refuse:
    resource = {
        "apiVersion": API_VERSION,
        "kind": REPLAY_KIND,
        "metadata": {"name": observed.key.name, "namespace": observed.key.namespace},
        "spec": observed.document.get("spec"),
    }
    try:
        return WebhookReplay.model_validate(resource).spec
    except ValidationError as error:
        return Refuse(tuple(problem_lines(error, WebhookReplay)))


def _order(observed: Observed, spec: ReplaySpec) -> ReplayOrder:
    return ReplayOrder(
        namespace=observed.key.namespace,
        uid=gateway_id(observed),
        filter=spec.gateway_filter(),
        rate_per_second=spec.rate_per_second,
        to_subscription=spec.to_subscription,
        paused=spec.suspend,
    )


def _class_of(observed: Observed) -> str:
    match observed.document.get("spec"):
        case {"gatewayClass": str(name)}:
            return name
        case _:
            return "default"


def _moment(text: object) -> float | None:
    """A time in RFC 3339 as unix seconds; None for what is no time."""
    try:
        return datetime.fromisoformat(text).timestamp() if isinstance(text, str) else None
    except ValueError:
        return None
