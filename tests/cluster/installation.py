"""hookgate on a cluster under test: gateway and operator as processes, a receiver outside, teams that use it."""

import asyncio
import hashlib
import hmac
import json
import secrets
import ssl
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.acceptance.harness import at, eventually, report
from tests.acceptance.manifests import secret, subscription
from tests.cluster.kubectl import Kubectl
from tests.cluster.planes import TOKEN, GatewayProcess, OperatorProcess, planes
from tests.receivers import Received, Receiver

API_KEY = {"hookgate.dev/api-key": "true"}
WATCHED = {"hookgate.dev/watch": "true"}


@dataclass
class Installation:
    """A gateway, an operator and a receiver of one's own on a shared cluster."""

    gateway: GatewayProcess
    operator: OperatorProcess
    receiver: Receiver

    async def start(self) -> None:
        """Gateway and operator, until both are ready."""
        await self.gateway.start()
        await self.start_operator()

    async def start_operator(self) -> None:
        self.operator.start()
        await self.operator.ready()

    async def held(self, namespace: str) -> dict[str, dict[str, Any]]:
        """What the gateway holds of a namespace, by `kind/name`, as its list tells it."""
        page = await self.control(f"resources?namespace={namespace}&limit=200")
        assert page["next_cursor"] is None
        return {f"{item['kind']}/{item['name']}": item for item in page["items"]}

    async def control(self, path: str) -> Any:
        """What the control API answers to a GET."""
        reply = await self.gateway.fetch(
            "GET",
            f"{self.gateway.control_url}/control/v1/{path}",
            headers={"Authorization": f"Bearer {TOKEN}"},
            ssl=ssl.create_default_context(cafile=str(self.gateway.ca_file)),
        )
        assert reply.status == 200, reply
        return reply.json()

    def team(self, kubectl: Kubectl) -> "Team":
        """Who uses it in `kubectl`'s namespace."""
        return Team(self, kubectl)


@asynccontextmanager
async def installation(
    home: Path, kubeconfig: Path, *, namespaces: str = "", **settings: str
) -> AsyncIterator[Installation]:
    """One that is not started yet; without `namespaces` its operator looks after all of the cluster.

    There is no other replica: what a Lease decides has tests of its own.
    """
    settings = {"leader_election": "false", **settings}
    async with (
        Receiver() as receiver,
        planes(home, kubeconfig=kubeconfig, namespace=namespaces, **settings) as (
            gateway,
            operator,
        ),
    ):
        yield Installation(gateway, operator, receiver)


@dataclass
class Team:
    """The people of one namespace: what they apply, post and receive."""

    on: Installation
    kubectl: Kubectl
    key: str = field(default_factory=lambda: secrets.token_hex(24))
    """The value of their API key."""
    signing: str = field(default_factory=lambda: secrets.token_hex(24))
    """The value of their Secret `signing`."""

    @property
    def namespace(self) -> str:
        return self.kubectl.namespace

    # ---- what they apply

    async def settle(self) -> None:
        """An API key and a signing Secret; comes back when the key is taken."""
        key = self.secret("client", API_KEY, **{"api-key": self.key})
        await self.apply(key, self.secret("signing", WATCHED, secret=self.signing))
        await self.logs_in(self.key)

    async def apply(self, *documents: dict[str, Any]) -> None:
        """`kubectl apply`."""
        await self.kubectl.apply(listed(*documents))

    def secret(
        self, name: str, labels: dict[str, str] | None = None, **values: str
    ) -> dict[str, Any]:
        document = secret(name, self.namespace, **values)
        document["metadata"]["labels"] = labels or {}
        return document

    def subscription(
        self, name: str = "invoices", path: str = "ok200", **options: Any
    ) -> dict[str, Any]:
        """A subscription to the receiver, whose behaviour is the first part of the path."""
        given = {"retry": (), **options}
        return subscription(name, self.url(name, path), namespace=self.namespace, **given)

    def url(self, name: str, path: str = "ok200") -> str:
        return self.on.receiver.url(self.path(name, path).lstrip("/"))

    def path(self, name: str, path: str = "ok200") -> str:
        return f"/{path}/{self.namespace}/{name}"

    # ---- what they see

    async def ready(self, name: str = "invoices", within: float = 15.0) -> dict[str, Any]:
        return await self.stands(name, "Ready", within=within)

    async def holds_only(self, *places: str, within: float = 15.0) -> None:
        """Come back when the gateway holds of the namespace exactly these, each `kind/name`."""

        async def holds() -> bool:
            return set(await self.on.held(self.namespace)) == set(places)

        await eventually(holds, within=within, what=f"the gateway holds {places}")

    async def stands(
        self, name: str, reason: str, condition: str = "Ready", within: float = 15.0
    ) -> dict[str, Any]:
        """The subscription, as soon as a condition has this reason for its present generation."""

        def holds(found: dict[str, Any] | None) -> bool:
            is_present = told_generation(found) == generation(found)
            return is_present and reasons(found or {}).get(condition) == reason

        return await self.kubectl.until("whsub", name, holds, within=within)

    async def event_reasons(self, name: str, kind: str = "WebhookSubscription") -> list[str]:
        """What Kubernetes Events said of an object, in order."""
        found = await self.kubectl.events(kind, name)
        return [event["reason"] for event in sorted(found, key=lambda event: event["eventTime"])]

    async def announced(
        self, name: str, reason: str, *, kind: str = "WebhookSubscription", within: float = 15.0
    ) -> list[str]:
        """What was said of an object, as soon as this is among it."""

        async def said() -> list[str]:
            found = await self.event_reasons(name, kind)
            return found if reason in found else []

        return await eventually(said, within=within, what=f"{reason} of {kind} {name}")

    # ---- what they post and receive

    async def logs_in(self, key: str, *, does: bool = True, within: float = 15.0) -> float:
        """Come back when the key opens, or does not open, the gateway; how many seconds that took."""
        began = time.monotonic()

        async def answered() -> bool:
            status = (await self.on.gateway.call("GET", "/v1/runs", key=key)).status
            assert status in (200, 403), status
            return (status == 200) is does

        await eventually(answered, within=within, what=f"the key logs in: {does}")
        return time.monotonic() - began

    async def post(self, **fields: Any) -> dict[str, Any]:
        """Report a run that has ended; the gateway's answer."""
        body = report(f"tsk_{secrets.token_hex(8)}", **fields)
        return dict(await self.on.gateway.accepted(body, key=self.key))

    async def arrivals(self, path: str, count: int = 1, within: float = 15.0) -> list[Received]:
        """The first so many requests of a path, as soon as they are there."""

        async def enough() -> list[Received]:
            found = self.arrived(path)
            return found[:count] if len(found) >= count else []

        return await eventually(enough, within=within, what=f"{count} requests at {path}")

    def arrived(self, path: str) -> list[Received]:
        return at(self.on.receiver, path)

    async def posted_until(
        self, path: str, question: Callable[[Received], bool], within: float = 15.0
    ) -> tuple[Received, float]:
        """Report runs until a webhook is as asked for; that one, and how many seconds it took."""
        began = time.monotonic()
        while True:
            before = len(
                self.arrived(path)
            )  # its webhook may be here before the answer to its report
            await self.post()
            received = (await self.arrivals(path, before + 1))[-1]
            seconds = time.monotonic() - began
            if question(received):
                return received, seconds
            assert seconds < within, f"no webhook as awaited within {within} s"
            await asyncio.sleep(0.05)


def signs(key: str, received: Received) -> bool:
    """Whether a key signed a webhook by the scheme `Skyvern`, and it alone."""
    expected = hmac.new(key.encode(), received.body, hashlib.sha256).hexdigest()
    return received.header("x-skyvern-signature") == f"sha256={expected}"


def listed(*documents: dict[str, Any]) -> str:
    """Several objects as one text for kubectl."""
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": documents})


def conditions(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {each["type"]: each for each in found.get("status", {}).get("conditions", ())}


def reasons(found: dict[str, Any]) -> dict[str, str]:
    """The reasons of an object's conditions."""
    return {type_: condition["reason"] for type_, condition in conditions(found).items()}


def generation(found: dict[str, Any] | None) -> int | None:
    return found["metadata"]["generation"] if found else None


def told_generation(found: dict[str, Any] | None) -> int | None:
    """The generation that an object's status speaks of."""
    return (found or {}).get("status", {}).get("observedGeneration")
