"""The table of keys stays small by itself."""

import sqlite3

from tests.gateway.store.test_once import DAY, once
from tests.gateway.stores import START, new_run, open_sqlite


async def test_new_keys_push_out_what_is_too_old(tmp_path):
    async with open_sqlite(tmp_path) as store:
        for n in range(10):
            await store.register_once(new_run(f"tsk_old_{n}"), once(f"old-{n}"))
        for n in range(3):
            await store.register_once(new_run(f"tsk_{n}"), once(f"k{n}", at=START + DAY + 1))
    connection = sqlite3.connect(tmp_path / "hookgate.db")
    keys = {row[0] for row in connection.execute("SELECT key FROM once")}
    connection.close()
    assert keys == {"k0", "k1", "k2"}
