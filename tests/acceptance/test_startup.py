"""What goes wrong at the start is one line that says what to do, and an exit code."""

import socket
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.acceptance.harness import Gateway, clean_environment, command


def _fails(gateway: Gateway, **settings: str | None) -> tuple[int, list[str]]:
    """The exit code and the lines of a start that must fail."""
    wanted = {**gateway.settings, "log_level": "info", **settings}
    done = subprocess.run(
        command(),
        env=clean_environment(**{k: v for k, v in wanted.items() if v is not None}),
        cwd=gateway.home,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert "Traceback" not in done.stderr + done.stdout
    return done.returncode, (done.stdout + done.stderr).splitlines()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"store": None}, ["HOOKGATE_STORE", "sqlite:///"]),
        ({"store": "mysql://x"}, ["HOOKGATE_STORE", "sqlite:///"]),
        ({"listen": "localhost"}, ["HOOKGATE_LISTEN", "host:port"]),
        ({"max_inflight": "many"}, ["HOOKGATE_MAX_INFLIGHT", "many"]),
        ({"retention_days": "-1"}, ["HOOKGATE_RETENTION_DAYS"]),
        ({"egress_allow": "10.0.0.0/99"}, ["HOOKGATE_EGRESS_ALLOW", "10.0.0.0/99"]),
        ({"log_format": "xml"}, ["HOOKGATE_LOG_FORMAT", "json"]),
    ],
    ids=str,
)
def test_a_wrong_setting_is_one_line_and_exit_2(
    idle: Gateway, settings: dict[str, str | None], words: list[str]
) -> None:
    code, lines = _fails(idle, **settings)
    assert code == 2, lines
    assert len(lines) == 1, lines
    assert all(word in lines[0] for word in words), lines


def test_a_port_in_use_is_one_line_and_exit_1(idle: Gateway) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, lines = _fails(idle, listen=f"127.0.0.1:{port}")
    assert code == 1, lines
    told = [line for line in lines if str(port) in line and "HOOKGATE_LISTEN" in line]
    assert len(told) == 1, lines


def test_a_manifests_folder_that_is_not_there_is_told(idle: Gateway) -> None:
    missing = str(idle.home / "nowhere")
    code, lines = _fails(idle, manifests_dir=missing)
    assert code in (1, 2), lines
    assert [line for line in lines if missing in line and "HOOKGATE_MANIFESTS_DIR" in line], lines


def test_a_store_written_by_a_newer_version_is_refused(idle: Gateway) -> None:
    path = idle.home / "hookgate.db"
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version = 9999")
    database.close()
    code, lines = _fails(idle)
    assert code == 1, lines
    assert [line for line in lines if "newer" in line and str(path) in line], lines


def test_a_file_that_is_no_database_is_refused(idle: Gateway) -> None:
    (idle.home / "hookgate.db").write_bytes(b"this is a diary, not a database\n" * 100)
    code, lines = _fails(idle)
    assert code == 1, lines
    assert [line for line in lines if "hookgate.db" in line], lines


def test_a_folder_that_cannot_be_written_is_told(idle: Gateway) -> None:
    code, lines = _fails(idle, store="sqlite:////proc/hookgate/hookgate.db")
    assert code == 1, lines
    assert [line for line in lines if "/proc/hookgate" in line], lines


async def test_a_bad_manifest_at_the_start_is_skipped_and_told(idle: Gateway) -> None:
    idle.manifests.text("broken", "kind: WebhookSubscription\nmetadata: {name: [}\n")
    await idle.start()
    assert "broken.yaml" in idle.log_text()


async def test_a_typo_in_a_variable_is_told(idle: Gateway) -> None:
    idle.settings["egres_allow"] = "10.0.0.0/8"
    await idle.start()
    assert "HOOKGATE_EGRESS_ALLOW" in idle.log_text()


async def test_a_manifest_that_is_no_text_is_told(idle: Gateway) -> None:
    (idle.manifests.folder / "photo.yaml").write_bytes(b"\x89PNG\r\n\xff\xfe")
    await idle.start()
    assert "photo.yaml" in idle.log_text()


def test_the_help_shows_every_setting(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "hookgate", "gateway", "--help"],
        env=clean_environment(),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0
    for name in ("STORE", "LISTEN", "MANIFESTS_DIR", "EGRESS_ALLOW", "SHUTDOWN_GRACE_SECONDS"):
        assert f"HOOKGATE_{name}" in done.stdout
