"""
Deliveries, attempts and events as clients see them.
"""

from base64 import b64encode
from typing import Any

from hookgate.deliveries import DeliveryState
from hookgate_gateway.api import times
from hookgate_gateway.catalogue.snapshot import Snapshot
from hookgate_gateway.ports import AttemptRecord, DeliveryRecord, EventRecord
from hookgate_gateway.rules.delivery import Attempt, Hold, Timestamp
from hookgate_gateway.rules.health import Health

__all__ = ["attempt_answer", "attempt_log", "delivery", "event", "headers", "health", "hold"]

HELD = "held"


def delivery(record: DeliveryRecord, snapshot: Snapshot) -> dict[str, Any]:
    """A delivery; ``held`` is shown in the place of ``pending`` while its subscription has a hold."""
    holding = _hold_of(record, snapshot)
    waits_for_time = record.state is DeliveryState.PENDING and not (record.parked or holding)
    return {
        "id": record.id,
        "event_id": record.event_id,
        "run_id": record.run_id,
        "subscription": record.target.subscription,
        "webhook_url": record.target.url,
        "kind": record.kind,
        "state": HELD if holding else record.state,
        "reason": record.ending,
        "outcome": record.outcome,
        "status_code": record.status_code,
        "error": record.error,
        "attempts": record.attempts,
        "next_attempt_at": _moment(record.due) if waits_for_time else None,
        "hold": holding.reason if holding else None,
        "created_at": times.text(record.created_at),
        "ended_at": _moment(record.ended_at),
        "replay_of": record.replay_of,
    }


def attempt_log(record: AttemptRecord) -> dict[str, Any]:
    """An attempt in a delivery's log. Values from Secrets and signatures were masked before it was kept."""
    attempt = record.attempt
    return {
        "number": record.number,
        "outcome": attempt.outcome,
        "status_code": attempt.status,
        "error": attempt.error,
        "started_at": times.text(attempt.started_at),
        "duration_ms": _milliseconds(attempt),
        "url": attempt.url,
        "request_headers": headers(attempt),
        "response_headers": [list(pair) for pair in attempt.response_headers],
        "response_body": _shown(attempt.response_body),
        "response_body_base64": _encoded(attempt.response_body),
    }


def attempt_answer(attempt: Attempt) -> dict[str, Any]:
    """An attempt as the one who asked for it is told: a refused or unreachable URL has no status."""
    return {
        "status_code": attempt.status,
        "latency_ms": _milliseconds(attempt),
        "response_body": _shown(attempt.response_body) if attempt.status is not None else None,
        "error": attempt.error,
    }


def headers(attempt: Attempt) -> dict[str, str]:
    """What was sent, under plain names: those of an HTTP library are a kind of str of their own."""
    return {str(name): value for name, value in attempt.request_headers}


def event(record: EventRecord) -> dict[str, Any]:
    """An event without its body."""
    return {
        "id": record.id,
        "run_id": record.run_id,
        "run_type": record.run_type,
        "status": record.status,
        "attempt": record.attempt,
        "retry_pending": record.retry_pending,
        "final": record.final,
        "received_at": times.text(record.received_at),
        "origin": record.origin,
        "body_size": record.body_size,
        "body_sha256": record.body_sha256.hex(),
    }


def health(value: Health) -> dict[str, Any]:
    """What a subscription's attempts say; never a receiver's words."""
    failure = value.last_failure
    return {
        "state": value.state,
        "last_success_at": _moment(value.last_success_at),
        "last_failure": None
        if failure is None
        else {
            "at": times.text(failure.at),
            "outcome": failure.outcome,
            "status_code": failure.status,
        },
        "consecutive_failures": value.consecutive_failures,
    }


def hold(value: Hold | None) -> dict[str, Any] | None:
    """A subscription's hold, or None."""
    if value is None:
        return None
    return {"reason": value.reason, "since": times.text(value.since), "message": value.message}


def _hold_of(record: DeliveryRecord, snapshot: Snapshot) -> Hold | None:
    if record.state is not DeliveryState.PENDING or record.target.subscription is None:
        return None
    found = snapshot.subscriptions.get((record.namespace, record.target.subscription))
    return found.hold if found is not None else None


def _moment(timestamp: Timestamp | None) -> str | None:
    return None if timestamp is None else times.text(timestamp)


def _milliseconds(attempt: Attempt) -> int:
    return round(attempt.duration * 1000)


def _shown(body: bytes) -> str:
    return body.decode("utf-8", "replace")


def _encoded(body: bytes) -> str | None:
    """The bytes themselves, should text not show them faithfully."""
    try:
        body.decode()
    except UnicodeDecodeError:
        return b64encode(body).decode()
    return None
