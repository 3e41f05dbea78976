"""
How deliveries of each subscription fare, gathered from the attempts that are on disk.

Kept in memory, read from the store at the start, and written back every few seconds and at the end: a
crash loses the last seconds of it, never an attempt. Decides nothing about deliveries.
"""

import asyncio
from collections.abc import Callable, Collection
from types import TracebackType
from typing import Self

from hookgate_gateway.catalogue.snapshot import Snapshot
from hookgate_gateway.dispatch.plan import Catalogue
from hookgate_gateway.observe import Observer
from hookgate_gateway.ports import HealthStore, StoreUnavailable
from hookgate_gateway.rules.delivery import Attempt, Delivery, Namespace
from hookgate_gateway.rules.health import UNTRIED, Health

__all__ = ["DeliveryHealth", "Name"]

Name = tuple[Namespace, str]
"""A subscription's namespace and name."""

_SAVE_EVERY = 5.0


class DeliveryHealth:
    """``async with`` reads it and, when everything else has ended, writes it.

    It hears of attempts by ``observer.attempt_recorded``, of subscriptions by the catalogue.
    """

    def __init__(self, store: HealthStore, catalogue: Catalogue, observer: Observer) -> None:
        self._store = store
        self._catalogue = catalogue
        self._observer = observer
        self._health: dict[Name, Health] = {}
        self._unsaved: set[Name] = set()
        self._listeners: list[Callable[[Collection[Name]], None]] = []

    async def __aenter__(self) -> Self:
        known = self._catalogue.snapshot.subscriptions
        loaded = await self._store.load_health()
        self._health = {name: health for name, health in loaded.items() if name in known}
        self._unsaved = loaded.keys() - known.keys()
        self._catalogue.listen(self._changed)
        self._observer.attempt_recorded = self.attempted
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._save_or_postpone()

    def of(self, name: Name) -> Health:
        """What is known of a subscription."""
        return self._health.get(name, UNTRIED)

    def listen(self, listener: Callable[[Collection[Name]], None]) -> None:
        """Call ``listener`` with subscriptions whose attempts, declaration or hold changed."""
        self._listeners.append(listener)

    def attempted(self, delivery: Delivery, attempt: Attempt) -> None:
        """An attempt is on disk."""
        subscription = delivery.target.subscription
        if subscription is None:
            return
        name = (delivery.namespace, subscription)
        if name in self._catalogue.snapshot.subscriptions:
            self._health[name] = self._health.get(name, UNTRIED).after(attempt)
            self._unsaved.add(name)
            self._tell((name,))

    async def save_forever(self) -> None:
        """Write what changed every few seconds, until cancelled."""
        while True:
            await asyncio.sleep(_SAVE_EVERY)
            await self._save_or_postpone()

    async def save(self) -> None:
        """Write what changed. Raises StoreUnavailable, and then it is written next time."""
        names, self._unsaved = self._unsaved, set()
        if not names:
            return
        changed = {name: self._health[name] for name in names if name in self._health}
        try:
            await self._store.save_health(changed, names - changed.keys())
        except BaseException:
            self._unsaved |= names
            raise

    async def _save_or_postpone(self) -> None:
        try:
            await self.save()
        except StoreUnavailable as error:
            self._observer.warning(
                "health_not_saved", count=len(self._unsaved), error=str(error)
            )  # fmt: skip

    def _changed(self, old: Snapshot, new: Snapshot) -> None:
        before, after = old.subscriptions, new.subscriptions
        changed = [n for n in before.keys() | after.keys() if before.get(n) is not after.get(n)]
        for name in changed:
            if name not in after and self._health.pop(name, None) is not None:
                self._unsaved.add(name)
        if changed:
            self._tell(changed)

    def _tell(self, names: Collection[Name]) -> None:
        for listener in self._listeners:
            listener(names)
