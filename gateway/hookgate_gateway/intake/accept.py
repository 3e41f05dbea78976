"""
Durable acceptance: a body comes in, a receipt goes out, and in between it is on disk.

Whatever arrives while a commit runs goes into the next one (group commit); under load that makes one
fsync of hundreds. An event is matched when its batch is built, with the newest catalogue; should the
store have a newer one still, it refuses and the event is matched again. Deliveries created here go
straight to the dispatcher, after the caller was answered.
"""

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

from hookgate_gateway.catalogue.snapshot import Snapshot
from hookgate_gateway.contract import Subscription
from hookgate_gateway.ids import Ids
from hookgate_gateway.intake.parse import read_body
from hookgate_gateway.intake.quota import BacklogQuota
from hookgate_gateway.intake.waiting import IntakeLimits, Queue, Waiting
from hookgate_gateway.observe import Observer
from hookgate_gateway.ports import (
    Acceptance,
    Accepted,
    Duplicate,
    NewDelivery,
    Receipt,
    Stale,
    StoreUnavailable,
)
from hookgate_gateway.rules.delivery import Delivery, DeliveryId, EventId, LaneKey, Namespace, RunId
from hookgate_gateway.rules.lane import subscription_lane
from hookgate_gateway.rules.report import Report, Unreadable
from hookgate_process.clock import Clock

__all__ = [
    "AcceptedReport",
    "Acceptor",
    "CurrentCatalogue",
    "EventStore",
    "Handover",
    "Matching",
    "Overloaded",
]

Matching = Callable[[Snapshot, Namespace, Report], Sequence[Subscription]]
"""Which subscriptions a report is for."""


class Overloaded(Exception):
    """Nothing was stored; the caller should come again: 503 with Retry-After."""

    def __init__(self, message: str, retry_after: int = 1) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        """Seconds."""


@dataclass(frozen=True, slots=True)
class AcceptedReport:
    """The answer to a report that is on disk."""

    event_id: EventId
    run_id: RunId
    deliveries: int
    """Created with the event, parked ones included."""
    duplicate: bool
    """It was there before; ``event_id`` is the event stored first."""


class EventStore(Protocol):
    """What the acceptor needs of a store; see :class:`hookgate_gateway.ports.Intake`."""

    async def accept(self, batch: Sequence[Acceptance]) -> Sequence[Receipt]: ...


class CurrentCatalogue(Protocol):
    """The catalogue that matching reads."""

    @property
    def snapshot(self) -> Snapshot:
        """The newest one seen."""
        ...

    async def wait_for(self, revision: int) -> None:
        """Return once :attr:`snapshot` has at least this revision."""
        ...


class Handover(Protocol):
    """The dispatcher, as far as the intake knows it. Nothing here is awaited."""

    def parks(self, lane: LaneKey) -> bool:
        """Whether a new delivery must wait for its lane (open breaker, full) instead of for time."""
        ...

    def offer(self, deliveries: Sequence[Delivery]) -> None:
        """These were created just now, are due and are not parked."""
        ...

    def superseded(self, ids: Sequence[DeliveryId]) -> None:
        """These were cancelled by a final event; forget them unless they are in flight."""
        ...


class Acceptor:
    """Accepts reports. Use it as ``async with``: leaving it commits what has come in and then ends."""

    def __init__(
        self,
        *,
        store: EventStore,
        catalogue: CurrentCatalogue,
        matching: Matching,
        handover: Handover,
        ids: Ids,
        clock: Clock,
        observer: Observer,
        limits: IntakeLimits = IntakeLimits(),  # noqa: B008  # frozen
        quota: BacklogQuota | None = None,
    ) -> None:
        self._store = store
        self._catalogue = catalogue
        self._matching = matching
        self._handover = handover
        self._ids = ids
        self._clock = clock
        self._observer = observer
        self._limits = limits
        self._queue = Queue(limits)
        self._quota = quota or BacklogQuota()
        self._arrived = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._open = False

    async def __aenter__(self) -> Self:
        self._open = True
        self._task = asyncio.create_task(self._commit_batches(), name="intake")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Refuse what comes from now on, commit what has come, end."""
        self._open = False
        self._arrived.set()
        if self._task is not None:
            await self._task

    @property
    def held_bytes(self) -> int:
        """Bytes of bodies and their overhead that wait for a commit or are in one."""
        return self._queue.held_bytes

    async def accept(
        self, namespace: Namespace, body: bytes, origin: str, *, unless_ended: bool = False
    ) -> AcceptedReport | Unreadable:
        """Store a report and what it brings; return only when it is on disk.

        With ``unless_ended`` the run must have no final event yet; one that has is answered with that
        event, as a duplicate. ``origin`` says who sent it, as in :class:`hookgate_gateway.ports.Acceptance`; the namespace is
        the one that the sender proved to belong to. Raises Overloaded, BacklogFull and
        StoreUnavailable: nothing was acknowledged, the caller should come again. A caller that is
        cancelled leaves its event where it is.
        """
        if not self._open:
            raise Overloaded("the gateway is stopping")
        if not self._queue.has_room(namespace, len(body)):
            raise Overloaded("too much waits to be stored")
        self._quota.check(namespace)
        report = read_body(body)
        if isinstance(report, Unreadable):
            self._observer.received(namespace, "other", "other", "rejected")
            return report
        waiting = self._waiting(namespace, report, body, origin)
        waiting.unless_ended = unless_ended
        self._queue.put(waiting)
        self._arrived.set()
        receipt = await waiting.answer
        if isinstance(receipt, Duplicate):
            return AcceptedReport(receipt.event_id, report.run_id, receipt.deliveries, True)
        return AcceptedReport(receipt.event_id, report.run_id, receipt.created, False)

    def _waiting(self, namespace: Namespace, report: Report, body: bytes, origin: str) -> Waiting:
        event_id = self._ids.event()
        return Waiting(
            event_id=event_id,
            run_delivery=self._ids.run_delivery(event_id),
            namespace=namespace,
            report=report,
            body=body,
            body_sha256=hashlib.sha256(body).digest(),
            received_at=self._clock.now(),
            origin=origin,
            answer=asyncio.get_running_loop().create_future(),
        )

    # ------------------------------------------------------------------------------ the committer

    async def _commit_batches(self) -> None:
        try:
            while await self._something_waits():
                await self._commit(self._queue.take_batch())
        finally:  # cancelled from outside: nobody may wait for ever
            self._fail(self._queue.take_all(), Overloaded("the gateway is stopping"))

    async def _something_waits(self) -> bool:
        """Wait for an event; False when there is none and none can come."""
        while not self._queue:
            if not self._open:
                return False
            self._arrived.clear()
            await self._arrived.wait()
        return True

    async def _commit(self, batch: Sequence[Waiting]) -> None:
        try:
            snapshot = self._catalogue.snapshot
            acceptances = [self._acceptance(waiting, snapshot) for waiting in batch]
            started = self._clock.monotonic()
            receipts = await self._store.accept(acceptances)
            self._observer.committed(self._clock.monotonic() - started)
            await self._settle_stale(self._settle(batch, receipts))
        except StoreUnavailable as error:
            self._fail(batch, error)
        except asyncio.CancelledError:
            self._fail(batch, Overloaded("the gateway is stopping"))
            raise
        except Exception as error:  # noqa: BLE001  # one batch may fail; those after it must not
            # The type alone: the text may quote a payload.
            self._observer.error("intake_batch_failed", error=type(error).__name__)
            self._fail(batch, error)

    def _acceptance(self, waiting: Waiting, snapshot: Snapshot) -> Acceptance:
        matched = self._matching(snapshot, waiting.namespace, waiting.report)
        return Acceptance(
            event_id=waiting.event_id,
            namespace=waiting.namespace,
            report=waiting.report,
            body=waiting.body,
            body_sha256=waiting.body_sha256,
            received_at=waiting.received_at,
            origin=waiting.origin,
            deliveries=tuple([self._delivery(subscription) for subscription in matched]),
            run_delivery=waiting.run_delivery,
            revision=snapshot.revision,
            unless_ended=waiting.unless_ended,
        )

    def _delivery(self, subscription: Subscription) -> NewDelivery:
        lane = subscription_lane(subscription.namespace, subscription.name)
        return NewDelivery(
            id=self._ids.delivery(),
            subscription=subscription.name,
            lane=lane,
            parked=subscription.hold is not None or self._handover.parks(lane),
        )

    def _settle(
        self, batch: Sequence[Waiting], receipts: Sequence[Receipt]
    ) -> list[tuple[Waiting, Stale]]:
        """Answer the callers, hand over what was created; return those that are to be matched again."""
        stale: list[tuple[Waiting, Stale]] = []
        created: list[Delivery] = []
        superseded: list[DeliveryId] = []
        for waiting, receipt in zip(batch, receipts, strict=True):
            if isinstance(receipt, Stale):
                stale.append((waiting, receipt))
                continue
            if isinstance(receipt, Accepted):
                created.extend(receipt.deliveries)
                superseded.extend(receipt.superseded)
                self._quota.added(waiting.namespace, receipt.created)
            self._answer(waiting, receipt)
        if superseded:
            self._handover.superseded(superseded)
            over = frozenset(superseded)
            created = [one for one in created if one.id not in over]
        if created:
            self._handover.offer(created)
        return stale

    def _answer(self, waiting: Waiting, receipt: Accepted | Duplicate) -> None:
        self._queue.leave(waiting)
        if not waiting.answer.done():  # the caller may have gone away
            waiting.answer.set_result(receipt)
        result = "duplicate" if isinstance(receipt, Duplicate) else "accepted"
        report = waiting.report
        self._observer.received(waiting.namespace, report.run_type, report.status, result)

    async def _settle_stale(self, stale: Sequence[tuple[Waiting, Stale]]) -> None:
        """Wait until this process has seen the store's catalogue, then let them be matched again."""
        again: list[Waiting] = []
        for waiting, _ in stale:
            waiting.stale += 1
            if waiting.stale > self._limits.stale_tries:
                self._fail([waiting], Overloaded("the catalogue changes faster than it is read"))
            else:
                again.append(waiting)
        if not again:
            return
        try:
            async with asyncio.timeout(self._limits.stale_wait):
                await self._catalogue.wait_for(max(receipt.revision for _, receipt in stale))
        except TimeoutError:
            self._fail(again, Overloaded("the catalogue is behind the store"))
        else:
            self._queue.give_back(again)

    def _fail(self, batch: Sequence[Waiting], error: Exception) -> None:
        """Tell those that have no answer yet."""
        for waiting in batch:
            self._queue.leave(waiting)
            if not waiting.answer.done():
                waiting.answer.set_exception(error)
