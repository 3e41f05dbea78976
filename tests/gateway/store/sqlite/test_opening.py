"""Opening: versions, locks, files that are none, each told in one sentence with its remedy."""

import asyncio
import os
import sqlite3

import pytest
from cryptography.fernet import Fernet

from hookgate_gateway.contract import ResourceKey, ResourceKind
from hookgate_gateway.ports import ResourceDraft, StoreRefused
from hookgate_gateway.store.sqlite import schema
from tests.gateway.stores import SHOP, START, acceptance, open_sqlite


async def refusal(folder, **options):
    with pytest.raises(StoreRefused) as raised:
        async with open_sqlite(folder, **options):
            pytest.fail("it opened")
    return str(raised.value)


def dump(path):
    with sqlite3.connect(path) as connection:
        version = connection.execute("PRAGMA user_version").fetchone()
        tables = connection.execute("SELECT sql FROM sqlite_schema ORDER BY name").fetchall()
    connection.close()
    return version, tables


@pytest.mark.parametrize("from_version", range(len(schema.migrations())))
def test_a_migrated_schema_is_a_fresh_one(tmp_path, from_version):
    schema.connect(tmp_path / "fresh.db").close()
    old = sqlite3.connect(tmp_path / "old.db")
    for number, script in schema.migrations()[:from_version]:
        old.executescript(f"{script}; PRAGMA user_version = {number};")
    old.close()
    schema.connect(tmp_path / "old.db").close()
    assert dump(tmp_path / "old.db") == dump(tmp_path / "fresh.db")


def test_migrations_are_numbered_without_gaps():
    numbers = [number for number, _ in schema.migrations()]
    assert numbers == list(range(1, schema.newest() + 1))


async def test_a_newer_version_is_refused_with_both_versions(tmp_path):
    async with open_sqlite(tmp_path):
        pass
    newer = schema.newest() + 7
    connection = sqlite3.connect(tmp_path / "hookgate.db")
    connection.execute(f"PRAGMA user_version = {newer}")
    connection.close()
    message = await refusal(tmp_path)
    assert f"version {newer}" in message
    assert f"up to {schema.newest()}" in message
    assert "newer hookgate" in message


async def test_not_a_database(tmp_path):
    (tmp_path / "hookgate.db").write_bytes(b"this is a letter, not a database" * 100)
    assert "not a usable SQLite database" in await refusal(tmp_path)


async def test_another_programs_database(tmp_path):
    connection = sqlite3.connect(tmp_path / "hookgate.db")
    connection.execute("CREATE TABLE songs (title)")
    connection.close()
    assert "another program" in await refusal(tmp_path)


async def test_a_directory(tmp_path):
    (tmp_path / "hookgate.db").mkdir()
    assert "is a directory" in await refusal(tmp_path)


async def test_a_folder_that_is_not_there(tmp_path):
    message = await refusal(tmp_path / "missing")
    assert "No such file" in message
    assert "HOOKGATE_STORE" in message


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
async def test_a_folder_that_may_not_be_written(tmp_path):
    tmp_path.chmod(0o500)
    assert "writable" in await refusal(tmp_path)


async def test_a_store_opened_twice_names_the_file(tmp_path):
    async with open_sqlite(tmp_path) as store:
        message = await refusal(tmp_path, lock_patience=0.1)
        assert str(tmp_path / "hookgate.db.lock") in message
        assert str(store.link.process.pid) in message
        await store.accept([acceptance()])


async def test_the_next_gateway_waits_for_the_one_before(tmp_path):
    async def second():
        async with open_sqlite(tmp_path, lock_patience=60) as store:
            return await store.event(SHOP, item.event_id)

    item = acceptance()
    async with open_sqlite(tmp_path) as first:
        waiting = asyncio.create_task(second())
        await asyncio.sleep(0.2)
        assert not waiting.done()
        await first.accept([item])
    assert (await waiting) is not None


async def test_the_wrong_keys_are_told_at_the_door(tmp_path):
    key = ResourceKey(ResourceKind.SUBSCRIPTION, SHOP, "invoices")
    draft = ResourceDraft(
        key=key, owner="o", fingerprint="1", document={}, secrets={"s": {"k": b"v"}}
    )
    async with open_sqlite(tmp_path) as store:
        await store.put(draft, START)
    other = tmp_path / "other-keys"
    other.write_bytes(Fernet.generate_key())
    assert "HOOKGATE_ENCRYPTION_KEYS_FILE" in await refusal(tmp_path, keys_file=other)
    async with open_sqlite(tmp_path) as store:
        assert len((await store.changes(0)).resources) == 1


async def test_giving_up_while_another_holds_the_lock_takes_no_time(tmp_path):
    async with open_sqlite(tmp_path):
        async with asyncio.timeout(30):
            opening = asyncio.create_task(refusal(tmp_path, lock_patience=60))
            await asyncio.sleep(0.2)
            opening.cancel()
            with pytest.raises(asyncio.CancelledError):
                await opening


async def test_the_files_are_for_their_owner_alone(tmp_path):
    async with open_sqlite(tmp_path) as store:
        await store.accept([acceptance()])
        modes = {file.name: file.stat().st_mode & 0o077 for file in tmp_path.iterdir()}
    assert modes == dict.fromkeys(modes, 0)
    assert {"hookgate.db", "hookgate.db-wal", "hookgate.db.lock"} <= modes.keys()
