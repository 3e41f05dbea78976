"""The whole gateway but for its process: real store, catalogue, intake, dispatcher, egress, sockets."""

import asyncio
import itertools
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from prometheus_client import CollectorRegistry

from hookgate_gateway.api.app import make_public_app
from hookgate_gateway.api.bodies import BodyReader
from hookgate_gateway.api.rates import KeyRates
from hookgate_gateway.api.server import open_door
from hookgate_gateway.api.services import Services
from hookgate_gateway.app.background import background
from hookgate_gateway.catalogue.catalogue import Catalogue
from hookgate_gateway.catalogue.matching import matching_subscriptions
from hookgate_gateway.contract import ResourceKey, ResourceKind
from hookgate_gateway.dispatch.direct import DirectSends
from hookgate_gateway.dispatch.dispatcher import Dispatcher
from hookgate_gateway.dispatch.health import DeliveryHealth
from hookgate_gateway.egress.sender import HttpSender
from hookgate_gateway.ids import Ids
from hookgate_gateway.intake.accept import Acceptor
from hookgate_gateway.intake.ingest import Ingest
from hookgate_gateway.intake.quota import BacklogQuota
from hookgate_gateway.observe import Observer
from hookgate_gateway.ports import ResourceDraft
from hookgate_gateway.replay.orders import ReplayOrders
from hookgate_gateway.rules.delivery import Namespace
from hookgate_gateway.rules.egress_rules import EgressRules
from hookgate_gateway.upstream.engine import RunOwners, Upstream
from hookgate_process.clock import SystemClock
from tests.gateway.stores import open_sqlite
from tests.receivers import Receiver

MAX_BODY = 1_000_000
SECRET = b"the-subscriptions-signing-secret"
UpstreamOf = Callable[[RunOwners, Observer], Upstream]
"""Makes what runs the runs."""
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Reply:
    """An answer, read to its end."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> Any:
        return self.json()["code"]


@dataclass
class Tenant:
    """A namespace with an API key of its own."""

    world: "World"
    namespace: Namespace
    key: str

    async def call(self, method: str, path: str, **options: Any) -> Reply:
        headers = {"x-api-key": self.key, **options.pop("headers", {})}
        return await self.world.call(method, path, headers=headers, **options)

    async def get(self, path: str, **options: Any) -> Any:
        reply = await self.call("GET", path, **options)
        assert reply.status == 200, reply
        return reply.json()

    async def post(self, path: str, body: Any = None, status: int = 200) -> Any:
        options = {} if body is None else {"json": body}
        reply = await self.call("POST", path, **options)
        assert reply.status == status, reply
        return reply.json()

    async def report(self, run_id: str, status: str = "completed", **more: Any) -> Any:
        payload = {"run_id": run_id, "status": status, "run_type": "task_v2", **more}
        return await self.post("/v1/events", payload, 202)

    async def subscribe(
        self, name: str, url: str | None, *, secrets: Any = None, **spec: Any
    ) -> None:
        document = {
            "apiVersion": "hookgate.dev/v1alpha1",
            "kind": "WebhookSubscription",
            "metadata": {"name": name, "namespace": self.namespace},
            "spec": {
                "endpoint": {**({"url": url} if url else {}), **spec.pop("endpoint", {})},
                "signing": {"secretRefs": [{"name": "signing", "key": "secret"}]},
                **spec,
            },
        }
        secrets = secrets or {"signing": {"secret": SECRET}}
        await self.world.put(ResourceKind.SUBSCRIPTION, self.namespace, name, document, secrets)

    async def source(self, name: str, key: bytes) -> None:
        await self.world.put(ResourceKind.SOURCE, self.namespace, name, {}, {name: {"key": key}})

    async def delivery(self, run_id: str, **wanted: Any) -> Any:
        """The newest delivery of a run, as soon as it has these values."""

        async def found() -> Any:
            items = (await self.get("/v1/deliveries", params={"run_id": run_id}))["items"]
            good = [i for i in items if all(i[name] == v for name, v in wanted.items())]
            return good[0] if good else None

        return await self.world.eventually(found)


@dataclass
class World:
    """One gateway, and the receiver that its deliveries may go to."""

    session: aiohttp.ClientSession
    port: int
    receiver: Receiver
    catalogue: Catalogue
    services: Services
    observer: Observer
    tenants: dict[str, Tenant] = field(default_factory=dict)

    async def call(self, method: str, path: str, **options: Any) -> Reply:
        url = f"http://127.0.0.1:{self.port}{path}"
        async with self.session.request(method, url, **options) as response:
            return Reply(response.status, dict(response.headers), await response.read())

    async def tenant(self, *, scheme: str | None = None) -> Tenant:
        """A new namespace with its key."""
        number = next(_numbers)
        namespace, key = Namespace(f"ns-{number}"), f"key-of-namespace-{number:08d}"
        annotations = {"hookgate.dev/signing-scheme": scheme} if scheme else {}
        document = {"metadata": {"annotations": annotations}}
        secrets = {"team": {"api-key": key.encode()}}
        await self.put(ResourceKind.API_KEY, namespace, "team", document, secrets)
        return Tenant(self, namespace, key)

    async def put(
        self,
        kind: ResourceKind,
        namespace: Namespace,
        name: str,
        document: dict[str, Any],
        secrets: dict[str, dict[str, bytes]],
    ) -> None:
        key = ResourceKey(kind, namespace, name)
        draft = ResourceDraft(
            key=key, owner="manifests", fingerprint="", document=document, secrets=secrets
        )
        await self.catalogue.put(draft)

    async def delete_subscription(self, namespace: Namespace, name: str) -> None:
        key = ResourceKey(ResourceKind.SUBSCRIPTION, namespace, name)
        await self.catalogue.delete(key, "manifests")

    async def eventually(self, question: Any, within: float = 10.0) -> Any:
        """Ask until the answer is true; each question is a round trip, so nothing has to sleep."""
        async with asyncio.timeout(within):
            while not (answer := await question()):
                pass
        return answer


@asynccontextmanager
async def listening(app: web.Application, **options: Any) -> AsyncIterator[int]:
    """The application as the gateway serves it; its port."""
    options.setdefault("observer", Observer(CollectorRegistry()))
    with socket.create_server(("127.0.0.1", 0)) as sock:
        async with open_door(app, sock, grace=1.0, **options):
            yield sock.getsockname()[1]


@asynccontextmanager
async def open_world(
    folder: Path,
    *,
    deadline: float = 30.0,
    rate: float | None = None,
    quota: BacklogQuota | None = None,
    upstream: UpstreamOf | None = None,
) -> AsyncIterator[World]:
    clock, observer = SystemClock(), Observer(CollectorRegistry())
    ids = Ids(clock.now)
    rules = EgressRules.parse("127.0.0.1/32")
    async with (
        open_sqlite(folder, observer=observer) as store,
        HttpSender(rules=rules, clock=clock, observer=observer) as sender,
        Receiver() as receiver,
    ):
        catalogue = Catalogue(store, observer, clock, lambda namespace, url: None)
        await catalogue.refresh()
        async with (
            DeliveryHealth(store, catalogue, observer) as health,
            Dispatcher(store, sender, catalogue, observer, clock, jitter=lambda: 0.0) as dispatcher,
            Acceptor(
                store=store,
                catalogue=catalogue,
                matching=matching_subscriptions,
                handover=dispatcher,
                ids=ids,
                clock=clock,
                observer=observer,
                quota=quota,
            ) as acceptor,
        ):
            engine = upstream(store, observer) if upstream else None
            services = Services(
                catalogue=catalogue,
                reports=acceptor,
                sources=Ingest(
                    acceptor=acceptor,
                    catalogue=catalogue,
                    observer=observer,
                    now=clock.now,
                    built_in=engine,
                ),
                quota=quota or BacklogQuota(),
                upstream=engine,
                runs=store,
                history=store,
                replays=store,
                orders=ReplayOrders(
                    store=store,
                    catalogue=catalogue,
                    lanes=dispatcher,
                    ids=ids,
                    clock=clock,
                    observer=observer,
                ),
                dispatch=dispatcher,
                health=health,
                direct=DirectSends(
                    store,
                    sender,
                    catalogue,
                    observer,
                    clock,
                    learned=dispatcher.succeeded,
                    keep=dispatcher.keep,
                ),
                clock=clock,
                ids=ids,
                observer=observer,
                bodies=BodyReader(MAX_BODY, deadline=deadline),
                rates=KeyRates(clock.monotonic, rate),
            )
            async with (
                background({"replays": services.orders.carry_out}, observer),
                listening(make_public_app(services)) as port,
                aiohttp.ClientSession(auto_decompress=False) as session,
            ):
                yield World(session, port, receiver, catalogue, services, observer)
