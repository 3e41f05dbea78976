"""
Looking at a store without changing it: is it whole, which version is it, do the keys open its secrets.

Works beside a running gateway, on a backup, and on a store that the gateway refuses.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from hookgate_gateway.ports import StoreRefused
from hookgate_gateway.store.cipher import Cipher
from hookgate_gateway.store.sqlite.lock import is_held
from hookgate_gateway.store.sqlite.schema import newest
from hookgate_gateway.store.sqlite.sql import named

__all__ = [
    "Examination",
    "Secrets",
    "examine",
    "in_use",
    "read_only",
    "schema_version",
    "secrets_in",
]

_SQL = named("examination.sql")
_TABLES = ("events", "runs", "deliveries", "attempts", "resources")
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Secrets:
    """The encrypted values in a store: how many, and what the keys make of them."""

    total: int
    stale: int
    """Opened, but not by the first key."""
    closed: tuple[str, ...] = ()
    """Resources that no key opens, at most a few of them."""


@dataclass(frozen=True, slots=True)
class Examination:
    """What was found. ``problems`` is empty when the store can be used."""

    version: int
    newest: int
    counts: tuple[tuple[str, int], ...] = ()
    secrets: Secrets | None = None
    problems: tuple[str, ...] = field(default=())


def examine(path: Path, cipher: Cipher | None) -> Examination:
    """Read all of a store. Raises StoreRefused when there is none to read."""
    with _reading(path) as connection:
        version = _version(connection)
        if version > newest():
            problem = (
                f"schema version {version} is of a newer hookgate; this one knows up to {newest()}"
            )
            return Examination(version, newest(), problems=(problem,))
        problems = [*_damage(connection)]
        if version == 0 or problems:
            return Examination(version, newest(), problems=(*problems, *_unprepared(version)))
        secrets = _secrets(connection, cipher) if cipher is not None else None
        problems += _miscounted(connection)
        if secrets is not None:
            problems += [f"no key opens the secrets of {name}" for name in secrets.closed]
        return Examination(version, newest(), _counts(connection), secrets, tuple(problems))


def in_use(path: Path) -> bool:
    """Whether a gateway has this store open."""
    return is_held(path)


def schema_version(path: Path) -> int:
    """How far the store's schema has come. Raises StoreRefused when there is none to read."""
    with _reading(path) as connection:
        return _version(connection)


def _secrets(connection: sqlite3.Connection, cipher: Cipher) -> Secrets:
    """What the keys make of every encrypted value."""
    total = stale = 0
    closed: list[str] = []
    for kind, namespace, name, token in connection.execute(_SQL["secrets"]):
        total += 1
        if cipher.is_current(token):
            continue
        stale += 1
        try:
            cipher.decrypt(token)
        except StoreRefused:
            stale -= 1
            closed.append(f"{kind} {namespace}/{name}")
    return Secrets(total, stale, tuple(closed[:_SHOWN]))


def secrets_in(path: Path, cipher: Cipher) -> Secrets:
    """What the keys make of every encrypted value of a store. Raises StoreRefused if one stays closed."""
    with _reading(path) as connection:
        found = _secrets(connection, cipher)
    if found.closed:
        raise StoreRefused(f"no key opens the secrets of {', '.join(found.closed)} in {path}")
    return found


def read_only(path: Path) -> sqlite3.Connection:
    """A connection that cannot write. Raises StoreRefused when there is no such file."""
    if not path.is_file():
        raise StoreRefused(f"there is no store at {path}; HOOKGATE_STORE or --store names it")
    connection = sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, isolation_level=None)
    connection.execute("PRAGMA busy_timeout = 5000")
    return connection


@contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection]:
    """One moment of the store."""
    try:
        with closing(read_only(path)) as connection:
            connection.execute("BEGIN")
            yield connection
    except sqlite3.Error as error:
        raise StoreRefused(f"{path} cannot be read: {error}. Restore a backup") from error


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _damage(connection: sqlite3.Connection) -> Iterable[str]:
    for (line,) in connection.execute(f"PRAGMA integrity_check({_SHOWN})"):
        if line != "ok":
            yield f"the file is damaged: {line}"


def _unprepared(version: int) -> Iterable[str]:
    if version == 0:
        yield "this is no store of hookgate"


def _miscounted(connection: sqlite3.Connection) -> Iterable[str]:
    for namespace, name, counted, real in connection.execute(_SQL["miscounted"]):
        target = f"{namespace}/{name}" if name else f"runs' own URLs in {namespace}"
        yield f"{real} deliveries are pending for {target}, {counted} are counted"


def _counts(connection: sqlite3.Connection) -> tuple[tuple[str, int], ...]:
    rows = [(table, connection.execute(_SQL[f"count_{table}"]).fetchone()[0]) for table in _TABLES]
    pending = connection.execute(_SQL["count_pending"]).fetchone()[0]
    return (*rows, ("pending deliveries", pending))
