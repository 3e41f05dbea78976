"""A step of a replay that comes once more, because the writer before this one died without answering."""

import orjson
import pytest

from hookgate_gateway.store.sqlite import schema
from hookgate_gateway.store.sqlite.writing import replays
from hookgate_gateway.store.sqlite.writing.transaction import Transaction

SHOP, JOB, NOW = "shop", "rpl_1", 1_750_000_000.0
CONDITIONS = dict.fromkeys(
    ("subscription", "state", "outcome", "run_type", "status", "run_ids", "since", "until")
)


@pytest.fixture
def connection(tmp_path):
    connection = schema.connect(tmp_path / "h.db")
    connection.execute(
        "INSERT INTO resources (kind, namespace, name, owner, fingerprint, document, secrets,"
        " revision, created_at) VALUES ('subscription', 'shop', 'hook', '', '', '', '', 1, 0)"
    )
    for n in range(5):
        connection.execute(
            "INSERT INTO events (namespace, id, run_id, run_type, status, attempt, retry_pending,"
            " final, received_at, origin, body_size, body_sha256, body)"
            " VALUES ('shop', ?1, ?1, 't', 's', 0, 0, 1, 1, '', 1, ?1, 'b')",
            (f"evt_{n}",),
        )
        connection.execute(
            "INSERT INTO deliveries (namespace, id, event_id, run_id, subscription, lane, state,"
            " created_at, ended_at, body_size) VALUES ('shop', ?2, ?1, ?1, 'hook', 's/shop/hook',"
            " 'exhausted', 1, 1, 1)",
            (f"evt_{n}", f"dlv_{n}"),
        )
    yield connection
    connection.close()


def frame(connection, handler, request):
    transaction = Transaction(connection)
    connection.execute("BEGIN IMMEDIATE")
    answer, _ = handler(transaction, request, memoryview(b""))
    transaction.finish()
    connection.execute("COMMIT")
    return answer


def test_nothing_is_made_twice_and_nothing_is_passed_over(connection):
    conditions = orjson.dumps({**CONDITIONS, "not_replayed": 0}).decode()
    row = (SHOP, JOB, conditions, None, None, None, None, NOW, None, 5, 5, "running")
    frame(connection, replays.save, (row, None))
    request = (SHOP, JOB, ["dlv_a", "dlv_b"], [], [], NOW)
    first = frame(connection, replays.advance, request)
    assert [row[1] for row in first[0]] == ["dlv_a", "dlv_b"]
    assert frame(connection, replays.advance, request) == ((), (), None, False, False, True)
    frame(connection, replays.advance, (SHOP, JOB, ["dlv_c", "dlv_d", "dlv_e"], [], [], NOW))
    frame(connection, replays.advance, (SHOP, JOB, ["dlv_f"], [], [], NOW))
    made = connection.execute(
        "SELECT event_id, count(*) FROM deliveries WHERE replay = ? GROUP BY event_id", (JOB,)
    ).fetchall()
    assert made == [(f"evt_{n}", 1) for n in range(5)]
    assert connection.execute("SELECT made, selecting FROM replays").fetchone() == (5, 0)


def test_saving_it_again_changes_nothing(connection):
    conditions = orjson.dumps({**CONDITIONS, "not_replayed": 0}).decode()
    row = (SHOP, JOB, conditions, None, None, None, None, NOW, None, 5, 5, "running")
    first = frame(connection, replays.save, (row, None))
    assert frame(connection, replays.save, ((*row[:-1], 99), None)) == first
