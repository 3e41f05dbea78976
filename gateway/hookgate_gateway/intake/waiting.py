"""
Events that wait for their commit: bounded in bytes, taken in batches, in order of arrival.

A plain data structure: nothing here waits, stores or answers.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass

from hookgate_gateway.ports import Accepted, Duplicate
from hookgate_gateway.rules.delivery import DeliveryId, EventId, Namespace, Timestamp
from hookgate_gateway.rules.report import Report

__all__ = ["IntakeLimits", "Queue", "Waiting"]

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakeLimits:
    """What the intake may hold at once, and how patient it is."""

    total_bytes: int = 128 * MIB
    """Everything that waits or is being committed; beyond it, callers are told to come again.
    One namespace may hold half of it."""
    batch_bytes: int = 8 * MIB
    """Bodies in one commit; a single larger body goes alone."""
    batch_events: int = 1000
    """Events in one commit."""
    event_overhead: int = 2048
    """Bytes that an event costs beside its body: what bounds a flood of tiny ones."""
    stale_wait: float = 5.0
    """Seconds to wait for a catalogue that the store has and this process has not seen yet."""
    stale_tries: int = 3
    """How often an event may be matched again before its caller is told to come again."""


@dataclass(slots=True, eq=False, kw_only=True)
class Waiting:
    """An event on its way into the store, and the caller who waits for the answer."""

    event_id: EventId
    run_delivery: DeliveryId
    namespace: Namespace
    report: Report
    body: bytes
    body_sha256: bytes
    received_at: Timestamp
    origin: str
    answer: asyncio.Future[Accepted | Duplicate]
    """Cancelled when the caller went away; the event is stored nevertheless."""
    unless_ended: bool = False
    """Only while its run has no final event."""
    charge: int = 0
    """Bytes it is counted with; 0 before it came and after it left."""
    stale: int = 0
    """How often the store found its matching out of date."""


class Queue:
    """First in, first out; what is in a batch still counts until it leaves."""

    def __init__(self, limits: IntakeLimits) -> None:
        self._limits = limits
        self._waiting: deque[Waiting] = deque()
        self._bytes = 0
        self._bytes_of: Counter[Namespace] = Counter()

    def __len__(self) -> int:
        """How many wait for a batch."""
        return len(self._waiting)

    @property
    def held_bytes(self) -> int:
        """Bytes of everything that came and has not left."""
        return self._bytes

    def has_room(self, namespace: Namespace, body_size: int) -> bool:
        """Whether a body may still come. The only one of its namespace may be larger than its half."""
        total, charge = self._limits.total_bytes, body_size + self._limits.event_overhead
        held = self._bytes_of.get(namespace, 0)
        return self._bytes + charge <= total and (not held or (held + charge) * 2 <= total)

    def put(self, waiting: Waiting) -> None:
        waiting.charge = len(waiting.body) + self._limits.event_overhead
        self._bytes += waiting.charge
        self._bytes_of[waiting.namespace] += waiting.charge
        self._waiting.append(waiting)

    def take_batch(self) -> list[Waiting]:
        """The oldest ones, as many as one commit may have; never none while any wait."""
        batch: list[Waiting] = []
        size = 0
        while self._waiting and len(batch) < self._limits.batch_events:
            size += len(self._waiting[0].body)
            if batch and size > self._limits.batch_bytes:
                break
            batch.append(self._waiting.popleft())
        return batch

    def take_all(self) -> list[Waiting]:
        """Everything that waits, whatever its size."""
        everything = list(self._waiting)
        self._waiting.clear()
        return everything

    def give_back(self, batch: Sequence[Waiting]) -> None:
        """Put a batch, or what is left of one, back to the front."""
        self._waiting.extendleft(reversed(batch))

    def leave(self, waiting: Waiting) -> None:
        """Count it no more. Leaving twice is leaving once."""
        self._bytes -= waiting.charge
        left = self._bytes_of[waiting.namespace] - waiting.charge
        if left:
            self._bytes_of[waiting.namespace] = left
        else:
            del self._bytes_of[waiting.namespace]
        waiting.charge = 0
