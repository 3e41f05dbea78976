"""
Durable acceptance: what is handed over, and the receipt.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from hookgate_gateway.rules.delivery import (
    Delivery,
    DeliveryId,
    EventId,
    KeyRef,
    LaneKey,
    Namespace,
    RunId,
    Timestamp,
)
from hookgate_gateway.rules.report import Report
from hookgate_gateway.rules.values import busy_value

__all__ = [
    "Acceptance",
    "Accepted",
    "Duplicate",
    "Intake",
    "MadeBefore",
    "NewDelivery",
    "NewRun",
    "Once",
    "Receipt",
    "Stale",
]


@busy_value
class NewDelivery:
    """A delivery to a subscription that is to be stored with its event."""

    id: DeliveryId
    subscription: str
    lane: LaneKey
    parked: bool = False
    """Its lane takes nothing now (held, or its breaker is open): it waits for the lane, not for time."""


@busy_value
class Acceptance:
    """One event to be stored with everything it brings, in one transaction."""

    event_id: EventId
    namespace: Namespace
    report: Report
    body: bytes
    body_sha256: bytes
    received_at: Timestamp
    origin: str
    """Who sent it: ``api-key:NAME``, ``source:NAME`` or ``gateway``."""
    deliveries: tuple[NewDelivery, ...]
    run_delivery: DeliveryId
    """The id to use for the delivery to the run's own target, should the run have one."""
    revision: int
    """The catalogue's revision that the deliveries were matched with."""
    unless_ended: bool = False
    """Only while the run has no final event; else that one is answered as its duplicate."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """Stored. A report that came after the run's final one has no deliveries."""

    event_id: EventId
    deliveries: tuple[Delivery, ...]
    """All that were created and are not parked, to be handed to the dispatcher (bodies included)."""
    created: int
    """How many deliveries were created, the parked ones included."""
    superseded: tuple[DeliveryId, ...] = ()
    """Interim deliveries of the same run that this final event cancelled."""


@dataclass(frozen=True, slots=True)
class Duplicate:
    """The same report is stored already, and committed (or the final one that it was not to follow)."""

    event_id: EventId
    deliveries: int


@dataclass(frozen=True, slots=True)
class Stale:
    """Matched with an older catalogue than the store holds: nothing stored, match again."""

    revision: int


Receipt = Accepted | Duplicate | Stale


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRun:
    """A run that somebody asked for."""

    run_id: RunId
    namespace: Namespace
    run_type: str
    status: str
    created_at: Timestamp
    request: bytes
    """The run request as JSON, in the SDK's spelling."""
    webhook_url: str | None = None
    key: KeyRef | None = None
    """The API key that created it: signs what goes to ``webhook_url``."""
    workflow_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Once:
    """What tells a request that is sent again from a new one (the header Idempotency-Key)."""

    key: str
    request_sha256: bytes
    """Of everything that was asked for: another one under the same key is a mistake."""
    at: Timestamp
    since: Timestamp
    """A key that was used before is free again."""


@dataclass(frozen=True, slots=True)
class MadeBefore:
    """The key was used: what was asked for then, and the id of what it made."""

    request_sha256: bytes
    made: str


class Intake(Protocol):
    """Durable acceptance."""

    async def accept(self, batch: Sequence[Acceptance]) -> Sequence[Receipt]:
        """Store events, runs and deliveries in one transaction; receipts in the order of the batch.

        Returns only after everything is on disk. Duplicates are decided by the unique index
        ``(namespace, run_id, attempt, retry_pending, body_sha256)``, also inside the batch. Cancels
        what a final report supersedes. Raises StoreUnavailable, and then nothing was stored.
        """
        ...

    async def register(self, run: NewRun) -> bool:
        """Store a run; False when it was registered before, or has ended (nothing changed).

        One that is known from its reports alone gets request, URL and key: a report can be faster than
        the registration.
        """
        ...

    async def register_once(self, run: NewRun, once: Once) -> bool | MadeBefore:
        """As ``register``, unless the namespace used this key since: then nothing changes.

        Of twins that arrive together exactly one registers its run.
        """
        ...
