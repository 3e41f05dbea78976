"""
Stores that hold many rows already, so that nobody waits for a million reports to be published.

A real gateway accepts a few reports; what it wrote for one of them is then copied, row by row, with new
ids. Columns are copied as they are found, so that a change of the schema is a change of the copies.
"""

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.manifests import Hook
from benchmarks.processes import STORE, BenchmarkFailed, Receiver, gateway
from hookgate_gateway.ids import Ids

_TEMPLATES = 2
_BATCH = 10_000
Row = dict[str, Any]


@contextmanager
def parked(receiver: Receiver, count: int) -> Iterator[tuple[Path, list[Hook]]]:
    """A store with that many deliveries pending for a suspended subscription, and its subscriptions.

    Reports of workflow 0 are for ``hook``, which is well; the others for ``parked``.
    """
    url = receiver.url + "/r/0"
    hooks = [Hook("hook", url, 128, workflow=0), Hook("parked", url, 4, workflow=1, suspend=True)]
    with TemporaryDirectory(prefix="hookgate-bench-") as temporary:
        home = Path(temporary)
        receiver.reset()
        with gateway(hooks, home) as first:
            first.publish(_TEMPLATES, 0, "--spread", "2", "--connections", "1")
            receiver.wait_for(1)
        _multiply(home / STORE, "state = 'pending' AND subscription = 'parked'", count)
        yield home, hooks


@contextmanager
def delivered(receiver: Receiver, count: int) -> Iterator[tuple[Path, list[Hook]]]:
    """A store with the history of that many delivered reports, and its one subscription."""
    hooks = [Hook("hook", receiver.url + "/r/0", 128)]
    with TemporaryDirectory(prefix="hookgate-bench-") as temporary:
        home = Path(temporary)
        receiver.reset()
        with gateway(hooks, home) as first:
            first.publish(_TEMPLATES, 0, "--connections", "1")
            receiver.wait_for(_TEMPLATES)
            time.sleep(1.0)  # the outcomes are written
        _multiply(home / STORE, "state = 'delivered'", count)
        yield home, hooks


def _multiply(path: Path, which: str, count: int) -> None:
    with closing(sqlite3.connect(path)) as store:
        store.row_factory = sqlite3.Row
        store.execute("PRAGMA synchronous = OFF")
        store.execute("PRAGMA cache_size = -200000")
        delivery = _one(store, f"SELECT * FROM deliveries WHERE {which} LIMIT 1")
        event = _one(store, "SELECT * FROM events WHERE id = ?", delivery["event_id"])
        run = _one(store, "SELECT * FROM runs WHERE run_id = ?", delivery["run_id"])
        attempts = store.execute("SELECT * FROM attempts WHERE delivery_id = ?", (delivery["id"],))
        attempt = attempts.fetchone()
        del event["number"]
        for first in range(1, count, _BATCH):
            numbers = range(first, min(first + _BATCH, count))
            copies = list(_copies(numbers, event, run, delivery, dict(attempt or {})))
            for table, position in (("events", 0), ("runs", 1), ("deliveries", 2), ("attempts", 3)):
                _insert(store, table, [copy[position] for copy in copies])
            store.commit()
        if delivery["state"] == "pending":
            store.execute(
                "UPDATE pending SET count = count + ? WHERE namespace = ? AND subscription = ?",
                (count - 1, delivery["namespace"], delivery["subscription"]),
            )
            store.commit()
        store.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    os.sync()  # else the gateway's first commits wait until all of this is on the disk


def _one(store: sqlite3.Connection, statement: str, *values: str) -> Row:
    found = store.execute(statement, values).fetchone()
    if found is None:
        raise BenchmarkFailed(f"the first gateway left no row: {statement}")
    return dict(found)


_IDS = Ids(time.time)  # noqa: TID251  # the rows are as old as they look


def _copies(
    numbers: range, event: Row, run: Row, delivery: Row, attempt: Row
) -> Iterator[tuple[Row, Row, Row, Row]]:
    for number in numbers:
        named = {"run_id": f"tsk_stored_{number:012d}"}
        event_id, delivery_id = _IDS.event(), _IDS.delivery()
        body = event["body"].replace(delivery["run_id"].encode(), named["run_id"].encode())
        yield (
            {**event, **named, "id": event_id, "body": body},
            {**run, **named, "event_id": event_id},
            {**delivery, **named, "id": delivery_id, "event_id": event_id},
            {**attempt, "delivery_id": delivery_id} if attempt else {},
        )


def _insert(store: sqlite3.Connection, table: str, rows: list[Row]) -> None:
    if rows and rows[0]:
        columns = ", ".join(rows[0])
        values = ", ".join(f":{column}" for column in rows[0])
        store.executemany(f"INSERT INTO {table} ({columns}) VALUES ({values})", rows)
