"""
The two outside worlds as the operator sees them: the cluster and the gateway, with what they promise.

Nothing here knows kopf, a Kubernetes client or HTTP. What can be expected to go wrong is either a value
(an object that is not there is ``None``) or one error of the small tree below:

    OutsideError                 try again later; the work queue backs off
    ├── ClusterError             the API server: away, too busy, or it says no
    │   ├── Forbidden            RBAC lacks a rule; the message names verb and resource
    │   ├── Throttled            429; ``retry_after`` seconds
    │   └── Unavailable          no answer, or 5xx
    └── GatewayError             the gateway's control API
        ├── GatewayUnavailable   no answer, 5xx, 429 or a refused token; ``retry_after`` seconds where it said so
        ├── GatewayRefused       400, 413, 422: what was declared is not acceptable; its sentences
        ├── OwnedByAnother       409: somebody else declared a resource of that name
        └── ReplayDiffers        409: a replay of that uid exists and asks for something else
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal, Protocol

__all__ = [
    "LONGEST_PATIENCE",
    "Announcement",
    "BreakerWord",
    "Cluster",
    "ClusterError",
    "Declaration",
    "EndpointStanding",
    "Forbidden",
    "Found",
    "Gateway",
    "GatewayAwaited",
    "GatewayError",
    "GatewayRefused",
    "GatewayUnavailable",
    "HealthChanges",
    "HealthReading",
    "HealthWord",
    "Held",
    "HeldKind",
    "Key",
    "KeyStanding",
    "Kind",
    "LastFailure",
    "NotFound",
    "NotReadable",
    "Observed",
    "OutsideError",
    "OwnedByAnother",
    "ReplayDiffers",
    "ReplayOrder",
    "ReplayProgress",
    "ReplayWord",
    "Standing",
    "Throttled",
    "Unavailable",
    "Values",
]


LONGEST_PATIENCE = 60.0
"""Seconds, at most, that anybody outside is left alone for because he asks: beyond that it is a proxy's idea,
and nothing may be out of sight for an hour."""


class OutsideError(Exception):
    """One of the outside worlds could not do what was asked. Never holds a Secret's value."""

    retry_after: float | None = None
    """Seconds that it asked to be left alone for, ``LONGEST_PATIENCE`` at most."""


class ClusterError(OutsideError):
    """The API server could not do what was asked."""


class Forbidden(ClusterError):
    """The operator's ServiceAccount may not do this; the message names verb, resource and namespace."""


class Throttled(ClusterError):
    """The API server asks for patience (429)."""

    def __init__(self, message: str, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Unavailable(ClusterError):
    """No answer, or one that says the API server is in trouble."""


class GatewayError(OutsideError):
    """The gateway could not or would not do what was asked."""


class GatewayUnavailable(GatewayError):
    """No answer, or one that says to come back later."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class GatewayAwaited(GatewayUnavailable):
    """No answer yet, so soon that the gateway may be starting as the operator is: nothing to warn of."""


class GatewayRefused(GatewayError):
    """What was declared is not acceptable; ``problems`` are sentences without values."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


class OwnedByAnother(GatewayError):
    """Somebody else declared a resource of that name; the message says who."""


class ReplayDiffers(GatewayError):
    """A replay of that uid exists and asks for something else."""


# --------------------------------------------------------------------------------- the cluster


class Kind(StrEnum):
    """What the operator looks at."""

    SUBSCRIPTION = "WebhookSubscription"
    REPLAY = "WebhookReplay"
    KEY_SECRET = "Secret"  # noqa: S105  # a kind of object
    """A Secret labelled as an API key or a source."""


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """An object's place in the cluster: the unit of work."""

    kind: Kind
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """An object as the API server told it."""

    key: Key
    uid: str
    generation: int
    """0 for kinds without one (Secrets)."""
    resource_version: str
    """Opaque."""
    document: Mapping[str, Any] = field(repr=False)
    """The object as Kubernetes has it, ``metadata``, ``spec`` and ``status`` included."""


@dataclass(frozen=True, slots=True)
class Found:
    """The values of a Secret or ConfigMap by their keys, base64 undone."""

    values: Mapping[str, bytes] = field(repr=False)


@dataclass(frozen=True, slots=True)
class NotFound:
    """There is no such Secret or ConfigMap."""


@dataclass(frozen=True, slots=True)
class NotReadable:
    """RBAC does not let the operator read it."""


Values = Found | NotFound | NotReadable


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """A Kubernetes Event about an object: said once for each transition."""

    type: Literal["Normal", "Warning"]
    reason: str
    """UpperCamelCase, of the closed set in docs/reference/conditions.md."""
    message: str
    """At most 1,024 characters; never a Secret's value nor a receiver's words."""


class Cluster(Protocol):
    """The Kubernetes API server. Every method may raise ClusterError."""

    async def find(self, key: Key) -> Observed | None:
        """The object as it is now (a GET, never a cache), or None."""
        ...

    async def every(self, kind: Kind) -> Sequence[Observed]:
        """All objects of a kind in the namespaces that are watched, page by page from the API server."""
        ...

    async def values(self, namespace: str, names: Collection[str]) -> Mapping[str, Values]:
        """The values of Secrets and, named ``configmap/NAME``, of ConfigMaps.

        What is watched comes from the watch; the rest is at most a minute old and read once for
        however many ask.
        """
        ...

    async def write_status(self, observed: Observed, status: Mapping[str, Any]) -> bool:
        """Make ``status`` the object's whole status. False when it is gone or another one (uid) stands there."""
        ...

    async def delete(self, observed: Observed) -> None:
        """Delete that very object (uid); nothing when it is gone."""
        ...

    async def announce(self, observed: Observed, announcement: Announcement) -> None:
        """Record an Event about the object. One that cannot be recorded is logged, never raised."""
        ...


# --------------------------------------------------------------------------------- the gateway


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
