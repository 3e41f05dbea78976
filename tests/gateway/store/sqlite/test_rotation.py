"""Encryption keys rotate: at a start, and while the store is open."""

import asyncio
import sqlite3
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from prometheus_client import CollectorRegistry

from hookgate_gateway.contract import ResourceKey, ResourceKind
from hookgate_gateway.observe import Observer
from hookgate_gateway.ports import ResourceDraft, StoreRefused
from hookgate_gateway.store.cipher import add_key, own_keys_file, read_cipher
from tests.gateway.stores import SHOP, START, open_sqlite

SECRETS = {"signing": {"secret": b"a-secret-value-of-the-shop"}}


class Watching(Observer):
    """Keeps what it is told."""

    def __init__(self) -> None:
        super().__init__(CollectorRegistry())
        self.told: list[tuple[str, dict[str, object]]] = []

    def event(self, name: str, /, **fields: object) -> None:
        self.told.append((name, fields))

    error = warning = event

    def count(self) -> object:
        """Of the last report of a rotation."""
        return [fields for name, fields in self.told if name == "secrets_reencrypted"][-1]["count"]


def draft(name):
    key = ResourceKey(ResourceKind.SUBSCRIPTION, SHOP, name)
    return ResourceDraft(
        key=key, owner="manifests", fingerprint="", document={"n": name}, secrets=SECRETS
    )


def new_key() -> str:
    return Fernet.generate_key().decode()


def tokens(folder: Path) -> list[bytes]:
    connection = sqlite3.connect(folder / "hookgate.db")
    rows = connection.execute("SELECT secrets FROM resources").fetchall()
    connection.close()
    return [row[0] for row in rows]


def write(file: Path, *keys: str) -> Path:
    """As a mounted Secret changes: another file takes its place."""
    draft = file.with_name("draft")
    draft.write_text("\n".join(keys) + "\n")
    draft.replace(file)
    return file


async def test_a_start_encrypts_everything_with_the_first_key(tmp_path):
    old, new = new_key(), new_key()
    file = write(tmp_path / "keys", old)
    async with open_sqlite(tmp_path, keys_file=file) as store:
        for number in range(120):  # more than a page
            await store.put(draft(f"sub-{number:03d}"), START)
        revision = (await store.changes(0)).revision
    write(file, new, old)
    observer = Watching()
    async with open_sqlite(tmp_path, keys_file=file, observer=observer) as store:
        assert observer.count() == 120
        assert (await store.changes(0)).revision == revision
    write(file, new)
    async with open_sqlite(tmp_path, keys_file=file) as store:
        found = (await store.changes(0)).resources
        assert [resource.secrets for resource in found] == [SECRETS] * 120


async def test_a_changed_file_is_taken_up_while_the_store_is_open(tmp_path):
    old, new = new_key(), new_key()
    file, observer = write(tmp_path / "keys", old), Watching()
    async with open_sqlite(tmp_path, keys_file=file, observer=observer) as store:
        await store.put(draft("one"), START)
        await store.keys.look()
        assert observer.told == [], "nothing has changed"
        write(file, new, old)
        await store.keys.look()
        assert observer.count() == 1
        await store.put(draft("two"), START)
        assert all(read_cipher(file).is_current(token) for token in tokens(tmp_path))
        write(file, new)
        await store.keys.look()
        assert observer.count() == 0
        assert [r.secrets for r in (await store.changes(0)).resources] == [SECRETS] * 2


@pytest.mark.parametrize("content", [None, "", "nonsense", "stranger"])
async def test_a_file_that_does_not_open_everything_changes_nothing(tmp_path, content):
    old = new_key()
    file, observer = write(tmp_path / "keys", old), Watching()
    async with open_sqlite(tmp_path, keys_file=file, observer=observer) as store:
        await store.put(draft("one"), START)
        if content is None:
            file.unlink()
        else:
            write(file, new_key() if content == "stranger" else content)
        await store.keys.look()
        assert observer.told[-1][0] == "encryption_keys_refused"
        assert old not in str(observer.told)
        await store.put(draft("two"), START)
        await store.keys.look()
        assert len(observer.told) == 1, "told once"
        write(file, new_key(), old)
        await store.keys.look()
        assert observer.count() == 2


async def test_what_is_put_meanwhile_is_not_overwritten(tmp_path):
    old, new = new_key(), new_key()
    file = write(tmp_path / "keys", old)
    async with open_sqlite(tmp_path, keys_file=file) as store:
        for number in range(60):
            await store.put(draft(f"sub-{number}"), START)
        write(file, new, old)
        newer = {"signing": {"secret": b"put-while-the-keys-rotated"}}
        drafts = [draft(f"sub-{number}") for number in range(60)]
        for each in drafts:
            object.__setattr__(each, "secrets", newer)
        await asyncio.gather(store.keys.look(), *(store.put(each, START) for each in drafts))
        found = (await store.changes(0)).resources
        assert [resource.secrets for resource in found] == [newer] * 60
        await store.encrypted.reencrypt()
        assert all(read_cipher(file).is_current(token) for token in tokens(tmp_path))


async def test_a_key_is_put_on_top_and_the_file_keeps_its_mode(tmp_path):
    async with open_sqlite(tmp_path) as store:
        await store.put(draft("one"), START)
        file = own_keys_file(tmp_path / "hookgate.db")
        before = file.read_text()
        add_key(file)
        assert file.read_text().endswith(before)
        assert read_cipher(file).size == 2
        assert file.stat().st_mode & 0o777 == 0o600
        await store.keys.look()
        assert read_cipher(file).is_current(tokens(tmp_path)[0])


def test_a_file_that_cannot_be_changed_is_told(tmp_path):
    with pytest.raises(StoreRefused, match="first line"):
        add_key(tmp_path / "none")
