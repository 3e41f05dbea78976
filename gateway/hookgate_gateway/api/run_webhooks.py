"""
How the webhook of a run fares: ``webhook_delivery``, and ``webhook_failure_reason`` in one sentence.

Both speak of the run's own target; without one, of its subscriptions, the gravest state first. Only the
newest event counts for each target, and a success, a replay's included, settles it.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from hookgate.deliveries import DeliveryState
from hookgate_gateway.api import delivery_shapes
from hookgate_gateway.catalogue.snapshot import Snapshot
from hookgate_gateway.ports import DeliveryRecord, RunRecord

__all__ = ["webhook_delivery", "webhook_failure_reason"]

_GRAVITY: Final = {
    DeliveryState.EXHAUSTED: 0,
    DeliveryState.PENDING: 1,
    DeliveryState.CANCELLED: 2,
    DeliveryState.DELIVERED: 3,
}


def webhook_delivery(
    run: RunRecord, deliveries: Iterable[DeliveryRecord], snapshot: Snapshot
) -> dict[str, Any] | None:
    """``{state, attempts, last_status_code, next_attempt_at}``; None while nothing is owed."""
    standing = [_standing(owed) for owed in _by_target(run, deliveries).values()]
    if not standing:
        return None
    gravest = min(standing, key=lambda delivery: _GRAVITY[delivery.state])
    shape = delivery_shapes.delivery(gravest, snapshot)
    return {
        "state": shape["state"],
        "attempts": gravest.attempts,
        "last_status_code": gravest.status_code,
        "next_attempt_at": shape["next_attempt_at"],
    }


def webhook_failure_reason(run: RunRecord, deliveries: Iterable[DeliveryRecord]) -> str | None:
    """One sentence about the worst of a run's failing targets; None when delivered or never tried."""
    failing = [
        failure
        for owed in _by_target(run, deliveries).values()
        if (failure := _failure(owed)) is not None
    ]
    if not failing:
        return None
    return _sentence(min(failing, key=lambda delivery: _GRAVITY[delivery.state]))


def _by_target(
    run: RunRecord, deliveries: Iterable[DeliveryRecord]
) -> dict[str | None, list[DeliveryRecord]]:
    """By subscription (None: the run's own target), what is owed of the newest event, oldest first."""
    owed: dict[str | None, list[DeliveryRecord]] = {}
    for delivery in deliveries:
        if not _speaks(run, delivery):
            continue
        known = owed.setdefault(delivery.target.subscription, [])
        if known and delivery.event_id > known[0].event_id:  # ids are time-ordered
            known.clear()
        if not known or delivery.event_id == known[0].event_id:
            known.append(delivery)
    return owed


def _speaks(run: RunRecord, delivery: DeliveryRecord) -> bool:
    """Replays to an overriding URL are nobody's webhook; own targets go before subscriptions."""
    if run.webhook_url is not None:
        return delivery.target.url == run.webhook_url
    return delivery.target.subscription is not None


def _standing(owed: Sequence[DeliveryRecord]) -> DeliveryRecord:
    """The delivery that says how a target stands: one that arrived, else one still owed, else the last."""
    for state in (DeliveryState.DELIVERED, DeliveryState.PENDING):
        found = [delivery for delivery in owed if delivery.state is state]
        if found:
            return found[-1]
    return owed[-1]


def _failure(owed: Sequence[DeliveryRecord]) -> DeliveryRecord | None:
    if any(delivery.state is DeliveryState.DELIVERED for delivery in owed):
        return None
    tried = [delivery for delivery in owed if delivery.outcome is not None]
    return tried[-1] if tried else None


def _sentence(delivery: DeliveryRecord) -> str:
    what = delivery.error or f"the receiver answered {delivery.status_code}"
    tries = "1 attempt" if delivery.attempts == 1 else f"{delivery.attempts} attempts"
    name = delivery.target.subscription
    whose = f"subscription {name}: " if name else ""
    return f"{whose}{delivery.outcome}: {what} ({tries}, {delivery.state})"
