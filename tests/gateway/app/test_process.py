"""The process and its signals."""

import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager

import pytest

pytestmark = pytest.mark.acceptance


@contextmanager
def gateway(tmp_path, **settings):
    ours = {
        "STORE": f"sqlite:///{tmp_path}/hookgate.db",
        "LISTEN": "127.0.0.1:0",
        "METRICS_LISTEN": "127.0.0.1:0",
        "SHUTDOWN_DRAIN_SECONDS": "0",
        **settings,
    }
    rest = {k: v for k, v in os.environ.items() if not k.startswith("HOOKGATE_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "hookgate", "gateway"],
        env=rest | {f"HOOKGATE_{name}": value for name, value in ours.items()},
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def until(process, event):
    """Read the log up to this event."""
    for line in process.stderr:
        if json.loads(line)["event"] == event:
            return
    raise AssertionError(f"never logged: {event}")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_in_order(tmp_path, number):
    with gateway(tmp_path) as process:
        until(process, "listening")
        process.send_signal(number)
        until(process, "stopped")
        assert process.wait(60) == 0


def test_it_goes_on_for_the_drain_with_nothing_in_flight(tmp_path):
    with gateway(tmp_path, SHUTDOWN_DRAIN_SECONDS="60") as process:
        until(process, "listening")
        process.send_signal(signal.SIGTERM)
        until(process, "stopping")
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.5)


def test_a_second_signal_ends_it_at_once(tmp_path):
    with gateway(tmp_path, SHUTDOWN_DRAIN_SECONDS="60") as process:
        until(process, "listening")
        process.send_signal(signal.SIGTERM)
        until(process, "stopping")
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 128 + signal.SIGTERM


def test_a_start_that_waits_for_the_stores_lock_can_be_ended(tmp_path):
    with gateway(tmp_path) as first:
        until(first, "listening")
        with gateway(tmp_path) as second:
            until(second, "store_waits_for_lock")
            second.send_signal(signal.SIGTERM)
            assert second.wait(60) == 128 + signal.SIGTERM


def test_a_typo_in_a_variable_is_warned_of(tmp_path):
    with gateway(tmp_path, LISTN=":1") as process:
        until(process, "unknown_setting")
