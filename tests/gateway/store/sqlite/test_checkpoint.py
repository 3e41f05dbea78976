"""The WAL stays short under continuous writing, although no commit waits for a checkpoint."""

from hookgate_gateway.store.sqlite import schema
from hookgate_gateway.store.sqlite.checkpoint import Checkpointer

MIB = 1 << 20


def test_the_wal_is_begun_again(tmp_path):
    connection = schema.connect(tmp_path / "h.db")
    connection.execute("PRAGMA wal_autocheckpoint = 0")  # no help from SQLite itself
    checkpointer = Checkpointer(tmp_path / "h.db", connection)
    for n in range(150):
        value = bytes([n]) * MIB
        connection.execute("REPLACE INTO facts (name, value) VALUES (?, ?)", (f"f{n % 2}", value))
        checkpointer.committed(MIB)
    checkpointer.close()
    assert (tmp_path / "h.db-wal").stat().st_size < 100 * MIB
    connection.close()
    assert not (tmp_path / "h.db-wal").exists()


def test_closing_ends_the_thread_at_once(tmp_path):
    connection = schema.connect(tmp_path / "h.db")
    checkpointer = Checkpointer(tmp_path / "h.db", connection)
    checkpointer.close()
    connection.close()
