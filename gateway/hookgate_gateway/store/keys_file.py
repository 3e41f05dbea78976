"""
The file of encryption keys while the gateway runs: a new key on top is taken up without a restart.

What is stored is encrypted with the first key soon after, so that the other keys can be taken out. A
file that would not open everything is refused, and the former keys stay in use.
"""

import asyncio
from pathlib import Path
from typing import Protocol

from hookgate_gateway.observe import Observer
from hookgate_gateway.ports import StoreError, StoreRefused, StoreUnavailable
from hookgate_gateway.store.cipher import Cipher, read_cipher
from hookgate_process.watched_files import WatchedFiles

__all__ = ["KeysFile"]

LOOK_EVERY = 2.0
"""Seconds between two looks at the file."""


class Encrypted(Protocol):
    """What is encrypted, as far as the file's keeper knows it."""

    async def rotate(self, cipher: Cipher) -> int:
        """Use this cipher; encrypt everything with its first key; how many were under another."""
        ...

    async def reencrypt(self) -> int:
        """Encrypt with the first key what is under another; how many."""
        ...


class KeysFile:
    """Keeps a store under the first key of a file."""

    def __init__(self, path: Path, encrypted: Encrypted, observer: Observer) -> None:
        self.path = path
        self._encrypted = encrypted
        self._observer = observer
        self._file = WatchedFiles(path)
        self._unfinished = False

    async def watch(self) -> None:
        """Look at the file until cancelled."""
        while True:
            await asyncio.sleep(LOOK_EVERY)
            await self.look()

    async def look(self) -> None:
        """Take up a change of the file, if there is one. Never raises for what is in it."""
        try:
            if self._file.changed():
                self._tell(await self._encrypted.rotate(read_cipher(self.path)))
            elif self._unfinished:
                self._tell(await self._encrypted.reencrypt())
        except StoreRefused as error:
            self._observer.error("encryption_keys_refused", error=str(error))
        except StoreError as error:  # the store cannot write now: the rest at the next look
            self._unfinished = True
            self._observer.warning("secrets_not_reencrypted", error=str(error))

    async def begin(self) -> None:
        """Encrypt with the first key what the last start left under another, now or when it can be."""
        try:
            if replaced := await self._encrypted.reencrypt():
                self._tell(replaced)
        except StoreUnavailable:
            self._unfinished = True

    def _tell(self, replaced: int) -> None:
        self._unfinished = False
        self._observer.event("secrets_reencrypted", file=str(self.path), count=replaced)
