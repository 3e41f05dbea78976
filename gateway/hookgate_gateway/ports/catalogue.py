"""
Declared resources, kept over restarts.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from hookgate_gateway.contract import ResourceKey
from hookgate_gateway.rules.delivery import (
    Timestamp,
)

__all__ = ["CatalogueStore", "Changes", "ResourceDraft", "StoredResource"]


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
