"""A catalogue over a real SQLite store, with a clock that tests move and a log that they read."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog
from prometheus_client import CollectorRegistry

from hookgate_gateway.catalogue.catalogue import Catalogue
from hookgate_gateway.catalogue.manifests import Manifests
from hookgate_gateway.contract import ResourceKey, ResourceKind
from hookgate_gateway.observe import Observer
from hookgate_gateway.ports import ResourceDraft, StoredResource
from hookgate_gateway.rules.delivery import Namespace
from hookgate_gateway.store.sqlite.store import SqliteStore

SHOP = Namespace("shop")
KEY = b"an-api-key-of-sensible-length"


@dataclass
class HandClock:
    """Shows what it was set to."""

    at: float = 1000.0

    def now(self) -> float:
        return self.at

    def monotonic(self) -> float:
        return self.at


@dataclass
class World:
    """What a test needs of the surroundings."""

    catalogue: Catalogue
    store: SqliteStore
    clock: HandClock
    observer: Observer
    log: list[Mapping[str, Any]] = field(default_factory=list)

    def manifests(self, folder: Path) -> Manifests:
        return Manifests(folder, self.catalogue, self.observer, self.clock)

    def again(self) -> "World":
        """Another process on the same store."""
        catalogue = Catalogue(self.store, self.observer, self.clock, forbids)
        return World(catalogue, self.store, self.clock, self.observer, self.log)

    def logged(self, event: str) -> list[Mapping[str, Any]]:
        return [entry for entry in self.log if entry["event"] == event]


def forbids(namespace: Namespace, url: str) -> str | None:
    return "loopback addresses are refused" if "//127.0.0.1" in url else None


@asynccontextmanager
async def world(folder: Path) -> AsyncIterator[World]:
    clock = HandClock()
    with structlog.testing.capture_logs() as log:
        observer = Observer(CollectorRegistry())
        async with SqliteStore.open(
            folder / "hookgate.db", now=clock.now, observer=observer
        ) as store:
            yield World(Catalogue(store, observer, clock, forbids), store, clock, observer, log)


def document(name: str = "invoices", namespace: str = "shop", **spec: Any) -> dict[str, Any]:
    """A WebhookSubscription with one Secret, ``hook``."""
    sound = {
        "endpoint": {"url": "https://billing.shop.example/hook"},
        "signing": {"secretRefs": [{"name": "hook", "key": "secret"}]},
    }
    return {
        "apiVersion": "hookgate.dev/v1alpha1",
        "kind": "WebhookSubscription",
        "metadata": {"name": name, "namespace": namespace},
        "spec": sound | spec,
    }


def draft(
    name: str = "invoices",
    *,
    secrets: Mapping[str, Mapping[str, bytes]] | None = None,
    owner: str = "test",
    **spec: Any,
) -> ResourceDraft:
    return ResourceDraft(
        key=subscription_key(name),
        owner=owner,
        fingerprint="1",
        document=document(name, **spec),
        secrets={"hook": {"secret": b"signs"}} if secrets is None else secrets,
    )


def subscription_key(name: str = "invoices") -> ResourceKey:
    return ResourceKey(ResourceKind.SUBSCRIPTION, SHOP, name)


def api_key_draft(
    namespace: str, name: str = "dev", key: bytes = KEY, **entries: bytes
) -> ResourceDraft:
    return ResourceDraft(
        key=ResourceKey(ResourceKind.API_KEY, Namespace(namespace), name),
        owner="test",
        fingerprint="1",
        document={"metadata": {"name": name, "namespace": namespace}},
        secrets={name: {"api-key": key} | {k.replace("_", "-"): v for k, v in entries.items()}},
    )


def stored_api_key(
    namespace: str, name: str = "dev", *, annotations: Any = None, since: Any = None, **data: bytes
) -> StoredResource:
    return StoredResource(
        key=ResourceKey(ResourceKind.API_KEY, Namespace(namespace), name),
        owner="test",
        fingerprint="1",
        document={"metadata": {"annotations": annotations}, "knownSince": since},
        secrets={name: {key.replace("_", "-"): value for key, value in data.items()}},
        revision=1,
        created_at=1.0,
    )
