"""The cluster as the operator sees it: objects, values of Secrets, statuses and Events."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal, Protocol

__all__ = [
    "Announcement",
    "Cluster",
    "Found",
    "Key",
    "Kind",
    "NotFound",
    "NotReadable",
    "Observed",
    "Values",
]


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
