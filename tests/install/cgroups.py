"""The control groups of a node's containers: a folder in each hierarchy, which does not go by itself."""

import contextlib
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

_ROOT = Path("/sys/fs/cgroup")
_PREFIX = "hookgate-tests-"


@asynccontextmanager
async def cgroup() -> AsyncIterator[str]:
    """The path of a group for one test run; what killed runs have left behind goes first."""
    _sweep()
    name = f"{_PREFIX}{os.getpid()}"
    try:
        yield f"/{name}"
    finally:
        for folder in _folders():
            if folder.name == name:
                _remove(folder)


def _sweep() -> None:
    for folder in _folders():
        if not Path(f"/proc/{folder.name.removeprefix(_PREFIX)}").exists():
            _remove(folder)


def _folders() -> list[Path]:
    """One hierarchy (version 2), or one for each controller."""
    return [*_ROOT.glob(f"{_PREFIX}*"), *_ROOT.glob(f"*/{_PREFIX}*")]


def _remove(folder: Path) -> None:
    """Groups without processes are removed as folders without files."""
    for each in sorted(folder.rglob("*"), reverse=True):
        if each.is_dir():
            with contextlib.suppress(OSError):
                each.rmdir()
    with contextlib.suppress(OSError):
        folder.rmdir()
