"""
Open the file for writing and bring its schema up to date.

Migrations are numbered ``.sql`` files; ``PRAGMA user_version`` says how far a file has come. A new
file goes through all of them, so that a fresh schema and a migrated one are the same by construction.
"""

import sqlite3
from pathlib import Path

__all__ = ["Refused", "connect", "migrations", "newest"]

_MIGRATIONS = Path(__file__).parent / "migrations"
_NO_TEMPORARY_FILES = ("SQLITE_CANTOPEN", "SQLITE_IOERR_GETTEMPPATH")


class Refused(Exception):
    """The file cannot be used; the text says why and what to do."""


def migrations() -> list[tuple[int, str]]:
    """All migrations, as (number, script), in order."""
    files = sorted(_MIGRATIONS.glob("[0-9]*.sql"))
    return [(int(file.name.partition("_")[0]), file.read_text(encoding="utf-8")) for file in files]


def newest() -> int:
    """The schema version that this program works with."""
    return max(number for number, _ in migrations())


def connect(path: Path) -> sqlite3.Connection:
    """The writing connection, schema up to date. Raises Refused."""
    try:
        connection = sqlite3.connect(path, isolation_level=None, cached_statements=256)
    except sqlite3.Error as error:
        raise Refused(_unopened(path, error)) from error
    try:
        _configure(connection)
        _migrate(connection, path)
        connection.execute("PRAGMA temp_store = MEMORY")
    except sqlite3.DatabaseError as error:
        connection.close()
        raise Refused(_unopened(path, error)) from error
    except Refused:
        connection.close()
        raise
    return connection


def _configure(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA busy_timeout = 5000")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    # The last bound of the WAL, 64 MiB, should the checkpoints of ``checkpoint`` not keep up.
    connection.execute("PRAGMA wal_autocheckpoint = 16000")
    connection.execute(f"PRAGMA journal_size_limit = {64 << 20}")
    connection.execute("PRAGMA cache_size = -16384")


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > newest():
        raise Refused(
            f"{path} has schema version {version}, this hookgate knows versions up to {newest()}:"
            " it was used by a newer hookgate. Run that one, or restore a backup made before the upgrade"
        )
    if version == 0 and connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
        raise Refused(
            f"{path} is a database of another program. Give HOOKGATE_STORE a path of its own"
        )
    for number, script in migrations():
        if number > version:
            _apply(
                connection, f"BEGIN IMMEDIATE;\n{script}\n;PRAGMA user_version = {number};\nCOMMIT;"
            )


def _apply(connection: sqlite3.Connection, migration: str) -> None:
    """Carry out a migration. An index of millions of rows is sorted in files: in memory it took 90 MB a million.

    Where there is no folder for such files, memory has to do.
    """
    try:
        connection.execute("PRAGMA temp_store = FILE")
        connection.executescript(migration)
    except sqlite3.OperationalError as error:
        if error.sqlite_errorname not in _NO_TEMPORARY_FILES:
            raise
        connection.rollback()
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.executescript(migration)


def _unopened(path: Path, error: sqlite3.Error) -> str:
    if error.sqlite_errorname in ("SQLITE_NOTADB", "SQLITE_CORRUPT"):
        return f"{path} is not a usable SQLite database ({error}). Restore a backup or give HOOKGATE_STORE another path"
    if error.sqlite_errorname == "SQLITE_FULL" or error.sqlite_errorname.startswith("SQLITE_IOERR"):
        return f"{path} cannot be prepared: {error}. Make room on that disk"
    return f"{path} cannot be opened for writing: {error}. Make its directory writable for this user, or give HOOKGATE_STORE another path"
