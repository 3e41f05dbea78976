"""
A machine within this one: namespaces where a node can be set up, and which leave nothing behind.

The network has a loopback and the node's own interface, and no way out. `/run`, `/var/log` and `/var/lib` are
empty and in memory. When the command that was run in there ends, or whoever started it, the kernel ends all
processes that are left, and with them mounts, interfaces and rules of nftables are gone. Control groups are not:
they are below one of their own, which is removed afterwards.
"""

import os
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

TOOLS = {
    "containerd": "containerd",
    "ctr": "containerd",
    "ip": "iproute2",
    "nft": "nftables",
    "runc": "runc",
    "sysctl": "procps",
    "/usr/lib/cni/ptp": "containernetworking-plugins",
}
"""What a node needs, and Debian's packages that bring it."""
ADDRESS = "10.210.0.1"
SERVICE_NETWORK = "10.0.0.0/24"  # the control plane's --service-cluster-ip-range
CONTROL_GROUPS = Path("/sys/fs/cgroup")
INSIDE = "HOOKGATE_TEST_NODE"
GONE_WITHIN = 10.0
_SETUP = f"""\
set -e
mount --make-rshared /
for folder in /run /var/log /var/lib; do mount -t tmpfs -o mode=755 tmpfs $folder; done
mount -t tmpfs -o mode=1777 tmpfs /dev/shm
ip link set lo up
ip link add node0 type veth peer name node1
ip address add {ADDRESS}/32 dev node0
ip link set node0 up
ip link set node1 up
ip route add {SERVICE_NETWORK} dev node0
sysctl --quiet --write net.ipv4.ip_forward=1
"$@"
exit $?
"""


class NoMachine(Exception):
    """A node cannot be run on this machine; the message says what is missing."""


def check() -> None:
    """NoMachine where a node cannot be run."""
    missing = sorted({package for tool, package in TOOLS.items() if shutil.which(tool) is None})
    if missing:
        raise NoMachine(f"apt-get install --no-install-recommends {' '.join(missing)}")
    if os.geteuid() != 0:
        raise NoMachine("a node needs root")


def run(command: Sequence[str | Path], environment: Mapping[str, str]) -> int:
    """Run a command in there and wait for its end; its exit code."""
    group = f"hookgate-node-{os.getpid()}"
    made = _make_groups(group)
    spaces = ["--mount", "--net", "--pid", "--fork", "--mount-proc", "--kill-child"]
    try:
        return subprocess.run(
            ["unshare", *spaces, "--", "sh", "-c", _SETUP, "sh", *command],
            env={**os.environ, **environment, INSIDE: group},
            check=False,
        ).returncode
    finally:
        for each in made:
            _remove_group(each)


def group() -> str | None:
    """Inside: the control group that all of the node belongs below. Elsewhere None."""
    return os.environ.get(INSIDE)


def hierarchies() -> list[Path]:
    """Where control groups are: one folder for each controller (version 1), or one for all (version 2)."""
    if (CONTROL_GROUPS / "cgroup.controllers").exists():
        return [CONTROL_GROUPS]
    return [each for each in CONTROL_GROUPS.iterdir() if (each / "cgroup.procs").exists()]


def _make_groups(name: str) -> list[Path]:
    made = [hierarchy / name for hierarchy in hierarchies()]
    for each in made:
        each.mkdir()
        for setting in ("cpuset.cpus", "cpuset.mems"):  # version 1 begins with none
            if (each / setting).exists() and not (each / "cgroup.controllers").exists():
                (each / setting).write_text((each.parent / setting).read_text())
    return made


def _remove_group(top: Path) -> None:
    """A group and all below it, once the kernel has ended what was in them."""
    deadline = time.monotonic() + GONE_WITHIN
    while top.exists():
        try:
            for folder, _, _ in os.walk(top, topdown=False):
                Path(folder).rmdir()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
