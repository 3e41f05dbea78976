"""
Deliveries on their way back to the store: parked (they wait for their lane) or released.
"""

import asyncio
from collections.abc import Callable

from hookgate_gateway.observe import Observer
from hookgate_gateway.ports import Backlog, StoreUnavailable
from hookgate_gateway.rules.delivery import Delivery, DeliveryId, LaneKey

_BATCH = 512
_BACKOFF = 1.0
_PLENTY = 2048
"""So many on their way back, and no more are taken."""


class Returns:
    """Gives deliveries back, in batches."""

    def __init__(self, backlog: Backlog, observer: Observer) -> None:
        self._backlog = backlog
        self._observer = observer
        self.parked: Callable[[set[LaneKey]], None] = lambda _: None
        """Called with the lanes for which something was parked just now."""
        self._parking: dict[DeliveryId, LaneKey] = {}
        self._releasing: list[DeliveryId] = []
        self._some = asyncio.Event()
        self._few = asyncio.Event()
        self._few.set()

    @property
    def pending(self) -> int:
        return len(self._parking) + len(self._releasing)

    def park(self, delivery: Delivery) -> None:
        self._parking[delivery.id] = delivery.lane
        self._changed()

    def release(self, *ids: DeliveryId) -> None:
        self._releasing.extend(ids)
        self._changed()

    async def few(self) -> None:
        """Wait until only few are on their way."""
        await self._few.wait()

    async def give_forever(self) -> None:
        """Give back what comes, until cancelled."""
        while True:
            await self._some.wait()
            try:
                await self._give()
            except StoreUnavailable as error:
                self._observer.warning("returns_wait_for_store", error=str(error))
                await asyncio.sleep(_BACKOFF)

    async def _give(self) -> None:
        if self._parking:
            ids = list(self._parking)[:_BATCH]
            await self._backlog.park(ids)
            self.parked({self._parking.pop(id_) for id_ in ids})
        if self._releasing:
            releasing = self._releasing[:_BATCH]
            await self._backlog.release(releasing)
            del self._releasing[: len(releasing)]
        self._changed()

    def _changed(self) -> None:
        if self.pending:
            self._some.set()
        else:
            self._some.clear()
        if self.pending < _PLENTY:
            self._few.set()
        else:
            self._few.clear()
