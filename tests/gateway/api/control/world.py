"""A gateway with its control listener: the API's world, and what the operator says to it."""

import asyncio
import base64
import itertools
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hookgate_gateway.api.bodies import BodyReader
from hookgate_gateway.api.control.app import make_control_app
from hookgate_gateway.api.control.feed import HealthFeed
from hookgate_gateway.api.control.services import MAX_BODY_BYTES, ControlServices
from hookgate_gateway.api.control.token import TokenFile
from hookgate_gateway.api.control.view import HealthView
from hookgate_gateway.dispatch.health import DeliveryHealth
from tests.gateway.api.world import Reply, Tenant, World, listening, open_world

TOKEN = "operators-token-0123456789"
OWNER = "operator/default"
_numbers = itertools.count(1)


@dataclass
class Control:
    """The operator, who has the token, and the gateway that it talks to."""

    world: World
    port: int
    feed: HealthFeed
    health: DeliveryHealth
    token_file: Path

    async def call(
        self, method: str, path: str, *, token: str | None = TOKEN, **options: Any
    ) -> Reply:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        headers |= options.pop("headers", {})
        url = f"http://127.0.0.1:{self.port}{path}"
        async with self.world.session.request(method, url, headers=headers, **options) as answer:
            return Reply(answer.status, dict(answer.headers), await answer.read())

    async def put(self, path: str, body: Any, status: int = 200) -> Any:
        reply = await self.call("PUT", f"/control/v1/namespaces/{path}", json=body)
        assert reply.status == status, reply
        return reply.json()

    async def get(self, path: str, status: int = 200) -> Any:
        reply = await self.call("GET", f"/control/v1/{path}")
        assert reply.status == status, reply
        return reply.json()

    async def delete(self, path: str, owner: str = OWNER, status: int = 204) -> Reply:
        params = {"owner": owner}
        reply = await self.call("DELETE", f"/control/v1/namespaces/{path}", params=params)
        assert reply.status == status, reply
        return reply

    def namespace(self) -> str:
        """One that no other test uses."""
        return f"team-{next(_numbers)}"

    async def tenant(self, namespace: str, key: str | None = None) -> Tenant:
        """The namespace's caller, its key put here."""
        value = key or f"key-of-{namespace}-0123456789"
        await self.put(f"{namespace}/api-keys/client", api_key(namespace, value))
        return Tenant(self.world, namespace, value)


def encoded(**values: str | bytes) -> dict[str, str]:
    """Values as in a Secret's ``data``; underscores in names stand for hyphens."""
    return {
        name.replace("_", "-"): base64.b64encode(v.encode() if isinstance(v, str) else v).decode()
        for name, v in values.items()
    }


def put_body(
    resource: Mapping[str, Any], secrets: Mapping[str, Any], **more: Any
) -> dict[str, Any]:
    return {
        "owner": OWNER,
        "fingerprint": "f-1",
        "resource": resource,
        "secrets": secrets,
        **more,
    }


def subscription(
    namespace: str,
    name: str = "invoices",
    url: str = "https://billing.shop.example/hook",
    *,
    secret: str | bytes | None = "signs-0123456789",
    **spec: Any,
) -> dict[str, Any]:
    """The body that puts a subscription with one signing Secret, ``hook``."""
    resource = {
        "apiVersion": "hookgate.dev/v1alpha1",
        "kind": "WebhookSubscription",
        "metadata": {"name": name, "namespace": namespace, "uid": "0-1-2", "generation": 3},
        "spec": {
            "endpoint": {"url": url},
            "signing": {"secretRefs": [{"name": "hook", "key": "secret"}]},
            **spec,
        },
    }
    return put_body(resource, {} if secret is None else {"hook": encoded(secret=secret)})


def _secret(namespace: str, name: str, **metadata: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": namespace, **metadata},
        "type": "Opaque",
    }


def api_key(namespace: str, value: str, name: str = "client", **more: str) -> dict[str, Any]:
    resource = _secret(namespace, name, labels={"hookgate.dev/api-key": "true"})
    return put_body(resource, {name: encoded(api_key=value, **more)})


def source(
    namespace: str, name: str = "skyvern", key: str = "key-of-a-skyvern-server"
) -> dict[str, Any]:
    resource = _secret(namespace, f"secret-of-{name}", labels={"hookgate.dev/source": name})
    return put_body(resource, {f"secret-of-{name}": encoded(key=key)})


@asynccontextmanager
async def open_control_world(folder: Path) -> AsyncIterator[Control]:
    token_file = folder / "token"
    token_file.write_text(f"{TOKEN}\n")
    async with open_world(folder) as world:
        services = world.services
        async with DeliveryHealth(services.history, world.catalogue, world.observer) as health:
            view = HealthView(world.catalogue, health, services.dispatch.breaker, lambda name: None)
            feed = HealthFeed(view, services.clock)
            health.listen(feed.touched)
            control = ControlServices(
                declarations=world.catalogue,
                orders=services.orders,
                view=view,
                feed=feed,
                admit=TokenFile(token_file, world.observer).admit,
                bodies=BodyReader(MAX_BODY_BYTES),
                observer=world.observer,
            )
            publishing = asyncio.create_task(feed.publish_forever())
            try:
                async with listening(make_control_app(control)) as port:
                    yield Control(world, port, feed, health, token_file)
            finally:
                publishing.cancel()
                await asyncio.gather(publishing, return_exceptions=True)
