"""The gateway as the operator sees it: what it is told, how that stands, and the replays that it is ordered."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal, Protocol

__all__ = [
    "BreakerWord",
    "Declaration",
    "EndpointStanding",
    "Gateway",
    "HealthChanges",
    "HealthReading",
    "HealthWord",
    "Held",
    "HeldKind",
    "KeyStanding",
    "LastFailure",
    "ReplayOrder",
    "ReplayProgress",
    "ReplayWord",
    "Standing",
]


class HeldKind(StrEnum):
    """What the gateway holds, in the words of its paths."""

    SUBSCRIPTION = "subscriptions"
    API_KEY = "api-keys"
    SOURCE = "sources"


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """What is put: the object without ``status``, and the values that it names."""

    kind: HeldKind
    namespace: str
    name: str
    """For a source that of its label, else the object's."""
    fingerprint: str
    resource: Mapping[str, Any] = field(repr=False)
    secrets: Mapping[str, Mapping[str, bytes]] = field(repr=False)
    """By the name of their Secret (or ``configmap/NAME``), then by key."""


@dataclass(frozen=True, slots=True)
class Held:
    """A resource that the gateway holds, as its lists tell."""

    kind: HeldKind
    namespace: str
    name: str
    owner: str
    fingerprint: str


BreakerWord = Literal["closed", "half_open", "open"]
HealthWord = Literal["unknown", "healthy", "failing"]
ReplayWord = Literal["running", "paused", "completed", "cancelled"]


@dataclass(frozen=True, slots=True)
class LastFailure:
    """When an attempt last failed, and how; never with a receiver's words."""

    at: str
    """RFC 3339, UTC."""
    outcome: str
    status_code: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthReading:
    """How a subscription's deliveries fare, from its attempts."""

    hold: str | None = None
    """Why its deliveries are held: Suspended, Gone, Unresolved, EndpointForbidden."""
    hold_message: str | None = None
    state: HealthWord = "unknown"
    last_success_at: str | None = None
    """RFC 3339, UTC."""
    last_failure: LastFailure | None = None
    consecutive_failures: int = 0
    breaker: BreakerWord = "closed"


@dataclass(frozen=True, slots=True)
class KeyStanding:
    """A key that signs, or a value of an API key or source; the fingerprint is None where it is missing."""

    secret: str
    key: str
    fingerprint: str | None


@dataclass(frozen=True, slots=True)
class EndpointStanding:
    """Whether the gateway's egress rules let the endpoint be reached; None while that is unknown."""

    allowed: bool | None
    message: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a resource stands with the gateway after it was put."""

    fingerprint: str
    resolved: bool
    reasons: tuple[str, ...] = ()
    """A sentence for each thing that is missing or cannot be used."""
    keys: tuple[KeyStanding, ...] = ()
    endpoint: EndpointStanding = EndpointStanding(None)
    health: HealthReading = HealthReading()


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthChanges:
    """What changed since a token; everything there is when ``full`` (the gateway was restarted, or we were)."""

    token: str
    full: bool
    readings: Mapping[tuple[str, str], HealthReading]
    """By (namespace, name)."""
    removed: Collection[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayOrder:
    """A bulk replay as it is put: contract.md §5's filter in its own spelling."""

    namespace: str
    uid: str
    """What it is put under: the same one once more is the same replay."""
    filter: Mapping[str, Any]
    rate_per_second: float | None = None
    to_subscription: str | None = None
    paused: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayProgress:
    """How a replay stands with the gateway."""

    uid: str
    state: ReplayWord
    matched: int
    sent: int
    delivered: int
    failed: int
    skipped: int
    remaining: int


class Gateway(Protocol):
    """The gateway's control API, for one owner. Every method may raise GatewayError.

    Lists and health speak of the namespaces that are looked after, and of no others: the gateway may have
    more, from a folder of manifests or from another operator.
    """

    async def put(self, declaration: Declaration) -> Standing:
        """Declare a resource. The same once more changes nothing."""
        ...

    async def remove(self, kind: HeldKind, namespace: str, name: str) -> None:
        """Take a resource of ours away; nothing when it is not there."""
        ...

    async def held(self) -> Sequence[Held]:
        """Every resource of our owner, over all those namespaces and pages."""
        ...

    async def health(self, token: str | None) -> HealthChanges:
        """Wait for changes of deliveries' health (up to half a minute), or tell everything without a token."""
        ...

    async def put_replay(self, order: ReplayOrder) -> ReplayProgress:
        """Begin a replay, or pause and resume the one that was begun. Idempotent by its uid."""
        ...

    async def estimate(self, order: ReplayOrder) -> int:
        """How many deliveries the replay would make; nothing is stored."""
        ...

    async def replay(self, namespace: str, uid: str) -> ReplayProgress | None: ...

    async def cancel_replay(self, namespace: str, uid: str) -> None:
        """Cancel what is not over; nothing when it is not there."""
        ...

    async def replays(self) -> Sequence[tuple[str, str]]:
        """(namespace, uid) of our unfinished replays, over all those namespaces."""
        ...
