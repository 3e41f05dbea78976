"""
The certificate of a listener, from files that may change at any time.

A pair is tried on a context of its own before the listener's takes it, so that a half-written one
changes nothing: the last good one stays, and the log tells.
"""

import asyncio
import ssl
from pathlib import Path

from hookgate_gateway.observe import Observer
from hookgate_process.watched_files import WatchedFiles

__all__ = ["TlsFiles", "UnusableCertificate"]

_LOOK_EVERY = 2.0


class UnusableCertificate(Exception):
    """The files cannot be used; the text names them and says why."""


class TlsFiles:
    """A certificate chain and its private key, both PEM. Raises UnusableCertificate when made."""

    def __init__(self, certificate: Path, key: Path, observer: Observer) -> None:
        self._certificate = certificate
        self._key = key
        self._observer = observer
        self._files = WatchedFiles(certificate, key)
        self.context = self._load(_context())
        """For the listener; new connections get the newest certificate."""

    async def watch(self) -> None:
        """Take in what changes, until cancelled."""
        while True:
            await asyncio.sleep(_LOOK_EVERY)
            await self.look()

    async def look(self) -> None:
        """Load the files again if they are other ones."""
        if not self._files.changed():
            return
        try:
            await asyncio.to_thread(self._load, _context())
            self._load(self.context)
        except UnusableCertificate as error:
            self._observer.error("control_certificate_unusable", error=str(error))
        else:
            self._observer.event("control_certificate_changed")

    def _load(self, context: ssl.SSLContext) -> ssl.SSLContext:
        try:
            context.load_cert_chain(self._certificate, self._key, password=_no_password)
        except (OSError, ValueError) as error:  # an SSLError is an OSError
            reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
            raise UnusableCertificate(
                f"{self._certificate} and {self._key}: {reason}"
            ) from None  # fmt: skip
        return context


def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _no_password() -> str:
    """An encrypted key is refused; without this OpenSSL would ask at the terminal."""
    raise ValueError("the private key is encrypted; give it without a passphrase")
