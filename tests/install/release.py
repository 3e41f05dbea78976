"""An installed release, as those see it who use it: through its Services, from inside the cluster."""

import asyncio
import io
import json
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from tests.acceptance.harness import Gateway, eventually
from tests.cluster.installation import API_KEY, WATCHED, Team
from tests.cluster.kubectl import Kubectl
from tests.install import seen
from tests.install.helm import Helm, HelmFailed, Values
from tests.install.kubelet import Node
from tests.receivers import Receiver

WITHIN = 60.0  # seconds; a busy machine takes ten to start a pod


@dataclass(frozen=True)
class Release:
    """A release of the chart in a namespace of a cluster with a node."""

    node: Node
    helm: Helm
    kubectl: Kubectl
    """In the release's namespace, as admin."""
    name: str = "hookgate"

    @property
    def namespace(self) -> str:
        return self.kubectl.namespace

    # ---- Helm

    def upgrade(self, values: Values | None = None, *options: str, **more: Any) -> str:
        """Install or upgrade it and wait, with values that let it reach what tests serve; HelmFailed."""
        try:
            return self.helm.upgrade(self.name, reaching_tests(self.node, values), *options, **more)
        except HelmFailed as failure:
            raise HelmFailed(f"{failure}\n{self.node.story(self.namespace)}") from None

    def again(self) -> str:
        """Upgrade it with the chart and the values that it has; HelmFailed."""
        given = json.loads(self.helm.must("get", "values", self.name, "--output=json"))
        return self.upgrade(given)

    # ---- its pods

    @property
    def gateway(self) -> str:
        """The name of the only gateway pod."""
        return f"{self.name}-gateway-0"

    async def pods(self, component: str = "") -> list[dict[str, Any]]:
        selector = f"app.kubernetes.io/instance={self.name}"
        more = f",app.kubernetes.io/component={component}" if component else ""
        return await self.kubectl.items("pods", selector + more)

    async def operators(self) -> list[str]:
        """The names of the operator pods that are not being deleted."""
        found = await self.pods("operator")
        return [
            pod["metadata"]["name"] for pod in found if "deletionTimestamp" not in pod["metadata"]
        ]

    def log(self, pod: str) -> str:
        """What the pod's container has written, over its restarts."""
        component = "gateway" if pod == self.gateway else "operator"
        return self.node.log(self.namespace, pod, component)

    async def until_ready(
        self, pod: str, restarts: int = 0, within: float = 30.0
    ) -> dict[str, Any]:
        """A pod, as soon as it is ready and was restarted this often."""

        def holds(found: seen.Pod) -> bool:
            return seen.is_ready(found) and seen.restarts(found) == restarts

        return await self.kubectl.until("pod", pod, holds, within=within)

    async def secret(self, suffix: str) -> dict[str, Any]:
        return await self.kubectl.get("secret", f"{self.name}-{suffix}")


def reaching_tests(node: Node, values: Values | None) -> Values:
    """Values with which the gateway may send to what tests serve."""
    given = values or {}
    gateway = {"egressAllow": [f"{node.machine}/32"], **given.get("gateway", {})}
    return {**given, "gateway": gateway}


@dataclass
class Used:
    """A release in use; has what `Team` asks for. `receiver` is where pods reach it."""

    release: Release
    gateway: "PublicService"
    receiver: Receiver

    def team(self, kubectl: Kubectl) -> Team:
        return Team(self, kubectl)  # type: ignore[arg-type]

    async def settled(self, kubectl: Kubectl, gateway_class: str = "default") -> Team:
        """A team whose key logs in and whose subscription `invoices` is ready."""
        team = self.team(kubectl)
        key = team.secret("client", API_KEY, **{"api-key": team.key})
        signing = team.secret("signing", WATCHED, secret=team.signing)
        subscription = team.subscription()
        subscription["spec"]["gatewayClass"] = gateway_class
        await team.apply(key, signing, subscription)
        try:
            await team.logs_in(team.key, within=WITHIN)
            await team.ready(within=WITHIN)
        except AssertionError as failure:
            story = self.release.node.story(self.release.namespace)
            raise AssertionError(f"{failure}\n{story}") from None
        return team


class PublicService(Gateway):
    """The gateway as its clients in the cluster have it: by the name of its public Service."""

    def __init__(self, release: Release) -> None:
        self._release = release
        self._session = None
        self.process = None

    def url(self, path: str) -> str:
        return f"http://{self._release.name}.{self._release.namespace}.svc:8080{path}"

    def address(self) -> str:
        """Of the gateway's pod, where no Service stands between."""
        name = f"{self._release.name}-gateway-metrics.{self._release.namespace}.svc.cluster.local"
        return self._release.node.resolve(name)[0]

    def metrics_url(self, path: str = "/metrics") -> str:
        name = f"{self._release.name}-gateway-metrics.{self._release.namespace}.svc"
        return f"http://{name}:9090{path}"

    async def fetch(self, method: str, url: str, **options: Any) -> Any:
        """Tries again while nobody listens: a Service leads to a pod a moment after that is ready.

        What was refused was not sent, so nothing is posted twice.
        """
        body = options.pop("data", None)
        deadline = time.monotonic() + WITHIN
        while True:
            data = None if body is None else io.BytesIO(body.getvalue())
            try:
                return await self._fetch(method, url, data=data, **options)
            except aiohttp.ClientSSLError:
                raise
            except aiohttp.ClientConnectorError:
                if time.monotonic() > deadline:
                    raise
            await asyncio.sleep(0.05)

    async def _fetch(self, method: str, url: str, **options: Any) -> Any:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=in_cluster(self._release.node),
                timeout=aiohttp.ClientTimeout(total=30),
                auto_decompress=False,
            )
        return await super().fetch(method, url, **options)

    async def answers(self, within: float = 15.0) -> None:
        """Come back when the Service leads to a gateway."""

        async def there() -> bool:
            try:
                return (await self.call("GET", "/v1/version", key=None)).status == 200
            except aiohttp.ClientError:
                return False

        await eventually(there, within=within, what="the Service answers")


@asynccontextmanager
async def used(release: Release, port: int = 0) -> AsyncIterator[Used]:
    """For a test: a receiver that pods reach, and a client of the public Service."""
    gateway = PublicService(release)
    async with Receiver(host=release.node.machine, port=port) as receiver:
        try:
            yield Used(release, gateway, receiver)
        finally:
            await gateway.close()


def in_cluster(node: Node) -> aiohttp.TCPConnector:
    """Connects as a pod does: by the cluster's names and addresses. One connection a request, for pods go."""
    return aiohttp.TCPConnector(
        resolver=_Names(node), socket_factory=lambda address: node.socket(), force_close=True
    )


class _Names(AbstractResolver):
    def __init__(self, node: Node) -> None:
        self._node = node

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = self._node.resolve(f"{host}.cluster.local" if host.endswith(".svc") else host)
        if not found:
            raise OSError(f"no address of {host}")
        return [
            ResolveResult(
                hostname=host, host=each, port=port, family=socket.AF_INET, proto=0, flags=0
            )
            for each in found
        ]

    async def close(self) -> None:
        """Nothing is open."""
