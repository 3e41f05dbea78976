"""
The living catalogue: one snapshot at a time, made from the store's changes and swapped whole.

Whoever changes a resource does it here: it is stored first and in the snapshot before the call returns,
so that what was answered holds for every event accepted afterwards. Other replicas learn of it when
the store refuses an accept that was matched with an older revision.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace

from hookgate_gateway.catalogue.build import Forbids, assemble, subscription
from hookgate_gateway.catalogue.declared import is_said_by
from hookgate_gateway.catalogue.keys import KNOWN_SINCE, known_since
from hookgate_gateway.catalogue.snapshot import Snapshot
from hookgate_gateway.catalogue.standing import Standing, standing
from hookgate_gateway.contract import ResourceKey, ResourceKind, Subscription
from hookgate_gateway.observe import Observer
from hookgate_gateway.ports import CatalogueStore, Changes, ResourceDraft, StoredResource
from hookgate_gateway.resolution import Unresolved, resolve
from hookgate_gateway.rules.delivery import HoldReason, Namespace, Timestamp
from hookgate_gateway.secret_values import values_of
from hookgate_process.clock import Clock

__all__ = ["Catalogue", "Listener"]

Listener = Callable[[Snapshot, Snapshot], None]
"""Told of each swap: the snapshot before, and the one that holds now."""

_GAPS = frozenset({HoldReason.UNRESOLVED, HoldReason.ENDPOINT_FORBIDDEN})
"""Holds that end when something is filled in."""

_AT_ONCE = 50
"""Subscriptions made before the event loop gets its turn: some 10 ms."""


class Catalogue:
    """Keeps the snapshot. ``forbids`` is the egress rules' verdict on literal addresses."""

    def __init__(
        self, store: CatalogueStore, observer: Observer, clock: Clock, forbids: Forbids
    ) -> None:
        self._store = store
        self._observer = observer
        self._clock = clock
        self._forbids = forbids
        self._snapshot = Snapshot()
        self._stored: dict[ResourceKey, StoredResource] = {}
        self._listeners: list[Listener] = []
        self._refreshing = asyncio.Lock()
        self._swapped = asyncio.Event()

    @property
    def snapshot(self) -> Snapshot:
        """What holds now. Read it once for each decision: the next reading may be another one."""
        return self._snapshot

    @property
    def stored(self) -> Mapping[ResourceKey, StoredResource]:
        """The resources that the snapshot was made from, deleted subscriptions in their grace included."""
        return self._stored

    def standing(self, stored: StoredResource) -> Standing:
        """How a stored resource stands, whatever holds it."""
        return standing(stored, self._forbids, self._snapshot.problems)

    def listen(self, listener: Listener) -> None:
        """Call ``listener`` after each swap, in the loop; it must not block."""
        self._listeners.append(listener)

    async def refresh(self) -> None:
        """Take in what changed in the store. Raises StoreUnavailable, and then nothing changed."""
        async with self._refreshing:
            await self._catch_up()

    async def wait_for(self, revision: int) -> None:
        """Return once the snapshot is of ``revision`` or later."""
        while self._snapshot.revision < revision:
            swapped = self._swapped
            await self.refresh()
            if self._snapshot.revision < revision:
                await swapped.wait()

    async def put(self, draft: ResourceDraft) -> int:
        """Store a resource; it holds once this returns. Raises OwnedByAnother, StoreUnavailable.

        ``suspended``, ``clears_gone``, ``fills_gap`` and when keys were first known are worked out here.
        """
        revision = await self.store(draft, self._clock.now())
        await self.wait_for(revision)
        return revision

    async def ensure(self, draft: ResourceDraft) -> None:
        """As :meth:`put`; what is stored in the very same words stays as it is, revision included."""
        await self.refresh()
        if not is_said_by(self._stored.get(draft.key), draft):
            await self.put(draft)

    async def store(self, draft: ResourceDraft, now: Timestamp) -> int:
        """As :meth:`put`, yet it holds only after the next refresh: for many at once."""
        return await self._store.put(self._completed(draft, now), now)

    async def delete(self, key: ResourceKey, owner: str) -> int:
        """Delete a resource; unknown ones change nothing. Raises OwnedByAnother, StoreUnavailable."""
        revision = await self._store.delete(key, owner, self._clock.now())
        await self.wait_for(revision)
        return revision

    async def resume(self, key: ResourceKey) -> int:
        """End a subscription's hold ``Gone``. Raises StoreUnavailable."""
        revision = await self._store.resume(key, self._clock.now())
        await self.wait_for(revision)
        return revision

    # ---------------------------------------------------------------------------- taking in

    async def _catch_up(self) -> None:
        changes = await self._store.changes(self._snapshot.revision)
        if not (changes.resources or changes.removed):
            if changes.revision != self._snapshot.revision:
                self._swap(replace(self._snapshot, revision=changes.revision), self._stored)
            return
        made = await self._made(changes)
        stored = {**self._stored, **{resource.key: resource for resource in changes.resources}}
        for key in changes.removed:
            stored.pop(key, None)
        changed = [*(resource.key for resource in changes.resources), *changes.removed]
        after = assemble(
            self._snapshot,
            revision=changes.revision,
            subscriptions=made,
            removed=[(k.namespace, k.name) for k in changes.removed if _is_subscription(k)],
            stored=stored,
            keys_changed=not all(map(_is_subscription, changed)),
        )
        self._swap(after, stored)

    async def _made(self, changes: Changes) -> dict[tuple[Namespace, str], Subscription]:
        made: dict[tuple[Namespace, str], Subscription] = {}
        now = self._clock.now()
        for resource in changes.resources:
            key = (resource.key.namespace, resource.key.name)
            if not _is_subscription(resource.key):
                continue
            former = self._snapshot.subscriptions.get(key)
            made[key] = subscription(resource, self._forbids, former=former, now=now)
            if len(made) % _AT_ONCE == 0:
                await asyncio.sleep(0)
        return made

    def _swap(self, after: Snapshot, stored: dict[ResourceKey, StoredResource]) -> None:
        before, self._snapshot, self._stored = self._snapshot, after, stored
        swapped, self._swapped = self._swapped, asyncio.Event()
        swapped.set()
        self._tell(before, after)
        for listener in self._listeners:
            listener(before, after)

    def _tell(self, before: Snapshot, after: Snapshot) -> None:
        for problem in after.problems:
            if problem not in before.problems:
                self._observer.error("resource_refused", error=problem)
        for key, new in after.subscriptions.items():
            old = before.subscriptions.get(key)
            if old is not new:
                self._tell_hold(old, new)

    def _tell_hold(self, old: Subscription | None, new: Subscription) -> None:
        was = old.hold.reason if old and old.hold else None
        place = {"namespace": new.namespace, "subscription": new.name}
        if new.hold and new.hold.reason is not was:
            reason = new.hold.reason.value
            self._observer.warning("subscription_held", **place, reason=reason, message=new.hold.message)  # fmt: skip
        elif was and not new.hold:
            self._observer.event("subscription_released", **place, reason=was.value)

    # ------------------------------------------------------------------------------ putting

    def _completed(self, draft: ResourceDraft, now: Timestamp) -> ResourceDraft:
        if draft.key.kind is ResourceKind.SUBSCRIPTION:
            suspended = bool((draft.document.get("spec") or {}).get("suspend"))
            return replace(
                draft,
                suspended=suspended,
                clears_gone=self._clears_gone(draft),
                fills_gap=self._fills_gap(draft),
            )
        if draft.key.kind is ResourceKind.API_KEY:
            former = self._stored.get(draft.key)
            secret = next(iter(draft.secrets.values()), {})
            since = known_since(secret, former.document if former else {}, now)
            return replace(draft, document={**draft.document, KNOWN_SINCE: since})
        return draft

    def _clears_gone(self, draft: ResourceDraft) -> bool:
        """Whether the endpoint is another one than before; a subscription made again starts anew, too."""
        namespace, name = draft.key.namespace, draft.key.name
        former = self._snapshot.subscriptions.get((namespace, name))
        if former is None or (former.hold and former.hold.reason is HoldReason.DELETED):
            return True
        found = resolve(namespace, name, draft.document, values_of(draft.secrets))
        if isinstance(found, Unresolved):
            return False
        return former.endpoint is None or former.endpoint.fingerprint != found.endpoint.fingerprint

    def _fills_gap(self, draft: ResourceDraft) -> bool:
        """Whether deliveries waited for something that is there now."""
        namespace, name = draft.key.namespace, draft.key.name
        former = self._snapshot.subscriptions.get((namespace, name))
        if former is None or former.hold is None or former.hold.reason not in _GAPS:
            return False
        found = resolve(namespace, name, draft.document, values_of(draft.secrets))
        if isinstance(found, Unresolved):
            return False
        return self._forbids(namespace, found.endpoint.url) is None


def _is_subscription(key: ResourceKey) -> bool:
    return key.kind is ResourceKind.SUBSCRIPTION
