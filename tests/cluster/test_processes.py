"""Programs that tests start do not outlive them."""

import os
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cluster.processes import Program

WITHIN = 10.0
STARTER = """
import sys
from pathlib import Path
from tests.cluster.processes import Program

program = Program(["sleep", "60"], Path(sys.argv[1]))
program.start()
print(program.pid, flush=True)
sys.stdin.read()
"""


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="Linux' setpriv is not here")
def test_a_killed_test_run_leaves_nothing(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", STARTER, str(tmp_path / "log")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as starter:
        assert starter.stdout is not None
        # From here on the kernel tells of the child's end, whoever inherits it.
        pid = int(starter.stdout.readline())
        child = os.pidfd_open(pid)
        _await_name(pid, "sleep")
        starter.kill()
    try:
        _await_end(child)
    finally:
        os.close(child)


def test_what_ignores_the_request_to_stop_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.cluster.processes.STOP_WITHIN", 0.1)
    program = Program(["sleep", "60"], tmp_path / "log")
    program.start()
    program.freeze()
    before = time.monotonic()
    program.stop()
    assert not program.running
    assert time.monotonic() - before < WITHIN


def _await_name(pid: int, name: str) -> None:
    """The guard has set its trap once it has become the program it guards."""
    deadline = time.monotonic() + WITHIN
    while Path(f"/proc/{pid}/comm").read_text().strip() != name:
        assert time.monotonic() < deadline, f"process {pid} never became {name}"


def _await_end(pidfd: int) -> None:
    """A pidfd becomes readable when its process ends."""
    readable, _, _ = select.select([pidfd], [], [], WITHIN)
    assert readable, "the child outlived the one that started it"
