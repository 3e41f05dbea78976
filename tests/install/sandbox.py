"""
The machine that pods run on: namespaces of its own, which leave nothing behind.

One process holds a network, a process and a mount namespace, and everything of the node is inside. The
kernel ends that process with the thread that started it, and with it all others, their mounts, interfaces
and addresses: also when a test run is killed. The machine itself sees one end of a cable, and it goes too.

    machine  10.200.N.1 ──veth── bridge 10.200.N.2 ── one veth each ── pods 10.200.N.10 and up
"""

import asyncio
import ctypes
import itertools
import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from tests.acceptance.harness import children, eventually

SERVICE_NETWORK = "10.0.0.0/24"  # the control plane's --service-cluster-ip-range
TOOLS = ("ip", "nsenter", "runc", "setpriv", "unshare")
HOW_TO = "apt-get install iproute2 runc util-linux, and be root"
_CLONE_NEWNET = 0x40000000
_FIRST_POD = 10
_NODES = itertools.count()  # of this process
_HOLDER = (
    *("setpriv", "--pdeathsig", "KILL"),
    *("unshare", "--net", "--pid", "--mount", "--fork", "--kill-child", "--mount-proc"),
    *("sleep", "infinity"),
)
T = TypeVar("T")


class NoNode(Exception):
    """Pods cannot run on this machine; the message says what is missing."""


def check_machine() -> None:
    """NoNode where containers cannot be run."""
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        raise NoNode(f"no {', '.join(missing)}: {HOW_TO}")
    if os.geteuid() != 0:
        raise NoNode(f"not root: {HOW_TO}")
    tried = subprocess.run(
        ["unshare", "--net", "--pid", "--mount", "--fork", "--mount-proc", "ip", "link"],
        capture_output=True,
        text=True,
        check=False,
    )
    if tried.returncode != 0:
        raise NoNode(f"namespaces are refused here ({tried.stderr.strip()}): {HOW_TO}")


class Sandbox:
    """The namespaces. `machine` is the address of the tests as pods see it."""

    def __init__(self) -> None:
        self._holder: subprocess.Popen[bytes] | None = None
        self._pid = 0
        self._network = ""
        self._pods = 0

    @property
    def machine(self) -> str:
        return f"{self._network}.1"

    @property
    def address(self) -> str:
        """The node's own."""
        return f"{self._network}.2"

    # ---- life

    async def start(self) -> None:
        """Make the namespaces, for as long as the calling thread lives."""
        # On this thread, not another one: the kernel kills it with the thread that started it.
        self._holder = subprocess.Popen(_HOLDER, stdin=subprocess.DEVNULL)  # noqa: ASYNC220
        self._pid = (await eventually(self._sleeper, within=10, what="a node's namespaces"))[0]
        await self.run("mount", "-t", "tmpfs", "tmpfs", "/run")
        await self._connect()

    async def stop(self) -> None:
        if self._holder is not None:
            self._holder.kill()
            await asyncio.to_thread(self._holder.wait)
            self._holder = None

    async def _sleeper(self) -> list[int]:
        assert self._holder is not None
        return [pid for pid in children(self._holder.pid) if _name(pid) == "sleep"]

    # ---- inside

    def inside(self, *command: str | Path) -> list[str]:
        """The command that runs a command on the node."""
        enter = ["nsenter", f"--target={self._pid}", "--net", "--pid", "--mount", "--"]
        return [*enter, *map(str, command)]

    async def run(self, *command: str | Path) -> str:
        """What a command on the node prints; fails unless it succeeds."""
        return await _output(*self.inside(*command))

    def socket(
        self, kind: socket.SocketKind, *, listen: tuple[str, int] | None = None
    ) -> socket.socket:
        """A socket of the node's network, whoever uses it; it listens, where an address is given."""

        def make() -> socket.socket:
            made = socket.socket(socket.AF_INET, kind)
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            made.setblocking(False)
            if listen is not None:
                made.bind(listen)
                if kind is socket.SOCK_STREAM:
                    made.listen(128)
            return made

        return _within_network(self._pid, make)

    # ---- pods

    async def add_pod(self, name: str) -> str:
        """A network namespace for a pod; its address."""
        number = self._pods
        self._pods += 1
        address = f"{self._network}.{_FIRST_POD + number % 240}"
        script = f"""set -e
            ip netns add {name}
            ip link add v{number} type veth peer name eth0 netns {name}
            ip link set v{number} master pods up
            ip -n {name} address add {address}/24 dev eth0
            ip -n {name} link set lo up
            ip -n {name} link set eth0 up
            ip -n {name} route add default via {self.address}"""
        await self.run("sh", "-c", script)
        return address

    async def remove_pod(self, name: str) -> None:
        await self.run("ip", "netns", "delete", name)

    # ---- how

    async def _connect(self) -> None:
        taken = await _output("ip", "-o", "-4", "address")
        numbers = ((os.getpid() + step) % 250 for step in range(250))
        self._network = next(
            network for number in numbers if (network := f"10.200.{number}") + "." not in taken
        )
        cable = f"hg{os.getpid()}-{next(_NODES)}"
        await _output(
            *("ip", "link", "add", cable, "type", "veth", "peer", "name", "uplink", "netns"),
            str(self._pid),
        )
        await _output("ip", "address", "add", f"{self.machine}/24", "dev", cable)
        await _output("ip", "link", "set", cable, "up")
        script = f"""set -e
            ip link add pods type bridge
            ip link set uplink master pods
            ip link set uplink up
            ip link set lo up
            ip link set pods up
            ip address add {self.address}/24 dev pods
            ip route add local {SERVICE_NETWORK} dev lo"""
        await self.run("sh", "-c", script)


def _within_network(pid: int, action: Callable[[], T]) -> T:
    """The result of an action in another process' network; a thread's network is its own affair."""
    found: list[T] = []

    def act() -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        with Path(f"/proc/{pid}/ns/net").open("rb") as network:
            if libc.setns(network.fileno(), _CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "setns")
        found.append(action())

    thread = threading.Thread(target=act)
    thread.start()
    thread.join()
    return found[0]


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except FileNotFoundError:
        return ""


async def _output(*command: str) -> str:
    """In a thread, which ends the process also when nobody waits any more: the node may stop meanwhile."""
    done = await asyncio.to_thread(
        subprocess.run,
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{command}: {done.stderr}"
    return done.stdout
