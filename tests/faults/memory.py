"""
A cgroup with a memory limit for one gateway, as its container would have it: version 2, or version 1's memory
hierarchy. Nothing is swapped there, as on a node of Kubernetes.
"""

import contextlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

_ROOT = Path("/sys/fs/cgroup")
_REMEDY = (
    "run the tests as root where /sys/fs/cgroup is writable, such as in a privileged container"
)


@dataclass(frozen=True)
class MemoryGroup:
    """A group and the names that its version has for the same things."""

    folder: Path
    limit: str
    peak: str
    kills: str
    """The file that says how many processes were killed for memory."""

    def enter(self) -> None:
        """Move this process there: what is started after is in it from the beginning."""
        (self.folder / "cgroup.procs").write_text(str(os.getpid()))

    def peak_bytes(self) -> int:
        """The most that it ever held, page cache included."""
        return int((self.folder / self.peak).read_text())

    def killed(self) -> int:
        """How many processes the kernel has killed for its limit."""
        lines = (self.folder / self.kills).read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("oom_kill "))


@contextmanager
def memory_group(limit_bytes: int) -> Iterator[MemoryGroup]:
    """A group with this limit; skips, or fails in CI, where there can be none."""
    try:
        group = _made(f"hookgate-memory-{os.getpid()}", limit_bytes)
    except OSError as error:
        if os.environ.get("CI") == "true":
            pytest.fail(f"no cgroup with a memory limit ({error}); {_REMEDY}")
        pytest.skip(f"no cgroup with a memory limit ({error}); {_REMEDY}")
    try:
        yield group
    finally:
        _remove(group.folder)


def _made(name: str, limit_bytes: int) -> MemoryGroup:
    version_1 = _ROOT / "memory" / "memory.limit_in_bytes"
    if version_1.exists():
        group = MemoryGroup(
            _ROOT / "memory" / name,
            "memory.limit_in_bytes",
            "memory.max_usage_in_bytes",
            "memory.oom_control",
        )
    else:
        control = _ROOT / "cgroup.subtree_control"
        if "memory" not in control.read_text().split():
            control.write_text("+memory")
        group = MemoryGroup(_ROOT / name, "memory.max", "memory.peak", "memory.events")
    group.folder.mkdir()
    try:
        (group.folder / group.limit).write_text(str(limit_bytes))
        for swap, value in (("memory.swap.max", 0), ("memory.memsw.limit_in_bytes", limit_bytes)):
            if (group.folder / swap).exists():
                (group.folder / swap).write_text(str(value))
    except OSError:
        _remove(group.folder)
        raise
    return group


def _remove(folder: Path) -> None:
    """A group goes when its last process has, which may still be leaving."""
    deadline = time.monotonic() + 5
    while True:
        with contextlib.suppress(OSError):
            folder.rmdir()
            return
        if time.monotonic() > deadline:
            return
        time.sleep(0.05)
