"""
Deliveries that are owed: taken when due, recorded once attempted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from hookgate_gateway.rules.delivery import (
    Attempt,
    Delivery,
    DeliveryId,
    EventId,
    LaneKey,
    Namespace,
    Timestamp,
)
from hookgate_gateway.rules.retry import Verdict
from hookgate_gateway.rules.values import busy_value

__all__ = ["Backlog", "Ended", "Ownership", "Recorded", "Recording", "Taken"]


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


@busy_value
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
