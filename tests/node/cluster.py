"""A cluster of one whole node."""

import asyncio
import contextlib
import socket
from pathlib import Path

from dnslib.server import DNSServer

from tests.acceptance.harness import eventually
from tests.cluster.kubectl import Kubectl
from tests.cluster.processes import Program
from tests.cluster.programs import Programs
from tests.node import machine
from tests.node.containerd import READY_WITHIN, SOCKET, containerd, load
from tests.node.control_plane import WholeControlPlane
from tests.node.kubelet import NODE, programs
from tests.node.names import ClusterNames, servers

NODE_READY_WITHIN = 60.0


class Cluster:
    """Control plane, containerd, kubelet, scheduler, kube-proxy and DNS; started in `tests.node.machine` alone."""

    def __init__(
        self, built: Programs, node_programs: Path, kubectl: Path, home: Path, group: str
    ) -> None:
        for each in ("control-plane", "node"):
            (home / each).mkdir()
        self.plane = WholeControlPlane(built, kubectl, home / "control-plane", machine.ADDRESS)
        self._containerd = containerd(home / "node")
        self._programs = programs(node_programs, self.plane.kubeconfig, home / "node", group)
        self.names: ClusterNames | None = None
        self._dns: list[DNSServer] = []

    @property
    def kubectl(self) -> Kubectl:
        return self.plane.kubectl()

    @property
    def started(self) -> list[Program]:
        """The node's programs."""
        return [self._containerd, *self._programs]

    async def start(self, images: Path) -> None:
        """All of it, with these images, until the node is ready."""
        self.plane.start()
        self._containerd.start()
        await eventually(self._has_socket, within=READY_WITHIN, what="containerd")
        load(images)
        self.names, self._dns = servers(self.plane.admin)
        for server in self._dns:
            server.start_thread()
        for program in self._programs:
            program.start()
        try:
            await self.kubectl.until("node", NODE, _is_ready, within=NODE_READY_WITHIN)
        except AssertionError as error:
            tails = (f"{each.log.name}: {each.log_tail()}" for each in self.started)
            raise AssertionError("\n".join((str(error), *tails))) from error

    def stop(self) -> None:
        """What the namespaces' end would end anyway, in order."""
        for server in self._dns:
            server.stop()
            server.server.server_close()
        for program in reversed(self.started):
            program.kill()
        self.plane.stop()

    # ---- what `tests.install.release` asks of a node

    @property
    def machine(self) -> str:
        """Where pods find what tests serve."""
        return machine.ADDRESS

    def resolve(self, name: str) -> list[str]:
        """What a pod's look-up of a whole name finds."""
        assert self.names is not None
        return self.names.addresses(name) or []

    def socket(self) -> socket.socket:
        """The tests are on the node: any socket reaches Services."""
        return _socket()

    def log(self, namespace: str, pod: str, container: str) -> str:
        """What the present run of a container has written."""
        return self.kubectl.within(namespace).run("logs", pod, f"--container={container}").stdout

    def story(self, namespace: str) -> str:
        """How the pods of a namespace stand and what was said of them, for a failure's message."""
        kubectl = self.kubectl.within(namespace)
        told = [kubectl.run("describe", "pods"), kubectl.run("get", "events")]
        tails = [f"{each.log.name}: {each.log_tail()}" for each in self.started]
        return "\n".join([*(each.stdout for each in told), *tails])

    # ---- how

    async def _has_socket(self) -> bool:
        assert self._containerd.running, self._containerd.log_tail()
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_unix_connection(SOCKET)
            writer.close()
            await writer.wait_closed()
            return True
        return False


def _socket() -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    made.setblocking(False)
    return made


def _is_ready(node: dict[str, object] | None) -> bool:
    status = (node or {}).get("status") or {}
    conditions = {each["type"]: each["status"] for each in status.get("conditions", ())}
    return conditions.get("Ready") == "True"
