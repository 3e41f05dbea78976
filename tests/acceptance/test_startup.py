"""What goes wrong at the start is one line that says what to do, and an exit code."""

import socket
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from tests.acceptance.harness import Gateway, clean_environment, command, report
from tests.receivers import Receiver


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
        timeout=90,
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
        ({"body_memory_bytes": "1024"}, ["HOOKGATE_BODY_MEMORY_BYTES", "16777216"]),
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


@pytest.mark.parametrize("setting", ["listen", "metrics_listen"])
def test_a_port_in_use_is_one_line_and_exit_1(idle: Gateway, setting: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, lines = _fails(idle, **{setting: f"127.0.0.1:{port}"})
    assert code == 1, lines
    told = [line for line in lines if str(port) in line and f"HOOKGATE_{setting.upper()}" in line]
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


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(None, ["cannot be read", "No such file"], id="not there"),
        pytest.param("no key at all\n", ["one Fernet key a line"], id="no key"),
        pytest.param("", ["one Fernet key a line"], id="empty"),
    ],
)
def test_a_file_of_encryption_keys_that_cannot_be_used_is_told(
    idle: Gateway, content: str | None, words: list[str]
) -> None:
    file = idle.home / "keys"
    if content is not None:
        file.write_text(content)
    code, lines = _fails(idle, encryption_keys_file=str(file))
    assert code == 1, lines
    words = [*words, str(file), "HOOKGATE_ENCRYPTION_KEYS_FILE"]
    assert [line for line in lines if all(word in line for word in words)], lines
    assert "no key at all" not in str(lines)


async def test_keys_that_do_not_open_the_store_are_told(idle: Gateway) -> None:
    await idle.start()
    assert await idle.stop() == 0
    other = idle.home / "other.key"
    other.write_bytes(Fernet.generate_key())
    code, lines = _fails(idle, encryption_keys_file=str(other))
    assert code == 1, lines
    words = [str(other), "HOOKGATE_ENCRYPTION_KEYS_FILE"]
    assert [line for line in lines if all(word in line for word in words)], lines


async def test_a_second_gateway_on_the_same_store_is_told(idle: Gateway) -> None:
    await idle.start()
    elsewhere = {"listen": "127.0.0.1:0", "metrics_listen": "127.0.0.1:0"}
    code, lines = _fails(idle, **elsewhere)
    assert code == 1, lines
    assert [line for line in lines if "HOOKGATE_STORE" in line and "hookgate.db" in line], lines
    await idle.accepted(report())


async def test_a_missing_secret_is_one_line_that_names_it(
    idle: Gateway, receiver: Receiver
) -> None:
    idle.manifests.subscription("hook", receiver.url(), secrets=("not-there",))
    await idle.start()
    words = ["sub-hook.yaml", "spec.signing.secretRefs[0]", "not-there", "create it"]
    lines = idle.log_text().splitlines()
    told = [line for line in lines if all(word in line for word in words)]
    assert len(told) == 1, lines


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
        timeout=90,
        check=False,
    )
    assert done.returncode == 0
    for name in ("STORE", "LISTEN", "MANIFESTS_DIR", "EGRESS_ALLOW", "SHUTDOWN_GRACE_SECONDS"):
        assert f"HOOKGATE_{name}" in done.stdout
