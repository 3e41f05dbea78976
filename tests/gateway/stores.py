"""A store in a temporary folder, and what goes into one."""

import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from prometheus_client import CollectorRegistry

from hookgate.deliveries import Outcome
from hookgate_gateway.ids import Ids
from hookgate_gateway.observe import Observer
from hookgate_gateway.ports import Acceptance, NewDelivery, NewRun, Recording
from hookgate_gateway.rules.delivery import Attempt, Delivery, Ending, KeyRef, Namespace, RunId
from hookgate_gateway.rules.lane import subscription_lane
from hookgate_gateway.rules.report import Report
from hookgate_gateway.rules.retry import GiveUp, RetryAt, Succeed
from hookgate_gateway.store.sqlite.store import SqliteStore
from hookgate_process.clock import SystemClock

SHOP = Namespace("shop")
BANK = Namespace("bank")
START = 1_750_000_000.0
"""The moment at which the tests' wall clock begins."""

ids = Ids(SystemClock().now)


@asynccontextmanager
async def open_sqlite(
    folder: Path,
    *,
    now: Callable[[], float] = SystemClock.now,
    keys_file: Path | None = None,
    lock_patience: float = 15.0,
    observer: Observer | None = None,
) -> AsyncIterator[SqliteStore]:
    """The store ``folder/hookgate.db``; open the same folder again for a restart."""
    async with SqliteStore.open(
        folder / "hookgate.db",
        now=now,
        observer=observer or Observer(CollectorRegistry()),
        encryption_keys_file=keys_file,
        lock_patience=lock_patience,
    ) as store:
        yield store


def acceptance(
    run_id: str = "tsk_1",
    status: str = "completed",
    *,
    namespace: Namespace = SHOP,
    body: bytes | None = None,
    to: tuple[str, ...] = ("invoices",),
    parked: bool = False,
    at: float = START,
    revision: int = 0,
    attempt: int = 0,
    retry_pending: bool = False,
    run_type: str = "task_v2",
    workflow_ids: tuple[str, ...] = (),
) -> Acceptance:
    """A report of a run, matched with the subscriptions ``to``."""
    if body is None:
        body = b'{"run_id": "%s", "status": "%s"}' % (run_id.encode(), status.encode())
    return Acceptance(
        event_id=ids.event(),
        namespace=namespace,
        report=Report(
            run_id=RunId(run_id),
            run_type=run_type,
            status=status,
            attempt=attempt,
            retry_pending=retry_pending,
            workflow_ids=workflow_ids,
        ),
        body=body,
        body_sha256=hashlib.sha256(body).digest(),
        received_at=at,
        origin="api-key:test",
        deliveries=tuple(
            NewDelivery(
                id=ids.delivery(),
                subscription=name,
                lane=subscription_lane(namespace, name),
                parked=parked,
            )
            for name in to
        ),
        run_delivery=ids.delivery(),
        revision=revision,
    )


def new_run(
    run_id: str = "tsk_1",
    *,
    namespace: Namespace = SHOP,
    webhook_url: str | None = None,
    at: float = START,
    workflow_id: str | None = None,
    run_type: str = "task_v2",
) -> NewRun:
    """A run that an API key created."""
    return NewRun(
        run_id=RunId(run_id),
        namespace=namespace,
        run_type=run_type,
        status="created",
        created_at=at,
        request=b'{"prompt": "buy milk"}',
        webhook_url=webhook_url,
        key=KeyRef("team-key", "0123456789abcdef") if webhook_url else None,
        workflow_id=workflow_id,
    )


def answered(status: int = 200, *, at: float = START, error: str | None = None) -> Attempt:
    """An attempt that this HTTP status answered."""
    outcome = Outcome.SUCCESS if status < 300 else Outcome.SERVER_ERROR
    return Attempt(
        outcome=outcome if status != 410 else Outcome.GONE,
        started_at=at,
        duration=0.25,
        status=status,
        url="https://billing.shop.example/hooks",
        request_headers=(("X-Hookgate-Attempt", "1"),),
        response_headers=(("Server", "test"),),
        response_body=b"thank you",
        error=error,
    )


def success(delivery: Delivery, *, at: float = START) -> Recording:
    return Recording(delivery=delivery, attempt=answered(at=at), verdict=Succeed())


def failure(
    delivery: Delivery, *, due: float, at: float = START, parked: bool = False
) -> Recording:
    """A 503 that is to be tried again at ``due``."""
    return Recording(
        delivery=delivery, attempt=answered(503, at=at), verdict=RetryAt(due), parked=parked
    )


def exhaustion(
    delivery: Delivery, *, at: float = START, ending: Ending = Ending.ATTEMPTS_USED_UP
) -> Recording:
    return Recording(delivery=delivery, attempt=answered(503, at=at), verdict=GiveUp(ending))
