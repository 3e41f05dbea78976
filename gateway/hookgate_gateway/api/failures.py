"""
``webhook_failure_reason``: why the webhook of a run has not arrived, or None.

It speaks of the run's own target; without one, of its subscriptions. Only the newest event counts for
each target, and a success, a replay's included, clears it.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from hookgate_gateway.ports import DeliveryRecord, RunRecord
from hookgate_gateway.rules.delivery import DeliveryState

__all__ = ["webhook_failure_reason"]

_GRAVITY: Final = {DeliveryState.EXHAUSTED: 0, DeliveryState.CANCELLED: 1, DeliveryState.PENDING: 2}


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
