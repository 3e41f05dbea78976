"""
Why a target did or did not get an event: the verdict of matching beside what the store holds.

Plain functions. Matching is judged again with the rules that hold now; the stored deliveries tell what was
decided when the event came in, and the two are told apart where they differ.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from hookgate.deliveries import DeliveryState
from hookgate_gateway.api import delivery_shapes, times
from hookgate_gateway.catalogue.snapshot import Snapshot
from hookgate_gateway.contract import Subscription
from hookgate_gateway.dispatch.dispatcher import LaneState
from hookgate_gateway.ports import DeliveryRecord, EventRecord, RunRecord
from hookgate_gateway.rules.delivery import HoldReason, Kind, LaneKey
from hookgate_gateway.rules.lane import BreakerState
from hookgate_gateway.rules.matching import Mismatch, judge
from hookgate_gateway.rules.report import Report

__all__ = ["Evidence", "Why", "own_target", "subscription_names", "subscriptions"]

_WEBHOOK = "the run's own webhook_url"


class Why(StrEnum):
    """The one word for what was decided about a target; the reasons say it in sentences."""

    MATCHED = "matched"
    """A delivery was made when the event was accepted."""
    REPLAYED = "replayed"
    """Only replays were sent there."""
    NOT_MATCHED = "not_matched"
    """Its match says no."""
    NOT_THEN = "not_then"
    """It would match now, and did not when the event came in."""
    LATE = "late"
    """The report came after the run's final one: stored, delivered to nobody."""
    NOT_FINAL = "not_final"
    """A run's own target gets final events only."""
    NO_TARGET = "no_target"
    """The run was created without a webhook_url."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Everything an explanation is made from."""

    event: EventRecord
    report: Report
    late: bool
    """A final report of the run was stored before this one, which is not final."""
    run: RunRecord | None
    deliveries: Sequence[DeliveryRecord]
    """All of the event's, the oldest first."""
    snapshot: Snapshot
    lanes: Mapping[LaneKey, LaneState]


def subscription_names(evidence: Evidence) -> list[str]:
    """Whom there is something to say about, in order: those that exist, and those that got it."""
    snapshot, namespace = evidence.snapshot, evidence.event.namespace
    existing = {s.name for s in snapshot.matching.get(namespace, ())}
    served = {d.target.subscription for d in evidence.deliveries if d.target.subscription}
    return sorted(existing | served)


def subscriptions(evidence: Evidence, names: Collection[str]) -> list[dict[str, Any]]:
    """The explanations for these subscriptions, in their order."""
    owed: dict[str, list[DeliveryRecord]] = {name: [] for name in names}
    for delivery in evidence.deliveries:
        if delivery.target.subscription in owed:
            owed[delivery.target.subscription].append(delivery)
    return [_subscription(evidence, name, its) for name, its in owed.items()]


def _subscription(
    evidence: Evidence, name: str, owed: Collection[DeliveryRecord]
) -> dict[str, Any]:
    found = evidence.snapshot.subscriptions.get((evidence.event.namespace, name))
    why, reasons = _judged(evidence, found, owed)
    hold = None if found is None else found.hold
    if found is None or (hold is not None and hold.reason is HoldReason.DELETED):
        reasons.append("the subscription was deleted since")
    return {
        "subscription": name,
        "why": why,
        "reasons": [*reasons, *_told(evidence, owed)],
        "hold": delivery_shapes.hold(hold),
        "deliveries": _shapes(evidence, owed),
    }


def own_target(evidence: Evidence) -> dict[str, Any]:
    """The explanation for the run's own ``webhook_url``; replays to other URLs are among its deliveries."""
    url = evidence.run.webhook_url if evidence.run is not None else None
    sent = [d for d in evidence.deliveries if d.target.url is not None]
    why, reasons = _own_verdict(evidence, url, sent)
    return {
        "webhook_url": url,
        "why": why,
        "reasons": [*reasons, *_told(evidence, sent)],
        "deliveries": _shapes(evidence, sent),
    }


# --------------------------------------------------------------------------------------- verdicts


def _judged(
    evidence: Evidence, found: Subscription | None, owed: Collection[DeliveryRecord]
) -> tuple[Why, list[str]]:
    verdict = None if found is None else judge(found.match, evidence.report)
    refusals = list(verdict.reasons) if isinstance(verdict, Mismatch) else []
    if any(d.kind is Kind.EVENT for d in owed):
        edited = [f"its match was edited since: {reason}" for reason in refusals]
        return Why.MATCHED, ["it matched when the event was accepted", *edited]
    if owed:
        return Why.REPLAYED, ["it got the event by a replay only", *refusals]
    if evidence.late:
        return Why.LATE, [_late(evidence)]
    if refusals:
        return Why.NOT_MATCHED, refusals
    return Why.NOT_THEN, [
        "it matches now, but did not exist or asked for something else when the event was accepted"
    ]


def _own_verdict(
    evidence: Evidence, url: str | None, sent: Collection[DeliveryRecord]
) -> tuple[Why, list[str]]:
    if any(d.kind is Kind.EVENT for d in sent):
        return Why.MATCHED, [f"{_WEBHOOK} gets every final event"]
    if url is None:
        reason = "the run was created without a webhook_url"
        return (Why.REPLAYED if sent else Why.NO_TARGET), [reason]
    if evidence.late:
        return Why.LATE, [_late(evidence)]
    if not evidence.event.final:
        return Why.NOT_FINAL, [f"{_WEBHOOK} gets final events only; this one is not final"]
    if sent:
        return Why.REPLAYED, ["it got the event by a replay only"]
    return Why.NOT_THEN, ["the run was not registered yet when the event was accepted"]


def _late(evidence: Evidence) -> str:
    return (
        f"the report ({evidence.event.status}) came after the run's final one:"
        " it is stored and delivered to nobody"
    )


# ------------------------------------------------------------------------- what became of deliveries


def _told(evidence: Evidence, owed: Collection[DeliveryRecord]) -> list[str]:
    return [_sentence(evidence, delivery) for delivery in owed]


def _sentence(evidence: Evidence, delivery: DeliveryRecord) -> str:
    what = "replay" if delivery.replay_of or delivery.kind is not Kind.EVENT else "delivery"
    tries = "1 attempt" if delivery.attempts == 1 else f"{delivery.attempts} attempts"
    last = f"; last: {_last(delivery)}" if delivery.outcome is not None else ""
    match delivery.state:
        case DeliveryState.DELIVERED:
            fate = f"arrived with {tries}"
        case DeliveryState.PENDING:
            fate = f"is owed after {tries}{last}; {_waits_for(evidence, delivery)}"
        case ended:
            fate = f"is {ended} ({delivery.ending}) after {tries}{last}"
    return f"{what} {delivery.id} {fate}"


def _last(delivery: DeliveryRecord) -> str:
    said = delivery.error or delivery.status_code
    return f"{delivery.outcome}, {said}" if said else str(delivery.outcome)


def _waits_for(evidence: Evidence, delivery: DeliveryRecord) -> str:
    name = delivery.target.subscription
    if name is not None:
        found = evidence.snapshot.subscriptions.get((delivery.namespace, name))
        if found is None or found.hold is not None:
            reason = found.hold.reason if found is not None and found.hold else "Unknown"
            return f"held: {reason}"
    if delivery.parked:
        return _lane(evidence, delivery)
    if delivery.due is None:
        return "waiting"
    return f"next attempt at {times.text(delivery.due)}"


def _lane(evidence: Evidence, delivery: DeliveryRecord) -> str:
    lane = evidence.lanes.get(delivery.lane)
    if lane is not None and lane.paused_until is not None:
        return f"its lane is paused until {times.text(lane.paused_until)}, as the receiver asked"
    if lane is not None and lane.breaker is not BreakerState.CLOSED:
        return "its lane's circuit breaker is open"
    return "it waits for its turn in its lane"


def _shapes(evidence: Evidence, owed: Collection[DeliveryRecord]) -> list[dict[str, Any]]:
    return [delivery_shapes.delivery(delivery, evidence.snapshot) for delivery in owed]
