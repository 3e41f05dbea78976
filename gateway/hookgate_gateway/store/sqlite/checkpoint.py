"""
Checkpoints beside the commits: the WAL's pages go into the database without anybody waiting for it.

A checkpoint of the 16 MiB that gather in two seconds of moderate load takes tens of milliseconds, and
SQLite would make it inside a commit. So a thread with a connection of its own makes it (passive: it
neither waits for nor blocks anybody; SQLite gives the GIL back for its whole length). What was
committed meanwhile is left over; the writer finishes these few pages itself now and then, because only
a WAL that is through to its end is begun again from its start.
"""

import contextlib
import sqlite3
import threading
from pathlib import Path

__all__ = ["Checkpointer"]

_EVERY = 1000
"""Pages between two passes, as estimated."""
_PAGES_OF_A_COMMIT = 6
"""The right edges of tables and indexes that every commit writes anew."""
_BYTES_OF_A_PAGE = 1024
"""Bodies for each page beyond these: an event's rows and indexes take more room than its body."""
_BEGIN_AGAIN = 4000
"""Pages in the WAL at which it is to be begun again: 16 MiB."""
_PASSIVE = "PRAGMA wal_checkpoint(PASSIVE)"


class Checkpointer:
    """Call ``committed`` after each commit, from the writing connection's thread."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self._path = path
        self._connection = connection
        self._pages = 0
        self._is_long = False
        self._ends = False
        self._wanted = threading.Event()
        self._thread = threading.Thread(target=self._work, name="checkpoints", daemon=True)
        self._thread.start()

    def committed(self, size: int) -> None:
        """So many bytes of frames were committed, and everybody was answered."""
        self._pages += _PAGES_OF_A_COMMIT + size // _BYTES_OF_A_PAGE
        if self._is_long:
            self._is_long = False
            with contextlib.suppress(sqlite3.Error):  # a full disk: the next one will tell
                self._connection.execute(_PASSIVE).fetchall()
        if self._pages >= _EVERY:
            self._pages = 0
            self._wanted.set()

    def close(self) -> None:
        self._ends = True
        self._wanted.set()
        self._thread.join()

    def _work(self) -> None:
        with contextlib.closing(sqlite3.connect(self._path, isolation_level=None)) as connection:
            connection.execute("PRAGMA synchronous = FULL")
            while self._wanted.wait() and not self._ends:
                self._wanted.clear()
                with contextlib.suppress(sqlite3.Error):
                    _, pages, _ = connection.execute(_PASSIVE).fetchone()
                    self._is_long = pages >= _BEGIN_AGAIN
