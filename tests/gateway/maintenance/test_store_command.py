"""``hookgate store``: each answer on stores that are well, old, new, damaged, in use, or not there."""

import sqlite3
import stat
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from hookgate.cli import main
from hookgate_gateway.contract import ResourceKey, ResourceKind
from hookgate_gateway.ports import ResourceDraft
from hookgate_gateway.store.cipher import own_keys_file, read_cipher
from hookgate_gateway.store.sqlite import schema
from hookgate_gateway.store.sqlite.examination import in_use
from tests.gateway.stores import SHOP, START, acceptance, open_sqlite

SECRET = b"a-secret-value-of-the-shop"


@pytest.fixture(name="path")
def _path(tmp_path, monkeypatch):
    path = tmp_path / "hookgate.db"
    monkeypatch.setenv("HOOKGATE_STORE", f"sqlite:///{path}")
    monkeypatch.delenv("HOOKGATE_ENCRYPTION_KEYS_FILE", raising=False)
    return path


async def fill(store):
    key = ResourceKey(ResourceKind.SUBSCRIPTION, SHOP, "invoices")
    secrets = {"signing": {"secret": SECRET}}
    draft = ResourceDraft(
        key=key, owner="manifests", fingerprint="", document={"a": 1}, secrets=secrets
    )
    revision = await store.put(draft, START)
    await store.accept([acceptance(f"tsk_{n}", revision=revision) for n in range(20)])


@pytest.fixture(name="filled")
async def _filled(path):
    async with open_sqlite(path.parent) as store:
        await fill(store)
    return path


def change(path, *statements):
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


def copies(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir() if not file.name.startswith("hookgate.db")}


# -------------------------------------------------------------------------------------- backup


async def test_a_backup_is_one_complete_file_for_its_owner(filled, capsys):
    destination = filled.parent / "backup.db"
    assert main(["store", "backup", str(destination)]) == 0
    said = capsys.readouterr().out
    assert str(own_keys_file(filled)) in said, "what else is to be kept"
    assert copies(filled.parent) == {"backup.db"}
    assert stat.S_IMODE(destination.stat().st_mode) == 0o600
    connection = sqlite3.connect(f"file:{destination}?immutable=1", uri=True)
    assert connection.execute("SELECT count(*) FROM events").fetchone() == (20,)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    connection.close()


async def test_a_backup_while_the_store_is_open_and_with_its_keys_opens_elsewhere(path, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    async with open_sqlite(path.parent) as store:
        await fill(store)
        destination = str(elsewhere / "hookgate.db")
        assert main(["store", "backup", destination, "--with-keys"]) == 0
        await store.accept([acceptance("tsk_after")])
    assert stat.S_IMODE((elsewhere / "hookgate.db.key").stat().st_mode) == 0o600
    async with open_sqlite(elsewhere) as restored:
        [resource] = (await restored.changes(0)).resources
        assert resource.secrets == {"signing": {"secret": SECRET}}
        due = await restored.take_due(START + 1, 100)
        assert len(due.deliveries) == 20


@pytest.mark.parametrize("taken", ["backup.db", "backup.db.key"])
async def test_a_backup_replaces_nothing(filled, capsys, taken):
    existing = filled.parent / taken
    existing.write_text("precious")
    assert main(["store", "backup", str(filled.parent / "backup.db"), "--with-keys"]) == 1
    assert "is there already" in capsys.readouterr().err
    assert existing.read_text() == "precious"


@pytest.mark.parametrize("destination", ["nowhere/backup.db", "../../proc/version/backup.db"])
async def test_a_destination_that_cannot_be_written_is_told(filled, capsys, destination):
    assert main(["store", "backup", str(filled.parent / destination)]) == 1
    said = capsys.readouterr().err
    assert said.startswith("hookgate store backup: ")
    assert said.count("\n") == 1
    assert copies(filled.parent) == set()


def test_no_store_is_told_and_none_is_made(path, capsys):
    for words in (["backup", str(path.parent / "backup.db")], ["check"], ["upgrade"]):
        assert main(["store", *words]) == 1
        assert "there is no store at" in capsys.readouterr().err
    assert list(path.parent.iterdir()) == []


def test_without_a_setting_the_command_was_used_wrongly(monkeypatch, capsys):
    monkeypatch.delenv("HOOKGATE_STORE", raising=False)
    assert main(["store", "check"]) == 2
    assert "HOOKGATE_STORE is not set" in capsys.readouterr().err


# --------------------------------------------------------------------------------------- check


async def test_a_store_that_is_well(filled, capsys):
    assert main(["store", "check"]) == 0
    said = capsys.readouterr().out
    for line in (
        f"schema version {schema.newest()}",
        "20 events",
        "20 pending deliveries",
        "all is well",
    ):
        assert line in said
    assert SECRET.decode() not in said


async def test_the_options_say_otherwise_than_the_environment(filled, monkeypatch, capsys):
    monkeypatch.setenv("HOOKGATE_STORE", "sqlite:///nowhere.db")
    assert main(["store", "check", "--store", f"sqlite:///{filled}"]) == 0
    stranger = filled.parent / "stranger"
    stranger.write_bytes(Fernet.generate_key())
    options = ["--store", f"sqlite:///{filled}", "--encryption-keys-file", str(stranger)]
    assert main(["store", "check", *options]) == 1
    said = capsys.readouterr().out
    assert "no key opens the secrets of subscription shop/invoices" in said


async def test_a_store_without_its_key(filled, capsys):
    own_keys_file(filled).unlink()
    assert main(["store", "check"]) == 1
    assert "there is no" in capsys.readouterr().out


async def test_damage_is_found(filled, capsys):
    with filled.open("r+b") as file:
        file.seek(8 * 4096)
        file.write(b"\xa5" * 4096 * 8)
    assert main(["store", "check"]) == 1
    said = capsys.readouterr()
    assert "damaged" in said.out or "cannot be read" in said.err


async def test_counts_that_are_not_true_are_found(filled, capsys):
    change(filled, "UPDATE pending SET count = 3")
    assert main(["store", "check"]) == 1
    said = capsys.readouterr().out
    assert "20 deliveries are pending for shop/invoices, 3 are counted" in said


async def test_a_newer_store_is_refused_by_all(filled, capsys):
    change(filled, "PRAGMA user_version = 9999")
    assert main(["store", "check"]) == 1
    assert "newer hookgate" in capsys.readouterr().out
    assert main(["store", "upgrade"]) == 1
    assert "newer hookgate" in capsys.readouterr().err


def test_a_database_of_another_program(path, capsys):
    change(path, "CREATE TABLE songs (title)")
    assert main(["store", "check"]) == 1
    assert "no store of hookgate" in capsys.readouterr().out
    assert main(["store", "upgrade"]) == 1
    path.write_bytes(b"this is a letter, not a database" * 100)
    assert main(["store", "check"]) == 1
    assert "cannot be read" in capsys.readouterr().err


# ------------------------------------------------------------------------------------- upgrade


def test_an_old_store_is_brought_up_to_date(path, capsys):
    number, script = schema.migrations()[0]
    connection = sqlite3.connect(path)
    connection.executescript(f"{script}; PRAGMA user_version = {number};")
    connection.close()
    assert main(["store", "check"]) == 0
    assert "hookgate store upgrade" in capsys.readouterr().out
    assert main(["store", "upgrade"]) == 0
    assert f"schema version 1 → {schema.newest()}" in capsys.readouterr().out
    assert main(["store", "upgrade"]) == 0
    assert "nothing to do" in capsys.readouterr().out
    assert not in_use(path)


async def test_a_store_in_use_is_upgraded_by_nobody_else(path, capsys):
    async with open_sqlite(path.parent):
        assert in_use(path)
        assert main(["store", "upgrade"]) == 1
        assert "in use" in capsys.readouterr().err


# --------------------------------------------------------------------------------- rotate-keys


def test_keys_rotate_without_a_gateway(path, capsys):
    import asyncio

    async def prepare():
        async with open_sqlite(path.parent) as store:
            await fill(store)

    asyncio.run(prepare())
    assert main(["gateway", "rotate-keys", "--new-key"]) == 0
    assert "1 resources are encrypted with the first key" in capsys.readouterr().out
    file = own_keys_file(path)
    first = file.read_text().splitlines()[0]
    file.write_text(first + "\n")
    assert main(["store", "check"]) == 0
    assert main(["gateway", "rotate-keys"]) == 0
    assert read_cipher(file).size == 1


async def test_beside_a_gateway_that_reads_another_file_the_wait_ends(path, tmp_path, capsys):
    keys = tmp_path / "keys"
    keys.write_bytes(Fernet.generate_key() + b"\n")
    async with open_sqlite(path.parent, keys_file=keys) as store:
        await fill(store)
        own_keys_file(path).write_bytes(Fernet.generate_key() + b"\n" + keys.read_bytes())
        assert main(["gateway", "rotate-keys", "--patience", "0"]) == 1
        said = capsys.readouterr().err
        assert "1 of 1 resources are still under another key" in said
        assert str(own_keys_file(path)) in said


async def test_a_file_that_opens_nothing_is_left_as_it_is(filled, monkeypatch, capsys):
    keys = filled.parent / "stranger"
    keys.write_bytes(Fernet.generate_key() + b"\n")
    before = keys.read_bytes()
    monkeypatch.setenv("HOOKGATE_ENCRYPTION_KEYS_FILE", str(keys))
    assert main(["gateway", "rotate-keys", "--new-key"]) == 1
    assert "no key opens the secrets" in capsys.readouterr().err
    assert keys.read_bytes() == before
