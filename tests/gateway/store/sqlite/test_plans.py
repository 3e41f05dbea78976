"""Every statement finds its rows by an index: none walks a table, or a whole namespace."""

import re
import sqlite3

import pytest

from hookgate_gateway.store.sqlite import schema
from hookgate_gateway.store.sqlite.sql import named

STATEMENTS = named("statements.sql") | named("queries.sql")
WALKS = {
    "oldest_due": "the first row of the index",
    "waiting_of_subscription": "hourly at most, for a deleted subscription that still has deliveries",
    "removed_resources": "small",
    "any_secrets": "one row",
    "pending": "a row for each subscription",
    "health": "a row for each subscription, read once",
    "deleted_subscriptions": "small",
    "unfinished_replays": "those that go on are few",
    "replay_may_select": "likewise",
}
"""Statements that may walk, and why."""


def explain(connection, statement):
    names = dict.fromkeys(re.findall(r":([a-z_]+)", statement), 1)
    for count in range(40):
        try:
            rows = connection.execute(f"EXPLAIN QUERY PLAN {statement}", names or (1,) * count)
            return [row[3] for row in rows]
        except sqlite3.ProgrammingError:
            continue
    raise AssertionError(statement)


@pytest.fixture
def connection(tmp_path):
    connection = schema.connect(tmp_path / "h.db")
    yield connection
    connection.close()


@pytest.mark.parametrize("name", sorted(STATEMENTS.keys() - WALKS.keys()))
def test_no_statement_walks(connection, name):
    for line in explain(connection, STATEMENTS[name]):
        assert not re.match(r"SCAN (?!lanes|spaces|json_each|pragma_)", line), line
        assert not line.endswith("(namespace=?)"), line


def test_every_statement_is_used():
    package = schema.Path(schema.__file__).parent
    source = "".join(file.read_text() for file in package.rglob("*.py"))
    for name in STATEMENTS:
        parts = name.rpartition("_")
        walked = parts[2] in ("window", "page") and f'"{parts[0]}"' in source
        assert f'"{name}"' in source or walked, name
