"""Rows of ``queries.sql`` as the records of the port; the order of columns is the one of the queries."""

from collections.abc import Sequence
from typing import Any

import orjson

from hookgate.deliveries import DeliveryState, Outcome
from hookgate_gateway.ports import AttemptRecord, DeliveryRecord, EventRecord, RunRecord
from hookgate_gateway.rules.delivery import Attempt, Ending, KeyRef, Kind, Target

__all__ = ["attempt_record", "delivery_record", "event_record", "run_record"]


def run_record(row: Sequence[Any]) -> RunRecord:
    (namespace, run_id, run_type, status, created_at, modified_at, request, webhook_url, secret,
     fingerprint, workflow_id, event_id, final, payload) = row  # fmt: skip
    return RunRecord(
        namespace=namespace,
        run_id=run_id,
        run_type=run_type,
        status=status,
        created_at=created_at,
        modified_at=modified_at,
        request=request,
        webhook_url=webhook_url,
        key=_key(secret, fingerprint),
        workflow_id=workflow_id,
        event_id=event_id,
        final=bool(final),
        payload=payload,
    )


def event_record(row: Sequence[Any]) -> EventRecord:
    (id_, namespace, run_id, run_type, status, attempt, retry_pending, final, received_at, origin,
     body_size, body_sha256, body) = row  # fmt: skip
    return EventRecord(
        id=id_,
        namespace=namespace,
        run_id=run_id,
        run_type=run_type,
        status=status,
        attempt=attempt,
        retry_pending=bool(retry_pending),
        final=bool(final),
        received_at=received_at,
        origin=origin,
        body_size=body_size,
        body_sha256=body_sha256,
        body=body,
    )


def delivery_record(row: Sequence[Any]) -> DeliveryRecord:
    (id_, namespace, event_id, run_id, subscription, url, secret, fingerprint, lane, kind, state,
     ending, attempts, outcome, status_code, error, due, parked, created_at, ended_at,
     replay_of) = row  # fmt: skip
    return DeliveryRecord(
        id=id_,
        namespace=namespace,
        event_id=event_id,
        run_id=run_id,
        target=Target(subscription=subscription, url=url, key=_key(secret, fingerprint)),
        lane=lane,
        kind=Kind(kind),
        state=DeliveryState(state),
        ending=None if ending is None else Ending(ending),
        attempts=attempts,
        outcome=None if outcome is None else Outcome(outcome),
        status_code=status_code,
        error=error,
        due=due,
        parked=bool(parked),
        created_at=created_at,
        ended_at=ended_at,
        replay_of=replay_of,
    )


def attempt_record(row: Sequence[Any]) -> AttemptRecord:
    number, started_at, duration, outcome, status, retry_after, detail, response_body = row
    url, request_headers, response_headers, error = orjson.loads(detail)
    return AttemptRecord(
        number,
        Attempt(
            outcome=Outcome(outcome),
            started_at=started_at,
            duration=duration,
            status=status,
            retry_after=retry_after,
            url=url,
            request_headers=_headers(request_headers),
            response_headers=_headers(response_headers),
            response_body=response_body,
            error=error,
        ),
    )


def _headers(pairs: Sequence[Sequence[str]]) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in pairs)


def _key(secret: str | None, fingerprint: str | None) -> KeyRef | None:
    return None if secret is None or fingerprint is None else KeyRef(secret, fingerprint)
