"""
What keeps a store small, and what it tells about itself.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

from hookgate_gateway.rules.delivery import (
    Namespace,
    Timestamp,
)
from hookgate_gateway.rules.health import Health

__all__ = ["HealthStore", "Statistics", "Upkeep"]


@dataclass(frozen=True, slots=True)
class Statistics:
    """Figures for gauges, from the store."""

    pending: Mapping[tuple[Namespace, str], int]
    """By namespace and subscription ("" for runs' own targets); held ones included."""
    oldest_due: Timestamp | None
    """The due time of the oldest pending delivery that waits for time."""
    size_bytes: int
    """What the store takes on its disk, with what waits there to be put in its place."""
    reusable_bytes: int
    """The part of it that is free for new rows: a file that was pruned does not get smaller."""
    available_bytes: int | None
    """What its file system still has for it; None where the store cannot know."""


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
