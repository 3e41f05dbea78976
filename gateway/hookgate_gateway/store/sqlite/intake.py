"""Durable acceptance, the gateway's side: what is sent, and receipts made of short answers."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any

from hookgate_gateway.ports import (
    Acceptance,
    Accepted,
    Duplicate,
    MadeBefore,
    NewDelivery,
    NewRun,
    Once,
    Receipt,
    Stale,
)
from hookgate_gateway.rules.delivery import (
    Delivery,
    DeliveryId,
    EventId,
    KeyRef,
    Kind,
    LaneKey,
    Target,
)
from hookgate_gateway.rules.lane import run_lane
from hookgate_gateway.store.claims import Expectation
from hookgate_gateway.store.sqlite.backlog import SqliteBacklog
from hookgate_gateway.store.sqlite.link import Link
from hookgate_gateway.store.sqlite.writing.backlog import LARGE_BODY

__all__ = ["SqliteIntake", "run_fields"]


class SqliteIntake:
    """Implements the port Intake."""

    def __init__(self, link: Link, backlog: SqliteBacklog) -> None:
        self._link = link
        self._backlog = backlog

    async def accept(self, batch: Sequence[Acceptance]) -> Sequence[Receipt]:
        if not batch:
            return ()
        items: list[Any] = []
        bodies: list[bytes] = []
        ids: list[DeliveryId] = []
        for acceptance in batch:
            items.append(_item(acceptance))
            bodies += (acceptance.body_sha256, acceptance.body)
            ids += [new.id for new in acceptance.deliveries if not new.parked]
            ids.append(acceptance.run_delivery)
        expectation = Expectation(ids, due=min(one.received_at for one in batch))
        loop = asyncio.get_running_loop()

        def settled() -> None:
            self._backlog.unclaimed_soon(loop, expectation)

        answer = self._link.post("accept", items, bodies, settled=settled)
        self._backlog.expect(expectation)
        answers, _ = await answer
        receipts = [_receipt(*pair) for pair in zip(batch, answers, strict=True)]
        expectation.created = frozenset(
            delivery.id
            for receipt in receipts
            if isinstance(receipt, Accepted)
            for delivery in receipt.deliveries
        )
        return receipts

    async def register(self, run: NewRun) -> bool:
        new, _ = await self._link.request("register", run_fields(run), (run.request,))
        return bool(new)

    async def register_once(self, run: NewRun, once: Once) -> bool | MadeBefore:
        payload = (run_fields(run), (once.key, run.run_id, once.at, once.since))
        bodies = (once.request_sha256, run.request)
        (new, made), sha256 = await self._link.request("register_once", payload, bodies)
        return bool(new) if made is None else MadeBefore(bytes(sha256), made)


def run_fields(run: NewRun) -> tuple[Any, ...]:
    """The fields in the order of ``writing.accept.register``, its request apart."""
    key = run.key
    lane = None if run.webhook_url is None else run_lane(run.namespace, run.webhook_url)
    return (
        run.namespace, run.run_id, run.run_type, run.status, run.created_at, run.workflow_id,
        run.webhook_url, lane, key and key.secret, key and key.fingerprint,
    )  # fmt: skip


def _item(acceptance: Acceptance) -> tuple[Any, ...]:
    """The fields in the order of ``writing.accept``."""
    report = acceptance.report
    return (
        acceptance.event_id,
        acceptance.namespace,
        report.run_id,
        report.run_type,
        report.status,
        report.attempt,
        report.retry_pending,
        report.final,
        report.workflow_ids[0] if report.workflow_ids else None,
        acceptance.received_at,
        acceptance.origin,
        acceptance.revision,
        acceptance.run_delivery,
        len(acceptance.body),
        [(new.id, new.subscription, new.lane, new.parked) for new in acceptance.deliveries],
        acceptance.unless_ended,
    )


def _receipt(acceptance: Acceptance, answer: Sequence[Any]) -> Receipt:
    match answer:
        case [0, *rest]:
            target, superseded = rest or (None, ())
            return _accepted(acceptance, target, superseded)
        case [1]:
            return Accepted(acceptance.event_id, (), 0)
        case [2, event_id, count]:
            return Duplicate(EventId(event_id), count)
        case [3, revision]:
            return Stale(revision)
    raise AssertionError(f"the writer answered {answer!r}")


def _accepted(
    acceptance: Acceptance, target: Sequence[Any] | None, superseded: Sequence[str]
) -> Accepted:
    created = len(acceptance.deliveries) + (target is not None)
    return Accepted(
        acceptance.event_id,
        tuple(_deliveries(acceptance, target)),
        created,
        tuple(DeliveryId(id_) for id_ in superseded),
    )


def _deliveries(acceptance: Acceptance, target: Sequence[Any] | None) -> Iterator[Delivery]:
    for new in acceptance.deliveries:
        if not new.parked:
            yield _delivery(acceptance, new, Target(subscription=new.subscription))
    if target is not None:
        url, lane, secret, fingerprint = target
        key = None if secret is None else KeyRef(secret, fingerprint)
        own = NewDelivery(id=acceptance.run_delivery, subscription="", lane=LaneKey(lane))
        yield _delivery(acceptance, own, Target(url=url, key=key))


def _delivery(acceptance: Acceptance, new: NewDelivery, target: Target) -> Delivery:
    return Delivery(
        id=new.id,
        namespace=acceptance.namespace,
        event_id=acceptance.event_id,
        run_id=acceptance.report.run_id,
        target=target,
        lane=new.lane,
        kind=Kind.EVENT,
        attempts=0,
        due=acceptance.received_at,
        accepted_at=acceptance.received_at,
        body=acceptance.body if len(acceptance.body) <= LARGE_BODY else None,
        body_size=len(acceptance.body),
    )
