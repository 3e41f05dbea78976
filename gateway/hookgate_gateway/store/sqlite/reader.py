"""
Reads beside the writer: one read-only connection in a thread of its own, short transactions.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from hookgate_gateway.ports import StoreUnavailable
from hookgate_gateway.store.sqlite.sql import named

__all__ = ["Reader", "Rests", "Snapshot"]

T = TypeVar("T")
_SQL = named("queries.sql")
_REST = 3.0
"""Rest for each second of a long walk: it takes a quarter of a core."""
_LONGEST_REST = 0.02
"""Seconds: where the walk itself waited for the CPU, its rests do not grow with that."""


class Snapshot:
    """Named queries inside one read transaction: they all see the same moment."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def rows(self, name: str, /, **values: Any) -> list[Any]:
        return self._connection.execute(_SQL[name], values).fetchall()

    def row(self, name: str, /, **values: Any) -> Any:
        """The first row, or None."""
        rows = self._connection.execute(_SQL[name], values).fetchall()
        return rows[0] if rows else None

    def pick(self, name: str, values: Mapping[str, Any]) -> list[Any]:
        """As ``rows``, for values that are put together elsewhere."""
        return self._connection.execute(_SQL[name], dict(values)).fetchall()


class Reader:
    """Reads of the API. Never on the event loop, never for long."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sqlite-reader")
        self._connection: sqlite3.Connection | None = None

    async def read(self, look: Callable[[Snapshot], T]) -> T:
        """What ``look`` finds. Raises StoreUnavailable."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, self._look, look)
        except sqlite3.Error as error:
            raise StoreUnavailable(f"the store cannot be read: {error}") from error
        except RuntimeError as error:  # the executor after its shutdown
            raise StoreUnavailable("the store is closed") from error

    def _look(self, look: Callable[[Snapshot], T]) -> T:
        if self._connection is None:
            self._connection = sqlite3.connect(
                f"file:{quote(str(self._path))}?mode=ro",
                uri=True,
                isolation_level=None,
                cached_statements=64,
            )
            self._connection.execute("PRAGMA busy_timeout = 2000")
            self._connection.execute("PRAGMA query_only = 1")
        self._connection.execute("BEGIN")
        try:
            return look(Snapshot(self._connection))
        finally:
            self._connection.execute("ROLLBACK")

    async def close(self) -> None:
        """After the reads under way."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._close)
        self._thread.shutdown(wait=False)

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class Rests:
    """The pauses of a walk over many rows, which looks at one window of them after another.

    SQLite works outside of Python's lock, so a walk stops nobody by that. But a million rows are most
    of a second of CPU at a stretch, and on a machine that is full they were taken from the event loop
    and the writer: the others' p99 rose from 5 to 130 ms.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._began: float | None = None

    async def rest(self) -> None:
        """To be awaited before each window; before the first one it does not."""
        if self._began is not None:
            worked = self._loop.time() - self._began
            await asyncio.sleep(min(worked * _REST, _LONGEST_REST))
        self._began = self._loop.time()
