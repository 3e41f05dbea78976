"""Migrations that sort a large table do so in files, and in memory where there can be none."""

import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from hookgate_gateway.store.sqlite import schema

ROWS = 400_000
IN_FILES = 45
"""MiB that the sort may take: SQLite's cache and a piece of the rows. 34 was seen; in memory it takes 54 for these."""
MEMORY = 2
"""As SQLite numbers where temporary tables are."""

OPEN = """
import sys
from pathlib import Path
from hookgate_gateway.store.sqlite import schema

def most():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))

before = most()
connection = schema.connect(Path(sys.argv[1]))
version, temporary = (
    connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("user_version", "temp_store")
)
print((most() - before) // 1024, version, temporary)
"""


@pytest.fixture(name="store")
def _store(tmp_path: Path) -> Path:
    """One of before the index of parked deliveries by age, with many of them."""
    path = tmp_path / "hookgate.db"
    old = sqlite3.connect(path)
    for number, script in schema.migrations()[:4]:
        old.executescript(f"{script}; PRAGMA user_version = {number};")
    old.executemany(
        "INSERT INTO deliveries (namespace, id, event_id, run_id, subscription, lane, parked,"
        " created_at, due, body_size) VALUES ('shop', ?, 'evt', 'tsk', 'hook', ?, 1, ?, 0, 1)",
        ((f"dlv_{n:026d}", f"shop/hook-{n % 50}", 1.7e9 + n) for n in range(ROWS)),
    )
    old.commit()
    old.close()
    return path


def test_a_large_table_is_sorted_in_files(store: Path) -> None:
    took, version, temporary = opened(store, SQLITE_TMPDIR=str(store.parent))
    assert version == schema.newest()
    assert took < IN_FILES
    assert temporary == MEMORY


@pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("unshare") is None,
    reason="only root may take all folders for temporary files away (apt-get install util-linux)",
)
def test_without_a_folder_for_them_it_is_sorted_in_memory(store: Path) -> None:
    took, version, temporary = opened(store, bare=True)
    assert (version, temporary) == (schema.newest(), MEMORY)
    assert took > IN_FILES


def opened(store: Path, *, bare: bool = False, **environment: str) -> tuple[int, int, int]:
    """MiB that it took, the schema's version, and where temporary tables are afterwards."""
    command = [sys.executable, "-c", OPEN, str(store)]
    if bare:
        shut = f"mount --bind {store.parent} {store.parent} && " + "".join(
            f"mount --rbind {folder} {folder} && mount -o remount,bind,ro {folder} && "
            for folder in ("/tmp", "/var/tmp")
        )
        command = [
            "unshare",
            "--mount",
            "sh",
            "-c",
            f'{shut} cd /proc && exec "$@"',
            "sh",
            *command,
        ]
    kept = {
        name: value for name, value in os.environ.items() if name not in ("SQLITE_TMPDIR", "TMPDIR")
    }
    done = subprocess.run(
        command, env={**kept, **environment}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    took, version, temporary = (int(word) for word in done.stdout.split())
    return took, version, temporary
