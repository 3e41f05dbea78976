"""
A node of the control plane of the tests: it runs pods for real, as processes of this machine.

It plays scheduler (pods of served namespaces are bound to it at once), kubelet, kube-proxy, DNS and the
provisioner of volumes. What it does not know of a specification it refuses. It works on a thread of its own,
so that it goes on while a test blocks.

    node = Node(control_plane.admin, image, home)
    node.start()
    node.serve("some-namespace")
    ...helm install --wait...
    await node.signal("some-namespace", "hookgate-gateway-0", "gateway", signal.SIGKILL)
    node.stop()
"""

import asyncio
import contextlib
import signal
import socket
import threading
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import aiohttp

from tests.cluster.access import Access
from tests.install import cgroups, pods
from tests.install.api import Api, Mirror, Object, Refused, connected
from tests.install.claims import Claims
from tests.install.image import Image
from tests.install.pods import Pod
from tests.install.sandbox import Sandbox
from tests.install.services import Services, by_namespace

NAME = "hookgate-tests"
STARTED_WITHIN = 60.0
GRACE_AT_THE_END = 0.0
T = TypeVar("T")


class Node:
    """One node. Its methods are for the tests' threads."""

    def __init__(self, access: Access, image: Image, home: Path) -> None:
        self.sandbox = Sandbox()
        self._access = access
        self._image = image
        self._home = home
        self._served: set[str] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop = asyncio.Event()
        self._up = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="node", daemon=True)
        self._living: dict[str, tuple[Pod, asyncio.Task[None]]] = {}
        self._ends: set[asyncio.Task[None]] = set()
        self._change = asyncio.Event()

    # ---- for tests

    def start(self) -> None:
        """Come back when it runs."""
        self._thread.start()
        assert self._up.wait(STARTED_WITHIN), "the node does not come up"
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """End all pods at once, and the node with them."""
        if self._loop is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join()
        if self._failure is not None:
            raise self._failure

    def serve(self, namespace: str) -> None:
        """Run the pods of a namespace from now on."""
        self._served.add(namespace)
        self._in_loop(self._change.set)

    def name(self, name: str, address: str) -> None:
        """Let pods find a name of the world outside."""
        self._services.names[name] = address

    def pod(self, namespace: str, name: str) -> Pod:
        """A pod that runs."""
        found = [pod for pod in self._pods_of(namespace) if pod.name == name]
        assert found, f"no pod {name} of {namespace} runs"
        return found[-1]  # behind one of the same name that is just being forgotten

    def log(self, namespace: str, name: str, container: str) -> str:
        """What all runs of a container have written."""
        return self.pod(namespace, name).log(container).read_text(errors="replace")

    def story(self, namespace: str) -> str:
        """How the containers of a namespace stand and what they wrote last, for a failure's message."""
        told = [pod.story() for pod in self._pods_of(namespace)]
        return "\n".join(told) or f"no pod of {namespace} runs"

    def mounted(self, namespace: str, name: str, path: str) -> bytes:
        """The content of a file of a pod's volume, by `VOLUME/PATH`."""
        return self.pod(namespace, name).volumes.joinpath(path).read_bytes()

    @property
    def claims(self) -> Path:
        """Below it each claim's volume has a folder."""
        return self._home / "claims"

    @property
    def machine(self) -> str:
        """Where pods find what tests serve."""
        return self.sandbox.machine

    async def signal(
        self, namespace: str, name: str, container: str, number: signal.Signals
    ) -> None:
        await self._there(self.pod(namespace, name).containers[container].signal(number))

    def resolve(self, name: str) -> list[str]:
        """What a pod's look-up of a whole name finds."""
        return self._services.resolved(name)

    def socket(self) -> socket.socket:
        """A TCP socket that speaks from the node: it reaches Services' addresses as pods do."""
        return self.sandbox.socket(socket.SOCK_STREAM)

    def _pods_of(self, namespace: str) -> list[Pod]:
        """Those that run, oldest first."""
        living = list(self._living.values())  # in one step: the node's thread goes on
        return [pod for pod, _ in living if pod.namespace == namespace]

    # ---- its thread

    def _run(self) -> None:
        try:
            asyncio.run(self._live())
        except BaseException as failure:  # noqa: BLE001 told to the thread that waits
            self._failure = failure
        finally:
            self._up.set()

    async def _live(self) -> None:
        self._loop = asyncio.get_running_loop()
        for name in ("pods", "claims"):
            (self._home / name).mkdir(parents=True)
        await self.sandbox.start()
        address = urlsplit(self._access.url)
        assert address.hostname is not None
        try:
            async with (
                connected(self._access) as api,
                aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as probing,
                cgroups.cgroup() as group,
            ):
                self._services = Services(
                    api, self.sandbox, (address.hostname, address.port or 443)
                )
                self._pods = Mirror(api, "/api/v1/pods", self._pods_changed)
                self._claims = Claims(
                    api,
                    self._home / "claims",
                    serves=self._served.__contains__,
                    pods=lambda: list(self._pods.objects.values()),
                )
                shared = pods.Shared(
                    api=api,
                    sandbox=self.sandbox,
                    image=self._image,
                    home=self._home,
                    cgroups=group,
                    probing=probing,
                    services=lambda where: by_namespace(self._services.services.objects, where),
                    claimed=self._claims.folder,
                )
                await self._serve(api, shared)
        finally:
            await self.sandbox.stop()

    async def _serve(self, api: Api, shared: pods.Shared) -> None:
        parts: list[Coroutine[Any, Any, None]] = [
            self._services.serve(),
            self._claims.serve(),
            self._pods.keep(),
        ]
        keeping = asyncio.create_task(self._keep(api, shared))
        tasks = [keeping, *(asyncio.create_task(each) for each in [*parts, self._stopped()])]
        try:
            # Endpoints are made for pods of nodes that are known.
            with contextlib.suppress(Refused):
                await api.ask("POST", "/api/v1/nodes", {"metadata": {"name": NAME}})
            self._up.set()
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            keeping.cancel()  # else it begins what controllers make in place of what is ended
            await asyncio.wait([keeping])
            await self._end_all()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        for task in done:
            task.result()

    async def _stopped(self) -> None:
        await self._stop.wait()

    def _pods_changed(self) -> None:
        self._change.set()
        self._claims.look()

    async def _keep(self, api: Api, shared: pods.Shared) -> None:
        """Start what is new, end what is being deleted."""
        while True:
            self._change.clear()
            there = {}
            for (namespace, _), found in self._pods.objects.items():
                if namespace in self._served:
                    there[found["metadata"]["uid"]] = found
            for uid, found in there.items():
                if uid not in self._living:
                    await self._begin(api, shared, found)
                elif found["metadata"].get("deletionTimestamp"):
                    self._end(uid, float(found["metadata"].get("deletionGracePeriodSeconds", 0)))
            for uid in set(self._living) - set(there):
                self._end(uid, GRACE_AT_THE_END)
            await self._change.wait()

    async def _begin(self, api: Api, shared: pods.Shared, found: Object) -> None:
        metadata = found["metadata"]
        if metadata.get("deletionTimestamp"):
            return
        path = f"/api/v1/namespaces/{metadata['namespace']}"
        if "nodeName" not in found["spec"]:
            binding = {
                "metadata": {"name": metadata["name"]},
                "target": {"kind": "Node", "name": NAME},
            }
            with contextlib.suppress(Refused):  # bound by an earlier look
                await api.ask("POST", f"{path}/pods/{metadata['name']}/binding", binding)
        account = found["spec"].get("serviceAccountName", "default")
        known = await api.find(f"{path}/serviceaccounts/{account}") or {}
        found = {**found, "spec": {**found["spec"], "nodeName": NAME}}
        pod = Pod(shared, found, automount=known.get("automountServiceAccountToken", True))
        living = asyncio.create_task(pod.live())
        living.add_done_callback(self._check)
        self._living[metadata["uid"]] = pod, living

    def _check(self, part: asyncio.Task[None]) -> None:
        """A pod's life or end that fails for a reason of ours fails the node."""
        if not part.cancelled() and (failure := part.exception()) is not None:
            self._failure = failure
            self._stop.set()

    def _end(self, uid: str, grace: float) -> None:
        pod, living = self._living[uid]
        if pod.ending:
            return
        pod.ending = True

        async def end() -> None:
            await pod.end(living, grace)
            self._living.pop(uid, None)
            self._change.set()

        task = asyncio.create_task(end())
        self._ends.add(task)
        task.add_done_callback(self._ends.discard)
        task.add_done_callback(self._check)

    async def _end_all(self) -> None:
        for uid in list(self._living):
            self._end(uid, GRACE_AT_THE_END)
        await asyncio.gather(*self._ends, return_exceptions=True)

    # ---- between threads

    def _in_loop(self, action: Any) -> None:
        assert self._loop is not None
        self._loop.call_soon_threadsafe(action)

    async def _there(self, work: Coroutine[Any, Any, T]) -> T:
        assert self._loop is not None
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))
