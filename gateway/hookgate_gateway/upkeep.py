"""
What keeps a gateway small and its gauges true: pruning, deletes whose grace is over, figures.

It decides nothing about deliveries; the store's promises (``ports.Upkeep``) say what may go.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from hookgate_gateway.catalogue.snapshot import Snapshot
from hookgate_gateway.observe import Observer
from hookgate_gateway.ports import StoreError, Upkeep
from hookgate_gateway.rules.delivery import Namespace
from hookgate_process.clock import Clock, PatientWall

__all__ = ["Housekeeper", "UpkeepPolicy"]


@dataclass(frozen=True, slots=True, kw_only=True)
class UpkeepPolicy:
    """How long things stay, and how often one looks; all in seconds."""

    retention: float
    """An event stays this long after its last delivery ended."""
    delete_grace: float
    """Deliveries of a deleted subscription are held this long before they are cancelled."""
    measure_every: float = 5.0
    tidy_every: float = 30.0
    chunk: int = 500
    """Rows a transaction: a large one would keep the events waiting that come in meanwhile."""
    pause: float = 0.05
    """Between two chunks."""


class Quota(Protocol):
    """Whoever has to know how much is pending; see :class:`hookgate_gateway.intake.quota.BacklogQuota`."""

    def counting(self) -> None:
        """The store is about to count."""
        ...

    def counted(self, pending: Mapping[tuple[Namespace, str], int]) -> None:
        """It has counted."""
        ...


class Housekeeper:
    """Measures and tidies until cancelled. A store that cannot now is asked again later.

    ``quota`` is told the pending deliveries whenever they were counted.
    """

    def __init__(
        self,
        store: Upkeep,
        observer: Observer,
        clock: Clock,
        snapshot: Callable[[], Snapshot],
        policy: UpkeepPolicy,
        *,
        quota: Quota | None = None,
    ) -> None:
        self._store = store
        self._observer = observer
        self._clock = clock
        self._snapshot = snapshot
        self._policy = policy
        self._patient = PatientWall(clock, policy.delete_grace)
        self._quota = quota
        self._pending: Mapping[tuple[Namespace, str], int] | None = None

    def pending(self, name: tuple[Namespace, str]) -> int | None:
        """How many deliveries a subscription was owed when last measured; None before the first time."""
        return None if self._pending is None else self._pending.get(name, 0)

    async def run(self) -> None:
        """Never returns."""
        await asyncio.gather(
            self._repeat(self.measure, self._policy.measure_every),
            self._repeat(self.tidy, self._policy.tidy_every),
        )

    async def measure(self) -> None:
        """Set the gauges that come from the store and the catalogue; begin and end series with the latter."""
        if self._quota is not None:
            self._quota.counting()
        figures = await self._store.statistics()
        self._pending = figures.pending
        if self._quota is not None:
            self._quota.counted(figures.pending)
        snapshot = self._snapshot()
        subscriptions = snapshot.subscriptions
        self._observer.declared(
            namespaces={ns for ns, _ in (*subscriptions, *snapshot.api_keys, *snapshot.sources)},
            subscriptions=subscriptions,
            sources=snapshot.sources,
        )
        self._observer.store_stands(
            size=figures.size_bytes,
            reusable=figures.reusable_bytes,
            available=figures.available_bytes,
        )
        self._observer.stands(
            pending=dict.fromkeys(subscriptions, 0) | dict(figures.pending),
            holds={key: s.hold.reason.value for key, s in subscriptions.items() if s.hold},
            oldest_due_age=max(0.0, self._clock.now() - figures.oldest_due)
            if figures.oldest_due is not None
            else 0.0,
        )

    async def tidy(self) -> None:
        """Remove what has been kept long enough, chunk by chunk."""
        now = self._clock.now()
        policy = self._policy
        over = self._patient.now() - policy.delete_grace
        pruned = await self._in_chunks(
            lambda: self._store.prune(now - policy.retention, policy.chunk)
        )
        cancelled = await self._in_chunks(lambda: self._cancel_deleted(over, now))
        if pruned or cancelled:
            self._observer.event("store_tidied", events_removed=pruned, cancelled=cancelled)

    async def _cancel_deleted(self, over: float, now: float) -> int:
        cancelled = await self._store.cancel_deleted(over, self._policy.chunk, now)
        for (namespace, name), count in cancelled.items():
            self._observer.ended(namespace, name, "cancelled", count)
        return sum(cancelled.values())

    async def _in_chunks(self, chunk: Callable[[], Awaitable[int]]) -> int:
        total = 0
        while done := await chunk():
            total += done
            if done < self._policy.chunk:
                break
            await asyncio.sleep(self._policy.pause)
        return total

    async def _repeat(self, work: Callable[[], Awaitable[None]], every: float) -> None:
        while True:
            try:
                await work()
            except StoreError as error:
                self._observer.warning("upkeep_postponed", error=str(error))
            await asyncio.sleep(every)
