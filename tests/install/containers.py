"""
One container: an OCI bundle, run by runc on the node, with the isolation that the pod asks for.

Process, mount, IPC, host name and network namespaces, a read-only root, the user, no capabilities, no new
privileges, limits of memory and CPU are real. A seccomp profile is not applied.
"""

import asyncio
import json
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.install.image import Image
from tests.install.podspec import Identity, quantity
from tests.install.sandbox import Sandbox

_RUNC = ("runc", "--root", "/run/runc")
_KILLED_WITHIN = 60.0
_AGAIN_AFTER = 0.05


@dataclass(frozen=True, slots=True)
class Mount:
    """A folder or file of the node at a path of the container."""

    source: Path
    path: str
    read_only: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """All that a container is made from."""

    name: str
    network: str
    host_name: str
    arguments: Sequence[str]
    variables: Mapping[str, str]
    working_folder: str
    identity: Identity
    mounts: Sequence[Mount]
    etc: Mapping[str, str]
    """What a kubelet writes into `/etc`: `hosts`, `resolv.conf`, `hostname`."""
    resources: Mapping[str, Any]
    cgroup: str


def bundle(wanted: Wanted, image: Image) -> dict[str, Any]:
    """The OCI runtime's configuration."""
    who = wanted.identity
    capabilities = sorted(who.capabilities)
    effective = capabilities if who.user == 0 else []  # as execve leaves them
    return {
        "ociVersion": "1.0.2",
        "hostname": wanted.host_name,
        "root": {"path": "root", "readonly": who.read_only_root},
        "process": {
            "args": list(wanted.arguments),
            "cwd": wanted.working_folder,
            "env": [f"{name}={value}" for name, value in wanted.variables.items()],
            "noNewPrivileges": not who.may_gain_privileges,
            "user": {"uid": who.user, "gid": who.group, "additionalGids": list(who.more_groups)},
            "capabilities": {
                "bounding": capabilities,
                "effective": effective,
                "permitted": effective,
            },
        },
        "mounts": [*_system_mounts(), *_image_mounts(image), *map(_bind, wanted.mounts)],
        "linux": {
            "cgroupsPath": wanted.cgroup,
            "namespaces": [
                *({"type": each} for each in ("pid", "mount", "ipc", "uts", "cgroup")),
                {"type": "network", "path": f"/run/netns/{wanted.network}"},
            ],
            "resources": _limits(wanted.resources),
            "maskedPaths": ["/proc/kcore", "/proc/keys", "/proc/timer_list"],
            "readonlyPaths": ["/proc/sys", "/proc/sysrq-trigger"],
        },
    }


def _system_mounts() -> list[dict[str, Any]]:
    tmpfs = ["nosuid", "strictatime", "mode=755", "size=65536k"]
    shm = ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"]
    return [
        {"destination": "/proc", "type": "proc", "source": "proc"},
        {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": tmpfs},
        {"destination": "/dev/shm", "type": "tmpfs", "source": "shm", "options": shm},
    ]


def _image_mounts(image: Image) -> list[dict[str, Any]]:
    return [_bind(Mount(at, path, read_only=True)) for path, at in image.mounts.items()]


def _bind(mount: Mount) -> dict[str, Any]:
    options = ["rbind", "ro" if mount.read_only else "rw"]
    return {
        "destination": mount.path,
        "type": "bind",
        "source": str(mount.source),
        "options": options,
    }


def _limits(resources: Mapping[str, Any]) -> dict[str, Any]:
    limits, found = resources.get("limits") or {}, {}
    if "memory" in limits:
        found["memory"] = {"limit": quantity(limits["memory"])}
    if "cpu" in limits:
        found["cpu"] = {"quota": thousandths(limits["cpu"]) * 100, "period": 100_000}
    return found


def thousandths(text: str | int) -> int:
    """Thousandths of a core."""
    found = str(text)
    return int(found[:-1]) if found.endswith("m") else round(float(found) * 1000)


class Container:
    """A started container."""

    def __init__(
        self, sandbox: Sandbox, wanted: Wanted, process: asyncio.subprocess.Process
    ) -> None:
        self.name = wanted.name
        self._sandbox = sandbox
        self._process = process

    async def ended(self) -> int:
        """The exit code, as a shell would tell it: 128 and the signal's number when it was killed."""
        code = await self._process.wait()
        return code if code >= 0 else 128 - code

    async def signal(self, number: signal.Signals) -> None:
        """To the container's first process, as soon as it is there; nothing happens when it has ended."""
        command = self._sandbox.inside(*_RUNC, "kill", self.name, number.name)
        while self._process.returncode is None:
            if await _succeeds(command):
                return
            await asyncio.sleep(_AGAIN_AFTER)

    async def stop(self, grace: float) -> int:
        """SIGTERM, SIGKILL after so many seconds, and the exit code."""
        await self.signal(signal.SIGTERM)
        try:
            return await asyncio.wait_for(self.ended(), grace)
        except TimeoutError:
            return await self.kill()

    async def kill(self) -> int:
        await self.signal(signal.SIGKILL)
        return await asyncio.wait_for(self.ended(), _KILLED_WITHIN)


async def start(
    sandbox: Sandbox, image: Image, wanted: Wanted, folder: Path, log: Path
) -> Container:
    """Run a container; what it writes is appended to `log`."""
    root = folder / "root"
    root.mkdir(parents=True)
    image.unpack(root)
    for name, content in wanted.etc.items():
        (root / "etc" / name).write_text(content)
    (folder / "config.json").write_text(json.dumps(bundle(wanted, image)))
    command = sandbox.inside(*_RUNC, "run", "--bundle", folder, wanted.name)
    with log.open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output
        )
    return Container(sandbox, wanted, process)


async def _succeeds(command: Sequence[str]) -> bool:
    """Run it, whatever it says."""
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
    )
    return await process.wait() == 0
