"""
What happened: runs, events, deliveries and attempts, page by page.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from hookgate.deliveries import DeliveryState, Outcome
from hookgate_gateway.rules.delivery import (
    Attempt,
    DeliveryId,
    Ending,
    EventId,
    KeyRef,
    Kind,
    LaneKey,
    Namespace,
    RunId,
    Target,
    Timestamp,
)

__all__ = [
    "AttemptRecord",
    "DeliveryQuery",
    "DeliveryRecord",
    "EventQuery",
    "EventRecord",
    "History",
    "Page",
    "RunQuery",
    "RunRecord",
]

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """A run as stored, with the payload of the event that speaks for it (its final one, else the latest)."""

    namespace: Namespace
    run_id: RunId
    run_type: str
    status: str
    created_at: Timestamp
    modified_at: Timestamp
    request: bytes | None
    webhook_url: str | None
    key: KeyRef | None
    workflow_id: str | None
    event_id: EventId | None
    final: bool
    payload: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRecord:
    """An event as stored; ``body`` only where it was asked for."""

    id: EventId
    namespace: Namespace
    run_id: RunId
    run_type: str
    status: str
    attempt: int
    retry_pending: bool
    final: bool
    received_at: Timestamp
    origin: str
    body_size: int
    body_sha256: bytes
    body: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryRecord:
    """A delivery as stored."""

    id: DeliveryId
    namespace: Namespace
    event_id: EventId
    run_id: RunId
    target: Target
    lane: LaneKey
    kind: Kind
    state: DeliveryState
    ending: Ending | None
    attempts: int
    outcome: Outcome | None
    """Of the last attempt."""
    status_code: int | None
    error: str | None
    due: Timestamp | None
    parked: bool
    created_at: Timestamp
    ended_at: Timestamp | None
    replay_of: DeliveryId | None = None


@dataclass(frozen=True, slots=True)
class AttemptRecord:
    """An attempt as stored."""

    number: int
    attempt: Attempt


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryQuery:
    """Which deliveries; None asks for all. ``since`` ≤ created < ``until``."""

    states: frozenset[DeliveryState] = frozenset()
    subscription: str | None = None
    subscriptions: frozenset[str] | None = None
    """Any of these (how ``held`` is asked for: the names that have a hold)."""
    run_id: RunId | None = None
    event_id: EventId | None = None
    outcome: Outcome | None = None
    since: Timestamp | None = None
    until: Timestamp | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EventQuery:
    """Which events; None asks for all."""

    run_id: RunId | None = None
    run_type: str | None = None
    status: str | None = None
    since: Timestamp | None = None
    until: Timestamp | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunQuery:
    """Which runs; None and empty ask for all. ``search`` is a part of the run id, workflow id or request."""

    statuses: frozenset[str] = frozenset()
    run_types: frozenset[str] = frozenset()
    search: str | None = None


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Newest first; ``cursor`` (the last item's position) is None on the last page."""

    items: tuple[T, ...]
    cursor: str | None


class History(Protocol):
    """What is known of the past. The namespace is always the first argument."""

    async def run(self, namespace: Namespace, run_id: RunId) -> RunRecord | None: ...

    async def registered_elsewhere(self, namespace: Namespace, run_id: RunId) -> bool:
        """Whether a run that this namespace does not know was asked for in another one."""
        ...

    async def event(
        self, namespace: Namespace, event_id: EventId, *, body: bool = False
    ) -> EventRecord | None: ...

    async def final_event(self, namespace: Namespace, run_id: RunId) -> EventRecord | None:
        """The newest final event of a run, its body included."""
        ...

    async def delivery(self, namespace: Namespace, id_: DeliveryId) -> DeliveryRecord | None: ...

    async def attempts(self, namespace: Namespace, id_: DeliveryId) -> Sequence[AttemptRecord]: ...

    async def run_deliveries(self, namespace: Namespace, run_id: RunId) -> Sequence[DeliveryRecord]:
        """All deliveries of a run's events, oldest first, at most 1000."""
        ...

    async def runs(
        self, namespace: Namespace, query: RunQuery, *, limit: int, cursor: str | None = None
    ) -> Page[RunRecord]: ...

    async def events(
        self, namespace: Namespace, query: EventQuery, *, limit: int, cursor: str | None = None
    ) -> Page[EventRecord]: ...

    async def deliveries(
        self, namespace: Namespace, query: DeliveryQuery, *, limit: int, cursor: str | None = None
    ) -> Page[DeliveryRecord]: ...

    async def cancel(
        self, namespace: Namespace, ids: Sequence[DeliveryId], ending: Ending, now: Timestamp
    ) -> Sequence[DeliveryId]:
        """Cancel those of these deliveries that are pending; returns which."""
        ...

    async def set_run_status(
        self, namespace: Namespace, run_id: RunId, status: str, now: Timestamp
    ) -> bool:
        """Change the status of a run that has no final event; False when it has one or is unknown."""
        ...
