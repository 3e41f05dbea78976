"""
What is owed to whom, and what became of it: the words of deliveries and attempts.

A delivery is one event owed to one target. Its stored states are four; ``held`` is only shown.
Everything here is a frozen value; the dispatcher makes successors and the store writes them.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import NewType

from hookgate.deliveries import Outcome
from hookgate_gateway.rules.values import busy_value

EventId = NewType("EventId", str)
DeliveryId = NewType("DeliveryId", str)
RunId = NewType("RunId", str)
AskingId = NewType("AskingId", str)
"""Of a run that an upstream is asked for, until it has named it."""
Namespace = NewType("Namespace", str)

LaneKey = NewType("LaneKey", str)
"""``s/NAMESPACE/SUBSCRIPTION`` or ``r/NAMESPACE/ORIGIN`` (a run's own target)."""

Timestamp = float
"""Unix seconds, UTC, as the wall clock gives them."""


class Ending(StrEnum):
    """Why a delivery ended without success, or was cancelled: shown as ``reason``."""

    ATTEMPTS_USED_UP = "attempts_used_up"
    GONE = "gone"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"  # a final event of the same run came before this interim one was sent
    REQUESTED = "requested"  # somebody cancelled it
    SUBSCRIPTION_DELETED = "subscription_deleted"


class HoldReason(StrEnum):
    """Why a subscription's deliveries wait although they are due."""

    SUSPENDED = "Suspended"
    GONE = "Gone"
    UNRESOLVED = "Unresolved"
    ENDPOINT_FORBIDDEN = "EndpointForbidden"
    DELETED = "Deleted"


@dataclass(frozen=True, slots=True)
class Hold:
    """A subscription's hold: the reason, since when, and a sentence for people."""

    reason: HoldReason
    since: Timestamp
    message: str = ""


class Kind(StrEnum):
    """How a delivery came to be, which decides its schedule."""

    EVENT = "event"  # matched when the event was accepted
    REPLAY = "replay"  # a replay on the normal schedule
    DIRECT = "direct"  # a synchronous replay: one attempt, sent by whoever asked for it


@dataclass(frozen=True, slots=True)
class KeyRef:
    """Which API-key Secret, and which of its values, signs a delivery to a run's own target."""

    secret: str
    fingerprint: str
    """The first 16 hex digits of the SHA-256 of the key; never the key."""


@busy_value
class Target:
    """Where a delivery goes: a subscription of its namespace by name, or a URL signed with a key."""

    subscription: str | None = None
    url: str | None = None
    key: KeyRef | None = None


@busy_value
class Delivery:
    """A pending delivery as the dispatcher holds it in memory."""

    id: DeliveryId
    namespace: Namespace
    event_id: EventId
    run_id: RunId
    target: Target
    lane: LaneKey
    kind: Kind
    attempts: int
    """Attempts recorded so far; the next one is ``attempts + 1``."""
    due: Timestamp
    accepted_at: Timestamp
    """When this delivery was created; its age is counted from here or from the last resume."""
    body: bytes | None
    """The event's bytes, or None when they are too large to wait in memory (read again at send)."""
    body_size: int


@busy_value
class Attempt:
    """One HTTP POST of a delivery and what came of it. Never holds a secret."""

    outcome: Outcome
    started_at: Timestamp
    duration: float
    """Seconds, from the first look-up to the verdict."""
    status: int | None = None
    retry_after: float | None = None
    """Seconds the receiver asked us to wait (429 and 503 only), from Retry-After in either form."""
    url: str = ""
    """The URL posted to: without user info, its query replaced by ``?…``; of one that came from a
    Secret only scheme and host."""
    request_headers: tuple[tuple[str, str], ...] = ()
    """What was sent; values that came from Secrets and signatures are ``***``."""
    response_headers: tuple[tuple[str, str], ...] = ()
    response_body: bytes = b""
    """The first 2 KiB of the answer."""
    error: str | None = None
    """One sentence for people; never an address that a name resolved to, never a secret."""
