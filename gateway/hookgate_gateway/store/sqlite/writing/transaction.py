"""
What every kind of frame works with: the connection inside one transaction, and what it gathers.

Nothing here commits; ``writer`` does, once for everything that was waiting.
"""

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from typing import Any

from hookgate_gateway.store.sqlite.sql import named

__all__ = ["SQL", "Answer", "Handler", "Transaction"]

SQL = named("statements.sql")

Answer = tuple[Any, Sequence[bytes]]
"""What JSON can say, and bodies."""


class Transaction:
    """One open transaction: a cursor, and changes of the pending counts gathered until its end."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.cursor = connection.cursor()
        self.pending: Counter[tuple[str, str]] = Counter()
        """Changes by (namespace, subscription); "" for URLs."""
        self.replays: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
        """Changes by (namespace, replay) of what became of its deliveries, by their state."""

    def execute(self, name: str, *values: Any) -> sqlite3.Cursor:
        """Run a named statement; the cursor is shared: read its rows before the next call."""
        return self.cursor.execute(SQL[name], values)

    def row(self, name: str, *values: Any) -> Any:
        """The first row, or None; the statement is finished."""
        rows = self.cursor.execute(SQL[name], values).fetchall()
        return rows[0] if rows else None

    def all_or_nothing(self, name: str, rows: Sequence[tuple[Any, ...]]) -> bool:
        """Run a named statement for each row; False when one of them changed nothing, and then none has."""
        if not rows:
            return True
        self.cursor.execute("SAVEPOINT rows")
        changed = self.cursor.executemany(SQL[name], rows).rowcount
        if changed != len(rows):
            self.cursor.execute("ROLLBACK TO rows")
        self.cursor.execute("RELEASE rows")
        return changed == len(rows)

    def revision(self) -> int:
        """The catalogue's revision, as this transaction sees it."""
        return int(self.row("revision")[0])

    def bump_revision(self) -> int:
        """Make the catalogue's next revision."""
        return int(self.row("bump_revision")[0])

    def finish(self) -> None:
        """Write what was gathered; called once, just before the commit."""
        changes = [(*key, change) for key, change in self.pending.items() if change]
        if changes:
            self.cursor.executemany(SQL["count_pending"], changes)
            self.cursor.executemany(SQL["forget_pending"], [c[:2] for c in changes if c[2] < 0])
        self.pending.clear()
        for replay, states in self.replays.items():
            counts = (states["delivered"], states["exhausted"], states["cancelled"])
            self.execute("count_replay", *replay, *counts)
            self.execute("settle_replay", *replay)
        self.replays.clear()


Handler = Callable[[Transaction, Any, memoryview], Answer]
"""One kind of frame: its header and bodies in, its answer out."""
