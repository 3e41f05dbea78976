"""
A copy of the database as it stands at one moment, made while a gateway writes to it.

Read through a read-only connection inside one read transaction, so that the gateway neither waits nor
notices. The copy is one file without a WAL, on disk before it has its name, and never replaces another.
"""

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from hookgate_gateway.ports import StoreRefused
from hookgate_gateway.store.cipher import own_keys_file
from hookgate_gateway.store.sqlite.examination import read_only

__all__ = ["back_up", "copy_keys"]

_STEP = 2048
"""Pages copied in one go: 8 MiB, after which an interruption is heard."""


def back_up(path: Path, destination: Path, progress: Callable[[int, int], None]) -> int:
    """Copy the store at ``path``; returns the copy's size in bytes.

    ``progress`` is told the pages copied and all pages. Raises StoreRefused: no store, a destination
    that is there already or cannot be written, no room.
    """
    _refuse_existing(destination)
    draft = destination.with_name(f".{destination.name}.{os.getpid()}")
    try:
        os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        try:
            _copy(path, draft, progress)
            _publish(draft, destination)
        finally:
            for leftover in (draft, draft.with_name(draft.name + "-journal")):
                leftover.unlink(missing_ok=True)
    except FileExistsError:
        _refuse_existing(destination)
        raise
    except OSError as error:
        raise StoreRefused(
            f"{destination} cannot be written: {error.strerror}. Name a file in a folder that is there"
            " and writable"
        ) from error
    except sqlite3.Error as error:
        raise StoreRefused(f"{path} cannot be copied to {destination}: {error}") from error
    return destination.stat().st_size


def copy_keys(keys_file: Path, destination: Path) -> Path:
    """Copy the encryption keys to where a store at ``destination`` looks for them. Raises StoreRefused."""
    target = own_keys_file(destination)
    _refuse_existing(target)
    try:
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as out, keys_file.open("rb") as keys:
            shutil.copyfileobj(keys, out)
            out.flush()
            os.fsync(out.fileno())
    except OSError as error:
        raise StoreRefused(f"{keys_file} cannot be copied to {target}: {error.strerror}") from error
    return target


def _refuse_existing(file: Path) -> None:
    if file.exists():
        raise StoreRefused(f"{file} is there already, and a backup replaces nothing; name another")


def _copy(path: Path, draft: Path, progress: Callable[[int, int], None]) -> None:
    with (
        closing(read_only(path)) as source,
        closing(sqlite3.connect(draft, isolation_level=None)) as target,
    ):
        source.execute("BEGIN")  # one moment for all pages: without it, each commit begins anew
        source.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        source.backup(
            target,
            pages=_STEP,
            progress=lambda _, remaining, pages: progress(pages - remaining, pages),
        )
        target.execute("PRAGMA journal_mode = DELETE").fetchone()  # one file, complete by itself


def _publish(draft: Path, destination: Path) -> None:
    """Under its name only when it is on disk; a link fails where a rename would replace."""
    _flush(draft, os.O_RDWR)
    os.link(draft, destination)
    _flush(destination.parent, os.O_RDONLY)


def _flush(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
