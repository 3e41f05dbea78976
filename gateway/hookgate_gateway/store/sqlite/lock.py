"""
One writer for each database: an exclusive ``flock`` on a file beside it.

The kernel gives it back when its holder ends, however it ends. A writer whose gateway was killed still
commits what it has, so the next one waits for it.
"""

import fcntl
import os
import time
from collections.abc import Callable
from pathlib import Path

from hookgate_gateway.store.sqlite.schema import Refused

__all__ = ["acquire", "is_held", "lock_path"]

_PAUSE = 0.02


def lock_path(path: Path) -> Path:
    """The lock file of a database."""
    return path.with_name(path.name + ".lock")


def acquire(
    path: Path,
    patience: float,
    waiting: Callable[[str], None],
    abandoned: Callable[[], bool] = lambda: False,
) -> int:
    """The lock's descriptor, to be kept open. Raises Refused after ``patience`` seconds.

    ``waiting`` is told once, with the holder, when the lock is not free at once. Nobody needs the lock
    any more once ``abandoned`` is true: Refused, too.
    """
    file = lock_path(path)
    if path.is_dir():
        raise Refused(f"{path} is a directory. HOOKGATE_STORE must name a file in it")
    try:
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise Refused(
            f"{path} cannot be opened for writing: {error.strerror} ({file})."
            " Make its directory exist and writable for this user, or give HOOKGATE_STORE another path"
        ) from error
    deadline = time.monotonic() + patience
    told = False
    while not _locked(descriptor):
        holder = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip() or "unknown"
        if not told:
            waiting(holder)
            told = True
        if abandoned():
            os.close(descriptor)
            raise Refused("nobody waits for this store any more")
        if time.monotonic() >= deadline:
            os.close(descriptor)
            raise Refused(
                f"{path} is in use by another gateway (process {holder} holds {file})."
                " Stop that one first, or give HOOKGATE_STORE another path"
            )
        time.sleep(_PAUSE)
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode("ascii"), 0)
    return descriptor


def is_held(path: Path) -> bool:
    """Whether somebody holds the lock of this database now."""
    try:
        descriptor = os.open(lock_path(path), os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return not _locked(descriptor)
    finally:
        os.close(descriptor)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
