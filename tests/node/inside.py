"""What a container looks like from within it and from the kernel."""

import os
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.kubectl import Kubectl, Result
from tests.node import machine

MEBIBYTE = 2**20


@dataclass(frozen=True, slots=True)
class Inside:
    """A container of a running pod."""

    kubectl: Kubectl
    pod: str
    container: str

    async def try_(self, *command: str) -> Result:
        """A command in the container, however it ends."""
        return await self.kubectl("exec", self.pod, f"--container={self.container}", "--", *command)

    async def run(self, *command: str) -> str:
        """What a command prints that has to succeed; KubectlFailed."""
        place = (self.pod, f"--container={self.container}")
        return (await self.kubectl.must("exec", *place, "--", *command)).strip()

    async def status(self) -> dict[str, str]:
        """`/proc/1/status`, by name; what is several words is told with single spaces."""
        lines = (await self.run("cat", "/proc/1/status")).splitlines()
        pairs = (line.partition(":") for line in lines)
        return {name: " ".join(value.split()) for name, _, value in pairs}

    async def owner(self, path: str) -> str:
        """Mode, user and group, as `2770 0:65532`; links are followed."""
        return await self.run("stat", "--dereference", "--format=%a %u:%g", path)

    async def memory(self) -> tuple[int, int]:
        """Bytes in use as Kubernetes counts them (the working set), and the limit."""
        found = await self.kubectl.get("pod", self.pod)
        (status,) = found["status"]["containerStatuses"]
        folder = _control_group(status["containerID"].rpartition("/")[2])
        version_1 = (folder / "memory.usage_in_bytes").exists()
        usage, limit, key = (
            ("memory.usage_in_bytes", "memory.limit_in_bytes", "total_inactive_file")
            if version_1
            else ("memory.current", "memory.max", "inactive_file")
        )
        statistics = dict(
            line.split() for line in (folder / "memory.stat").read_text().splitlines()
        )
        used = int((folder / usage).read_text()) - int(statistics[key])
        return used, int((folder / limit).read_text())


def _control_group(container: str) -> Path:
    """The folder of a container in the hierarchy that counts memory."""
    names = {each.name: each for each in machine.hierarchies()}
    top = names.get("memory", machine.CONTROL_GROUPS) / (machine.group() or "")
    for folder, below, _ in os.walk(top):
        if container in below:
            return Path(folder, container)
    raise AssertionError(f"no control group of {container} below {top}")
