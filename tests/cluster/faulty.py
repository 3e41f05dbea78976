"""An operator that reaches the API server and its gateway through proxies that fail when they are told to.

The operator is one of a namespace, under a ServiceAccount with exactly the documented rules; the gateway is
shared by the tests of a module, under an owner for each.
"""

import re
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from tests.acceptance.harness import eventually
from tests.cluster.access import Access
from tests.cluster.connected import GROUP
from tests.cluster.faults_proxy import FaultsProxy, Recorded
from tests.cluster.installation import Installation, Team
from tests.cluster.kubectl import Kubectl
from tests.cluster.planes import TOKEN, GatewayProcess, OperatorProcess, operator_settings
from tests.cluster.service_accounts import ServiceAccount
from tests.receivers import Receiver

SUBSCRIPTIONS = "webhooksubscriptions"
WATCH = rf"/{SUBSCRIPTIONS}\?.*watch=true"
"""The watch of the subscriptions, as the proxy sees it."""
CALM = 60
"""Requests in any second of a fault. A hot loop makes hundreds; five watches that begin anew, some thirty."""
GATEWAY_CALM = 40


@dataclass
class Planes:
    """A gateway with a proxy in front of its control API, and a receiver."""

    gateway: GatewayProcess
    control: FaultsProxy
    receiver: Receiver
    ca_file: Path
    """Of the proxy."""
    url: str


@asynccontextmanager
async def gateway_behind_faults(home: Path) -> AsyncIterator[Planes]:
    """Started, and stopped at the end."""
    (home / "control").mkdir()
    gateway = GatewayProcess(home / "gateway")
    upstream = Access(gateway.control_url, gateway.ca_file, TOKEN)
    control = FaultsProxy(upstream, home / "control")
    control.start()
    try:
        async with Receiver() as receiver:
            await gateway.start()
            proxied = control.access_of(upstream)
            yield Planes(gateway, control, receiver, proxied.ca_file, proxied.url)
    finally:
        control.stop()
        await gateway.close()


@dataclass
class Faulty:
    """What a test of faults has in hand. `cluster` and `control` are the proxies."""

    on: Installation
    team: Team
    admin: Access
    cluster: FaultsProxy
    control: FaultsProxy

    @property
    def operator(self) -> OperatorProcess:
        return self.on.operator

    async def start(self) -> None:
        """The operator, and a team with its key and Secret."""
        await self.on.start_operator()
        await self.team.settle()

    def forget(self) -> None:
        """Count from here on."""
        self.cluster.forget()
        self.control.forget()

    def of(self, name: str) -> list[Recorded]:
        """The requests about one subscription."""
        return matching(self.cluster.requests, rf"/{SUBSCRIPTIONS}/{name}(/status)?\?")

    def statuses_written(self, name: str = r"[^/]+") -> list[Recorded]:
        """The writes of subscriptions' statuses."""
        return self.cluster.writes(rf"/{SUBSCRIPTIONS}/{name}/status")

    def removed(self) -> list[Recorded]:
        """What the gateway was told to take away."""
        return [each for each in self.control.writes() if each.method == "DELETE"]

    # ---- what changes without kubectl, which is slow and asks much itself

    def create(self, *documents: dict[str, Any]) -> None:
        for document in documents:
            is_secret = document["kind"] == "Secret"
            self.admin.must("POST", self._path("secrets" if is_secret else SUBSCRIPTIONS), document)

    def edit(self, name: str, patch: dict[str, Any], plural: str = SUBSCRIPTIONS) -> None:
        path = f"{self._path(plural)}/{name}"
        self.admin.must("PATCH", path, patch, content_type="application/merge-patch+json")

    def move(self, name: str, to: str) -> None:
        """Another endpoint for a subscription."""
        self.edit(name, {"spec": {"endpoint": {"url": self.team.url(name, to)}}})

    def sign_with(self, key: str) -> None:
        """Another value for the Secret `signing`."""
        self.edit("signing", {"stringData": {"secret": key}}, "secrets")

    def delete(self, name: str, plural: str = SUBSCRIPTIONS) -> None:
        self.admin.must("DELETE", f"{self._path(plural)}/{name}")

    def _path(self, plural: str) -> str:
        base = "/api/v1" if plural == "secrets" else GROUP
        return f"{base}/namespaces/{self.team.namespace}/{plural}"

    # ---- evidence

    async def total(self, name: str, **labels: str) -> float:
        return await self.operator.total(f"hookgate_operator_{name}", **labels)

    async def retries(self, at_least: float, within: float = 30.0) -> float:
        """Come back when so many looks were put off."""
        return await self.until(
            lambda: self.total("workqueue_retries_total"), at_least, "retries", within
        )

    async def until(
        self, figure: Callable[[], Any], at_least: float, what: str, within: float = 30.0
    ) -> float:
        """A figure, as soon as it is as large as that."""

        async def reached() -> float:
            found = await figure()
            return float(found) if found >= at_least else 0.0

        return await eventually(reached, within=within, what=f"{what} reach {at_least}")

    async def unready(self, word: str = "", within: float = 20.0) -> None:
        """Come back when the operator says that it is not ready, with this word."""

        async def asked() -> bool:
            reply = await self.operator.readyz()
            return reply is not None and reply.status == 503 and word in reply.body.decode()

        await eventually(asked, within=within, what=f"not ready: {word}")

    async def healthy(self, is_healthy: bool = True, within: float = 20.0) -> None:
        async def asked() -> bool:
            reply = await self.operator.healthz()
            return reply is not None and (reply.status == 200) is is_healthy

        await eventually(asked, within=within, what=f"healthy: {is_healthy}")

    async def delivers(self, name: str, path: str = "ok200") -> None:
        """A run that ends is told to the receiver of a subscription."""
        where = self.team.path(name, path)
        before = len(self.team.arrived(where))
        await self.team.post()
        await self.team.arrivals(where, before + 1)


@asynccontextmanager
async def faulty(
    home: Path,
    *,
    planes: Planes,
    cluster: FaultsProxy,
    account: ServiceAccount,
    kubectl: Kubectl,
    admin: Access,
    kubeconfig: Path | None = None,
    **settings: str,
) -> AsyncIterator[Faulty]:
    """An operator that is not started yet; killed at the end, and what it declared stays.

    `kubeconfig`: another one than with the account's token through the proxy.
    """
    namespace = account.namespace
    told = {
        "leader_election": "false",
        "owner_id": f"operator/{namespace}",
        "gateway_url": planes.url,
        "gateway_ca_file": str(planes.ca_file),
        **settings,
    }
    operator = OperatorProcess(
        home / "operator",
        kubeconfig=kubeconfig or cluster.kubeconfig(account.access, namespace),
        **operator_settings(planes.gateway, namespace, **told),
    )
    on = Installation(planes.gateway, operator, planes.receiver)
    planes.control.clear()
    planes.control.forget()
    try:
        yield Faulty(on, on.team(kubectl), admin, cluster, planes.control)
    finally:
        operator.kill()
        planes.control.clear()


def matching(requests: Iterable[Recorded], pattern: str) -> list[Recorded]:
    """Those whose path and query match."""
    return [each for each in requests if re.search(pattern, f"{each.path}?{each.query}")]


def busiest(requests: Iterable[Recorded], seconds: float = 1.0) -> int:
    """The most requests within any so many seconds."""
    times = sorted(each.at for each in requests)
    return max((sum(0 <= t - first < seconds for t in times) for first in times), default=0)


def pauses(requests: Iterable[Recorded]) -> list[float]:
    """Seconds between each request and the next."""
    times = [each.at for each in requests]
    return [later - earlier for earlier, later in pairwise(times)]
