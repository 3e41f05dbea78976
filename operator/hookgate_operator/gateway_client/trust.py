"""
Whose certificates are believed: those of one file, which may change at any time, or the system's.
"""

import asyncio
import ssl
from collections.abc import Callable
from pathlib import Path

from hookgate_process.watched_files import UnusableFile, WatchedFiles

__all__ = ["Trust"]


class Trust:
    """The TLS context of the connections to the gateway. Raises UnusableFile when made.

    A pinned CA replaces the system's roots. A file that cannot be used any more leaves the last good one
    in force, and ``refused`` is told why.
    """

    def __init__(
        self,
        ca_file: Path | None,
        *,
        changed: Callable[[], object],
        refused: Callable[[str], object],
    ) -> None:
        self._path = ca_file
        self._changed, self._refused = changed, refused
        self._file = WatchedFiles(*([ca_file] if ca_file else []))
        self._context = _context(ca_file)

    async def current(self) -> ssl.SSLContext:
        """The same object as long as the file does not change: connections are kept by it."""
        if self._file.changed():
            try:
                # Parsing takes milliseconds that belong to the event loop.
                self._context = await asyncio.to_thread(_context, self._path)
            except UnusableFile as error:
                self._refused(str(error))
            else:
                self._changed()
        return self._context


def _context(ca_file: Path | None) -> ssl.SSLContext:
    if ca_file is None:
        return ssl.create_default_context()
    try:
        return ssl.create_default_context(cafile=ca_file)
    except ssl.SSLError:
        raise UnusableFile(f"{ca_file} holds no certificates in PEM") from None
    except OSError as error:
        raise UnusableFile(f"{ca_file} cannot be read: {error.strerror}") from None
