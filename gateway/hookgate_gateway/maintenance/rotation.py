"""
``hookgate gateway rotate-keys``: everything under the first key of the file, whether a gateway runs or not.

A running gateway takes a changed file up by itself, so beside one this only watches until it has.
"""

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path

from prometheus_client import CollectorRegistry

from hookgate_gateway.observe import Observer
from hookgate_gateway.ports import StoreRefused
from hookgate_gateway.store.cipher import add_key, own_keys_file, read_cipher
from hookgate_gateway.store.sqlite.examination import in_use, secrets_in
from hookgate_gateway.store.sqlite.store import SqliteStore
from hookgate_process.clock import SystemClock

__all__ = ["Rotated", "rotate"]

_LOOK_EVERY = 0.25


@dataclass(frozen=True, slots=True)
class Rotated:
    """How the store stands now."""

    keys_file: Path
    keys: int
    """In the file."""
    secrets: int
    """Encrypted values in the store, all of them under the first key."""


def rotate(store: Path, keys_file: Path | None, *, new_key: bool, patience: float) -> Rotated:
    """Return once everything is under the first key. Raises StoreRefused, also after ``patience`` seconds.

    ``new_key`` puts a fresh key on top of the file before.
    """
    file = keys_file or own_keys_file(store)
    secrets_in(store, read_cipher(file))  # a file that opens nothing is told before it is changed
    if new_key:
        add_key(file)
    cipher = read_cipher(file)
    if not in_use(store):
        asyncio.run(_open_once(store, file))
    deadline = time.monotonic() + patience
    while (found := secrets_in(store, cipher)).stale:
        if time.monotonic() > deadline:
            raise StoreRefused(
                f"{found.stale} of {found.total} resources are still under another key after"
                f" {patience:g} s: the gateway that has {store} open did not take {file} up. Does it"
                " read this very file? Its log says encryption_keys_refused if it was refused"
            )
        time.sleep(_LOOK_EVERY)
    return Rotated(file, cipher.size, found.total)


async def _open_once(store: Path, keys_file: Path) -> None:
    """Opening re-encrypts."""
    observer = Observer(CollectorRegistry())
    async with SqliteStore.open(
        store, now=SystemClock.now, observer=observer, encryption_keys_file=keys_file
    ):
        pass
