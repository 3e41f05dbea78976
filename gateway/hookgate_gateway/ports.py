"""
The protocols between the parts, and their promises.

Stores and the sender implement them; intake, dispatch, replay, catalogue and the API use them. One
behaviour suite (``tests/gateway/store``) holds every store to the promises below.

Errors::

    StoreError
    ├── StoreUnavailable     not now: answer 503 with Retry-After; nothing was stored
    │   └── StoreFull        no room on the disk
    ├── StoreRefused         this store cannot be used at all (newer schema, wrong key, not a database)
    └── OwnedByAnother       a resource of another owner: 409
"""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Generic, Protocol, TypeVar

from hookgate.signing import SigningScheme
from hookgate_gateway.contract import PLAIN_TLS, ResourceKey, Tls
from hookgate_gateway.rules.delivery import (
    Attempt,
    Delivery,
    DeliveryId,
    DeliveryState,
    Ending,
    EventId,
    KeyRef,
    Kind,
    LaneKey,
    Namespace,
    Outcome,
    RunId,
    Target,
    Timestamp,
)
from hookgate_gateway.rules.health import Health
from hookgate_gateway.rules.replay import (
    Replay,
    ReplayFilter,
    ReplayId,
    ReplayPlan,
    ReplayState,
    Step,
)
from hookgate_gateway.rules.report import Report
from hookgate_gateway.rules.retry import Verdict

T = TypeVar("T")

# ---------------------------------------------------------------------------------------- errors


class StoreError(Exception):
    """The root of what a store can raise."""


class StoreUnavailable(StoreError):
    """The store cannot take this now. Nothing was stored that was not acknowledged before."""


class StoreFull(StoreUnavailable):
    """There is no room on the disk."""


class StoreRefused(StoreError):
    """This store cannot be used by this program; the message says why and what to do."""


class OwnedByAnother(StoreError):
    """The resource belongs to another owner."""

    def __init__(self, key: ResourceKey, owner: str) -> None:
        super().__init__(f"{key.kind} {key.namespace}/{key.name} is owned by {owner!r}")
        self.key = key
        self.owner = owner


class InvalidCursor(ValueError):
    """A page's cursor that no store made: the client's mistake, answered with 422."""


# ---------------------------------------------------------------------------------------- intake


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDelivery:
    """A delivery to a subscription that is to be stored with its event."""

    id: DeliveryId
    subscription: str
    lane: LaneKey
    parked: bool = False
    """Its lane takes nothing now (held, or its breaker is open): it waits for the lane, not for time."""


@dataclass(frozen=True, slots=True, kw_only=True)
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


@dataclass(frozen=True, slots=True)
class Settled:
    """What a key that was reserved stands for from now on."""

    key: str
    reservation: str
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

    async def reserve_once(
        self, namespace: Namespace, once: Once, reservation: str
    ) -> MadeBefore | None:
        """Let a key stand for ``reservation`` until it is settled or released, or a day is over.

        What it stands for already, should the namespace have used it since. Of twins exactly one gets
        it.
        """
        ...

    async def release_once(self, namespace: Namespace, key: str, reservation: str) -> None:
        """Nothing was made: the key is free again, should it still stand for this reservation."""
        ...

    async def adopt(
        self, run: NewRun, delivery: DeliveryId, settled: Settled | None = None
    ) -> bool:
        """As ``register``, for a run that somebody else has made and perhaps ended already.

        Its final event, should there be one, is owed to the run's URL then, as ``delivery``, due at
        once; and the key is ``settled``. All of it in one transaction.
        """
        ...


# --------------------------------------------------------------------------------------- backlog


@dataclass(frozen=True, slots=True)
class Ownership:
    """What this replica may send: the shards it holds, under which epoch, for how long."""

    epoch: int
    shards: frozenset[int]
    until: float
    """Monotonic seconds; no attempt is started later than 3 s before. ``inf`` when nobody competes."""


@dataclass(frozen=True, slots=True)
class Taken:
    """Due deliveries, now in the caller's hands, and when the next one will be due."""

    deliveries: tuple[Delivery, ...]
    next_due: Timestamp | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """An attempt's result to be written: the attempt row and the delivery's next state."""

    delivery: Delivery
    attempt: Attempt
    verdict: Verdict
    parked: bool = False
    """With RetryAt: the delivery waits for its lane instead of for time."""
    marks_gone: bool = False
    """The subscription's endpoint answered 410: set its hold ``Gone`` in the same transaction."""
    revision: int | None = None
    """The catalogue's revision that ``marks_gone`` was judged by: what was changed since is not marked."""

    @property
    def number(self) -> int:
        """The attempt's number, from 1."""
        return self.delivery.attempts + 1


class Recorded(StrEnum):
    """What became of a recording."""

    STORED = "stored"
    CANCELLED = (
        "cancelled"  # the attempt is stored; the delivery had been ended before and stays so
    )
    REFUSED = "refused"  # the epoch is over: another replica owns the lane


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A delivery that was pending and is exhausted now."""

    id: DeliveryId
    namespace: Namespace
    event_id: EventId
    subscription: str | None


class Backlog(Protocol):
    """The deliveries that are owed. None is taken twice before ``record``, ``park`` or ``release``."""

    async def owned(self) -> Ownership: ...

    def claim(self, deliveries: Sequence[Delivery]) -> None:
        """Take deliveries that an accept has just returned, without asking the store. Not awaited."""
        ...

    async def take_due(self, now: Timestamp, limit: int) -> Taken:
        """Pending, not parked, due at ``now``: oldest first."""
        ...

    async def park(self, ids: Sequence[DeliveryId]) -> None:
        """Give deliveries back: they wait for their lane instead of for time."""
        ...

    async def take_parked(
        self, lane: LaneKey, limit: int, after: tuple[Timestamp, DeliveryId] | None = None
    ) -> Sequence[Delivery]:
        """Take what waits for this lane, oldest due first (whatever its due time).

        ``after`` is the due time and id of a delivery: those before it, and it itself, are left out.
        """
        ...

    async def parked_lanes(self) -> Sequence[LaneKey]:
        """The lanes that have parked deliveries; asked at start and now and then."""
        ...

    async def record(self, results: Sequence[Recording]) -> Sequence[Recorded]:
        """Write attempts and next states in one transaction; the deliveries leave the caller's hands.

        Idempotent by (delivery, attempt number). A delivery cancelled in flight becomes delivered by
        a 2xx and stays cancelled otherwise.
        """
        ...

    async def release(self, ids: Sequence[DeliveryId]) -> None:
        """Give deliveries back as they are: they can be taken again at once."""
        ...

    async def expire(self, ids: Sequence[DeliveryId], now: Timestamp) -> Sequence[Ended]:
        """End as expired what is in hand and was not started; it leaves the caller's hands.

        Returns those that were pending still.
        """
        ...

    async def expire_parked(
        self, before: Mapping[LaneKey, Timestamp], limit: int, now: Timestamp
    ) -> Sequence[Ended]:
        """End as expired, of at most ``limit``, what waits for these lanes and was created before.

        Nothing that is in anybody's hands. Fewer than ``limit``: there are no more.
        """
        ...

    async def wait(self, until: Timestamp) -> None:
        """Return when there may be something to take that this process was not handed, or at ``until``."""
        ...

    async def body(self, namespace: Namespace, event_id: EventId) -> bytes | None:
        """The bytes of an event that were too large to wait in memory."""
        ...


# ------------------------------------------------------------------------------------- catalogue


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredResource:
    """A resource as the store keeps it, its Secrets' values decrypted in memory only."""

    key: ResourceKey
    owner: str
    fingerprint: str
    document: Mapping[str, Any]
    secrets: Mapping[str, Mapping[str, bytes]] = field(repr=False)
    """Values by Secret (or ConfigMap, as ``configmap/NAME``) and key."""
    revision: int
    created_at: Timestamp
    gone_at: Timestamp | None = None
    resumed_at: Timestamp = 0.0
    deleted_at: Timestamp | None = None
    suspended_at: Timestamp | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceDraft:
    """A resource to be put."""

    key: ResourceKey
    owner: str
    fingerprint: str
    document: Mapping[str, Any]
    secrets: Mapping[str, Mapping[str, bytes]] = field(default_factory=dict, repr=False)
    suspended: bool = False
    clears_gone: bool = False
    """The endpoint was edited: a hold ``Gone`` ends, its deliveries' age starts anew."""
    fills_gap: bool = False
    """What was missing (a Secret, an endpoint that may be reached) is there: likewise."""


@dataclass(frozen=True, slots=True)
class Changes:
    """Everything that changed since a revision; deleted resources come once more, marked."""

    revision: int
    resources: tuple[StoredResource, ...]
    removed: tuple[ResourceKey, ...] = ()
    """Keys whose last trace is gone (the grace after a delete is over)."""


class CatalogueStore(Protocol):
    """Resources with their owner, revisioned; Secrets encrypted at rest."""

    async def put(self, draft: ResourceDraft, now: Timestamp) -> int:
        """Store it and return the new revision. A deleted subscription of that name is taken up again.

        Keeps ``created_at``; sets ``suspended_at`` while suspended and ``resumed_at`` when that ends.
        Raises OwnedByAnother.
        """
        ...

    async def delete(self, key: ResourceKey, owner: str, now: Timestamp) -> int:
        """Delete it: subscriptions keep a trace for the grace. Unknown keys change nothing."""
        ...

    async def resume(self, key: ResourceKey, now: Timestamp) -> int:
        """End a hold ``Gone`` and start the age of the deliveries anew."""
        ...

    async def changes(self, since: int) -> Changes: ...


# --------------------------------------------------------------------------------------- history


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


# --------------------------------------------------------------------------------- replays, upkeep


@dataclass(frozen=True, slots=True, kw_only=True)
class NewReplay:
    """A new delivery of a stored event."""

    id: DeliveryId
    namespace: Namespace
    event_id: EventId
    target: Target
    lane: LaneKey
    kind: Kind
    created_at: Timestamp
    due: Timestamp
    """For Kind.DIRECT the moment at which the dispatcher takes it up should its sender have died."""
    parked: bool = False
    replay_of: DeliveryId | None = None


class Replays(Protocol):
    """New deliveries of stored events."""

    async def add(self, replay: NewReplay) -> Delivery | None:
        """Store it; None when the namespace has no such event."""
        ...


@dataclass(frozen=True, slots=True)
class Advanced:
    """What a step of a replay has done."""

    deliveries: tuple[Delivery, ...]
    """Made now, to be handed to the dispatcher (bodies included)."""
    blocked: LaneKey | None = None
    """The full lane before whose next delivery the step ended."""
    pass_over: bool = False
    """The selection was walked through; what was for closed lanes comes in another pass."""
    done: bool = False
    """Nothing more is made: everything was, or it does not run."""


@dataclass(frozen=True, slots=True)
class Cancelled:
    """A delivery that was pending and is cancelled now."""

    id: DeliveryId
    subscription: str | None


class BulkReplays(Protocol):
    """Replays of many deliveries, and cancelling many. Every step is short, whatever the store holds.

    A selection is frozen: only what had arrived when it was made, by the order of arrival and not by
    a clock. Pruning removes nothing that an unfinished replay may still select.
    """

    async def save_replay(self, plan: ReplayPlan, once: Once | None = None) -> Replay | MadeBefore:
        """Store it, with an exact count of what it selects; the one that has this id already, unchanged."""
        ...

    async def count_matching(
        self,
        namespace: Namespace,
        wanted: ReplayFilter,
        *,
        replayable: bool,
        to_subscription: str | None,
        now: Timestamp,
    ) -> int:
        """How many deliveries a filter selects now; ``replayable``: without those that replays made."""
        ...

    async def advance_replay(
        self, namespace: Namespace, id_: ReplayId, step: Step, now: Timestamp
    ) -> Advanced:
        """Make the next deliveries and move on, in one transaction; at most one for each event and target.

        Nothing happens to a replay that is not running or has made everything.
        """
        ...

    async def change_replay(
        self, namespace: Namespace, id_: ReplayId, state: ReplayState
    ) -> Replay | None:
        """Run, pause or cancel it; one that is over stays as it is. None: there is none."""
        ...

    async def cancel_replay_rest(
        self, namespace: Namespace, id_: ReplayId, limit: int, now: Timestamp
    ) -> Sequence[Cancelled]:
        """Cancel at most ``limit`` of its pending deliveries."""
        ...

    def cancel_matching(
        self, namespace: Namespace, wanted: ReplayFilter, now: Timestamp
    ) -> AsyncIterator[Sequence[Cancelled]]:
        """Cancel, chunk by chunk, the pending deliveries that a filter selects, also those of replays."""
        ...

    async def replay(self, namespace: Namespace, id_: ReplayId) -> Replay | None: ...

    async def replays(
        self, namespace: Namespace, *, limit: int, cursor: str | None = None
    ) -> Page[Replay]: ...

    async def unfinished_replays(self) -> Sequence[Replay]:
        """Of all namespaces: those that go on, and those of which something is pending."""
        ...


@dataclass(frozen=True, slots=True)
class Statistics:
    """Figures for gauges, from the store."""

    pending: Mapping[tuple[Namespace, str], int]
    """By namespace and subscription ("" for runs' own targets); held ones included."""
    oldest_due: Timestamp | None
    """The due time of the oldest pending delivery that waits for time."""
    size_bytes: int


class Upkeep(Protocol):
    """What keeps a store small."""

    async def prune(self, before: Timestamp, limit: int) -> int:
        """Remove at most ``limit`` events all of whose deliveries ended before; returns how many.

        A run goes with its last event. One with a URL of its own that had no final event stays until
        a year after the last word of it: its end is still to be told.
        """
        ...

    async def cancel_deleted(
        self, deleted_before: Timestamp, limit: int, now: Timestamp
    ) -> Mapping[tuple[Namespace, str], int]:
        """Cancel at most ``limit`` deliveries of subscriptions deleted before; then remove their trace.

        Returns how many of which subscription.
        """
        ...

    async def statistics(self) -> Statistics: ...

    async def writable(self) -> bool:
        """Whether a write would be stored now (readiness asks)."""
        ...


class HealthStore(Protocol):
    """What the attempts of subscriptions said, by namespace and subscription."""

    async def load_health(self) -> Mapping[tuple[Namespace, str], Health]: ...

    async def save_health(
        self,
        changed: Mapping[tuple[Namespace, str], Health],
        gone: Collection[tuple[Namespace, str]] = (),
    ) -> None:
        """Replace those that changed and forget those that are gone. Raises StoreUnavailable."""
        ...


# ---------------------------------------------------------------------------------------- egress


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipment:
    """One POST to be made: complete, so that the sender decides nothing but the network's part."""

    namespace: Namespace
    lane: LaneKey
    url: str = field(repr=False)
    secret_url: bool = False
    """Came from a Secret: the attempt shows its scheme and host alone."""
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    secret_headers: frozenset[str] = frozenset()
    timeout: float = 30.0
    tls: Tls = PLAIN_TLS
    scheme: SigningScheme
    keys: tuple[bytes, ...] = field(repr=False)
    body: bytes = field(repr=False)
    event_id: EventId
    delivery_id: DeliveryId
    number: int
    replay: bool = False
    test: bool = False


class Sender(Protocol):
    """Makes attempts. A failed attempt is a value, never an exception."""

    async def send(self, shipment: Shipment) -> Attempt: ...

    async def forget(self, lane: LaneKey) -> None:
        """Close the connections of a lane that is idle or whose endpoint changed."""
        ...
