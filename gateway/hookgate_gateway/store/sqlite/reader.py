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

__all__ = ["Reader", "Snapshot"]

T = TypeVar("T")
_SQL = named("queries.sql")


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
