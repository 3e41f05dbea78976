"""
What dispatch tells about attempts and lanes, in metrics and log events. Decides nothing.
"""

from collections.abc import Iterable

from hookgate.deliveries import Outcome
from hookgate_gateway.dispatch.lanes import Lane
from hookgate_gateway.observe import Observer
from hookgate_gateway.ports import Ended, Recorded, Recording
from hookgate_gateway.rules.delivery import Attempt, Delivery, Ending
from hookgate_gateway.rules.lane import BreakerState
from hookgate_gateway.rules.retry import GiveUp, RetryAt, Succeed, Verdict

_GAUGE = {BreakerState.CLOSED: 0, BreakerState.HALF_OPEN: 1, BreakerState.OPEN: 2}


def tell_attempt(
    observer: Observer, delivery: Delivery, attempt: Attempt, verdict: Verdict
) -> None:
    """An attempt ended."""
    observer.attempted(delivery, attempt)
    if attempt.outcome is Outcome.SUCCESS:
        return
    observer.event(
        "delivery_attempt_failed",
        namespace=delivery.namespace,
        subscription=delivery.target.subscription,
        delivery_id=delivery.id,
        event_id=delivery.event_id,
        attempt=delivery.attempts + 1,
        outcome=attempt.outcome.value,
        status=attempt.status,
        next_due=verdict.due if isinstance(verdict, RetryAt) else None,
    )


def tell_recorded(observer: Observer, recording: Recording, recorded: Recorded) -> None:
    """An attempt's result is on disk."""
    delivery, attempt = recording.delivery, recording.attempt
    name = delivery.target.subscription
    if recorded is not Recorded.REFUSED:
        observer.attempt_recorded(delivery, attempt)
    if recorded is not Recorded.STORED:
        observer.debug("delivery_recorded", delivery_id=delivery.id, recorded=recorded.value)
        return
    match recording.verdict:
        case Succeed():
            ended_at = attempt.started_at + attempt.duration
            latency = max(0.0, ended_at - delivery.accepted_at)
            observer.delivered(delivery.namespace, name, latency)
        case GiveUp(ending):
            ended = Ended(
                id=delivery.id,
                namespace=delivery.namespace,
                event_id=delivery.event_id,
                subscription=name,
            )
            _tell_exhausted(observer, ended, ending)
        case RetryAt():
            pass
    if recording.marks_gone:
        observer.warning("subscription_gone", namespace=delivery.namespace, subscription=name)


def tell_expired(observer: Observer, expired: Iterable[Ended]) -> None:
    """These ended because their age is over, and not by an attempt."""
    for one in expired:
        _tell_exhausted(observer, one, Ending.EXPIRED)


def _tell_exhausted(observer: Observer, one: Ended, ending: Ending) -> None:
    observer.ended(one.namespace, one.subscription, "exhausted")
    observer.event(
        "delivery_exhausted",
        namespace=one.namespace,
        subscription=one.subscription,
        delivery_id=one.id,
        event_id=one.event_id,
        reason=ending.value,
    )


def tell_breaker(observer: Observer, lane: Lane, before: BreakerState, after: BreakerState) -> None:
    """A lane's breaker may have changed."""
    if before is after:
        return
    if lane.subscription is not None:
        observer.breaker(lane.namespace, lane.subscription, _GAUGE[after])
    if after is BreakerState.HALF_OPEN:
        return
    observer.event(
        "breaker_closed" if after is BreakerState.CLOSED else "breaker_opened",
        namespace=lane.namespace,
        subscription=lane.subscription,
        failures=lane.limits.breaker_failures,
    )
