"""
What one attempt of a delivery looks like now: pure, from the delivery and the catalogue.

Nothing about a target is kept with a delivery, so that each attempt uses the endpoint, the keys and
the schedule that hold when it is made. What cannot be signed is never sent.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from hookgate_gateway.catalogue.snapshot import Snapshot
from hookgate_gateway.contract import PLAIN_TLS, ApiKey, Subscription
from hookgate_gateway.ports import Shipment
from hookgate_gateway.rules.delivery import (
    Delivery,
    HoldReason,
    Kind,
    LaneKey,
    Timestamp,
)
from hookgate_gateway.rules.lane import LaneLimits, lane_subscription
from hookgate_gateway.rules.retry import ONCE, RetryPolicy

RUN_TIMEOUT = 30.0
"""Seconds for an attempt to a run's own target (the seed's)."""
_RUN_LIMITS = LaneLimits()
_RUN_POLICY = RetryPolicy()


class Catalogue(Protocol):
    """What dispatch asks of the catalogue."""

    @property
    def snapshot(self) -> Snapshot: ...

    def listen(self, callback: Callable[[Snapshot, Snapshot], None]) -> object:
        """Call back with the old and the new snapshot after each swap."""
        ...

    async def refresh(self) -> object:
        """Read what changed in the store, now."""
        ...


@dataclass(frozen=True, slots=True)
class Held:
    """Not now: the delivery waits for its lane. Uses up no attempt."""

    reason: HoldReason | None
    """None: the catalogue does not know the subscription (any more, or yet)."""


@dataclass(frozen=True, slots=True)
class Blocked:
    """An attempt that our own side refuses: outcome ``blocked``, retried on the schedule."""

    error: str


Plan = Shipment | Held | Blocked
"""A shipment is to be posted."""


def plan(delivery: Delivery, body: bytes, snapshot: Snapshot) -> Plan:
    """What to do about ``delivery`` now; ``body`` is its event's bytes."""
    target = delivery.target
    if target.subscription is not None:
        subscription = snapshot.subscriptions.get((delivery.namespace, target.subscription))
        if subscription is None:
            return Held(None)
        if subscription.hold is not None:
            return Held(subscription.hold.reason)
        return to_subscription(delivery, body, subscription)
    if target.url is None or target.key is None:
        return Blocked("the run has no API key to sign with; nothing is sent unsigned")
    key = snapshot.api_keys.get((delivery.namespace, target.key.secret))
    if key is None or not key.values:
        return Blocked(
            f"the API-key Secret {target.key.secret!r} that created the run is gone;"
            " nothing is sent unsigned"
        )
    return _to_url(delivery, body, target.url, key, target.key.fingerprint)


def to_subscription(delivery: Delivery, body: bytes, subscription: Subscription) -> Plan:
    """The shipment to a subscription's endpoint, whatever its hold; Held when it is unresolved."""
    endpoint, signing = subscription.endpoint, subscription.signing
    if endpoint is None or signing is None or not signing.keys:
        return Held(HoldReason.UNRESOLVED)
    return Shipment(
        namespace=delivery.namespace,
        lane=delivery.lane,
        url=endpoint.url,
        secret_url=endpoint.secret_url,
        headers=endpoint.headers,
        secret_headers=endpoint.secret_headers,
        timeout=endpoint.timeout,
        tls=endpoint.tls,
        scheme=signing.scheme,
        keys=signing.keys,
        body=body,
        event_id=delivery.event_id,
        delivery_id=delivery.id,
        number=delivery.attempts + 1,
        replay=delivery.kind is not Kind.EVENT,
    )


def _to_url(delivery: Delivery, body: bytes, url: str, key: ApiKey, fingerprint: str) -> Shipment:
    return Shipment(
        namespace=delivery.namespace,
        lane=delivery.lane,
        url=url,
        timeout=RUN_TIMEOUT,
        tls=PLAIN_TLS,
        scheme=key.scheme,
        keys=(key.value(fingerprint),),
        body=body,
        event_id=delivery.event_id,
        delivery_id=delivery.id,
        number=delivery.attempts + 1,
        replay=delivery.kind is not Kind.EVENT,
    )


def terms(delivery: Delivery, snapshot: Snapshot) -> tuple[RetryPolicy, Timestamp]:
    """The retry policy that holds for a delivery now, and the moment its age is counted from."""
    subscription = _subscription(delivery, snapshot)
    policy = subscription.retry if subscription else _RUN_POLICY
    resumed_at = subscription.resumed_at if subscription else 0.0
    if delivery.kind is Kind.DIRECT:
        policy = ONCE
    return policy, max(delivery.accepted_at, resumed_at)


def overdue_before(lane: LaneKey, snapshot: Snapshot, now: Timestamp) -> Timestamp | None:
    """What this lane owes and was created before has expired; None while nothing of it can."""
    namespace, name = lane_subscription(lane)
    if name is None:
        return now - _RUN_POLICY.max_age
    subscription = snapshot.subscriptions.get((namespace, name))
    if subscription is None or lane_terms(lane, snapshot).held:
        return None
    before = now - subscription.retry.max_age
    return before if subscription.resumed_at < before else None


def _is_resolved(subscription: Subscription) -> bool:
    signing = subscription.signing
    return subscription.endpoint is not None and signing is not None and bool(signing.keys)


def _subscription(delivery: Delivery, snapshot: Snapshot) -> Subscription | None:
    name = delivery.target.subscription
    return None if name is None else snapshot.subscriptions.get((delivery.namespace, name))


@dataclass(frozen=True, slots=True)
class LaneTerms:
    """What the catalogue says about a lane."""

    limits: LaneLimits
    held: bool
    endpoint: str = ""
    """The endpoint's fingerprint."""


def lane_terms(lane: LaneKey, snapshot: Snapshot) -> LaneTerms:
    """What holds for a lane now. A subscription that is not known holds its lane."""
    namespace, name = lane_subscription(lane)
    if name is None:
        return LaneTerms(_RUN_LIMITS, held=False)
    subscription = snapshot.subscriptions.get((namespace, name))
    if subscription is None:
        return LaneTerms(_RUN_LIMITS, held=True)
    endpoint = subscription.endpoint
    return LaneTerms(
        subscription.limits,
        # The same as in plan(): a lane that is not held and plans Held would go round in circles.
        held=subscription.hold is not None or not _is_resolved(subscription),
        endpoint=endpoint.fingerprint if endpoint else "",
    )
