"""
Resources and their health as the control API shows them. What is secret is never among it.

Header values that were written out are shown as ``***``, too: who declared them knows them.
"""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from hookgate_gateway.api import times
from hookgate_gateway.catalogue.declared import document_of
from hookgate_gateway.catalogue.snapshot import Snapshot
from hookgate_gateway.catalogue.standing import Standing
from hookgate_gateway.contract import ResourceKind, Subscription
from hookgate_gateway.dispatch.health import Name
from hookgate_gateway.ports import StoredResource
from hookgate_gateway.rules.delivery import Hold, HoldReason, LaneKey, Timestamp
from hookgate_gateway.rules.health import Failure, Health
from hookgate_gateway.rules.lane import BreakerState, subscription_lane

__all__ = ["HealthSource", "HealthView", "Snapshots", "described", "masked"]


class Snapshots(Protocol):
    """Whoever holds the catalogue's current snapshot."""

    @property
    def snapshot(self) -> Snapshot: ...


class HealthSource(Protocol):
    """What attempts said; see :class:`hookgate_gateway.dispatch.health.DeliveryHealth`."""

    def of(self, name: Name) -> Health: ...


@dataclass(frozen=True, slots=True)
class HealthView:
    """How deliveries of subscriptions fare, gathered from those who know a part of it each."""

    catalogue: Snapshots
    source: HealthSource
    lane_breaker: Callable[[LaneKey], BreakerState]
    pending: Callable[[Name], int | None]
    """As last measured, a few seconds ago; None before the first time."""

    def names(self) -> Iterator[Name]:
        """The subscriptions that are there, in the order of their names."""
        subscriptions = self.catalogue.snapshot.subscriptions
        return (name for name in sorted(subscriptions) if self.find(name))

    def find(self, name: Name) -> Subscription | None:
        """A subscription, unless it is deleted."""
        found = self.catalogue.snapshot.subscriptions.get(name)
        deleted = found and found.hold and found.hold.reason is HoldReason.DELETED
        return None if deleted else found

    def health(self, name: Name) -> Health:
        return self.source.of(name)

    def breaker(self, name: Name) -> BreakerState:
        return self.lane_breaker(subscription_lane(*name))

    def shape(self, name: Name) -> dict[str, Any]:
        """``health`` of a subscription."""
        health = self.health(name)
        return {
            "state": health.state,
            "last_success_at": _time(health.last_success_at),
            "last_failure": _failure(health.last_failure),
            "consecutive_failures": health.consecutive_failures,
            "breaker": self.breaker(name),
            "pending": self.pending(name),
        }


def described(
    stored: StoredResource, view: HealthView, snapshot: Snapshot, standing: Standing | None = None
) -> dict[str, Any]:
    """A resource as a list shows it; ``standing`` adds what is shown of a single one."""
    key = stored.key
    told: dict[str, Any] = {
        "kind": key.kind,
        "namespace": key.namespace,
        "name": key.name,
        "owner": stored.owner,
        "fingerprint": stored.fingerprint,
        "revision": stored.revision,
        "resolved": _is_resolved(stored, snapshot),
    }
    if standing is not None:
        told["reasons"] = standing.reasons
        told["keys"] = [asdict(each) for each in standing.keys]
    if key.kind is ResourceKind.SUBSCRIPTION:
        name = (key.namespace, key.name)
        subscription = snapshot.subscriptions[name]
        told["hold"] = hold_shape(subscription.hold)
        told["health"] = view.shape(name)
        if standing is not None:
            told["endpoint"] = _endpoint(standing)
    return told


def masked(stored: StoredResource) -> dict[str, Any]:
    """A stored resource's document without the values of its headers."""
    document = document_of(stored)
    spec = document.get("spec") or {}
    endpoint = spec.get("endpoint") or {}
    if headers := endpoint.get("headers"):
        shown = [{**h, "value": "***"} if h.get("value") is not None else h for h in headers]
        document["spec"] = {**spec, "endpoint": {**endpoint, "headers": shown}}
    return document


def hold_shape(hold: Hold | None) -> dict[str, Any] | None:
    if hold is None:
        return None
    return {"reason": hold.reason, "since": times.text(hold.since), "message": hold.message}


def _is_resolved(stored: StoredResource, snapshot: Snapshot) -> bool:
    key = stored.key
    name = (key.namespace, key.name)
    if key.kind is ResourceKind.SUBSCRIPTION:
        return snapshot.subscriptions[name].endpoint is not None
    if key.kind is ResourceKind.API_KEY:
        return name in snapshot.api_keys
    return name in snapshot.sources


def _endpoint(standing: Standing) -> dict[str, Any]:
    """Whether the egress rules let it be reached; unknown while it is not resolved."""
    if standing.reasons:
        return {"allowed": None, "message": None}
    return {"allowed": standing.forbidden is None, "message": standing.forbidden}


def _failure(failure: Failure | None) -> dict[str, Any] | None:
    if failure is None:
        return None
    at = times.text(failure.at)
    return {"at": at, "outcome": failure.outcome, "status_code": failure.status}


def _time(timestamp: Timestamp | None) -> str | None:
    return None if timestamp is None else times.text(timestamp)
