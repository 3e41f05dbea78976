"""No room for another page: 503 and no crash, and everything goes on when there is room again."""

import asyncio
import os
import resource
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.acceptance.harness import Gateway, eventually, report
from tests.faults.ledger import Ledger
from tests.faults.load import drained, publishing
from tests.receivers import Receiver

ROOM = 3 * 2**20


@pytest.mark.timeout(240)
async def test_a_file_that_may_not_grow(idle: Gateway, receiver: Receiver) -> None:
    """The writer process gets a limit on the size of its files: writes fail in the middle of a commit."""
    await idle.start()
    [writer, *_] = idle.writer_pids()
    resource.prlimit(writer, resource.RLIMIT_FSIZE, (ROOM, resource.RLIM_INFINITY))
    await _survives(
        idle,
        receiver,
        lambda: resource.prlimit(
            writer, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        ),
    )
    assert writer in idle.writer_pids(), "a full disk is no reason to die"


@pytest.mark.timeout(240)
@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small file system")
async def test_a_disk_that_is_full(idle: Gateway, receiver: Receiver, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    with _small_disk(disk):
        idle.settings["store"] = f"sqlite:///{disk}/hookgate.db"
        await idle.start()
        grow = ["mount", "-o", "remount,size=256m", str(disk)]
        await _survives(idle, receiver, lambda: subprocess.run(grow, check=True))
        assert await idle.stop() == 0


async def _survives(idle: Gateway, receiver: Receiver, make_room: Callable[[], object]) -> None:
    assert idle.process is not None
    gateway_pid = idle.process.pid
    ledger = Ledger()
    async with publishing(idle, ledger, rate=200):
        big = report(padding="x" * 1_000_000)

        async def refused() -> bool:
            big["run_id"] = f"tsk_big_{len(ledger.tried)}_{asyncio.get_running_loop().time()}"
            reply = await idle.report(big)
            assert reply.status in (202, 503), reply
            if reply.status == 202:
                return False
            assert int(reply.headers["retry-after"]) >= 1
            return True

        await eventually(refused, within=40, what="503")
        ready = await idle.fetch("GET", idle.metrics_url("/readyz"))
        assert ready.status in (200, 503)
        make_room()

        async def accepted() -> bool:
            return (await idle.report(report())).status == 202

        await eventually(accepted, within=40, what="accepted again")
        await eventually(lambda: _is_ready(idle), within=40, what="ready again")
    assert idle.process.poll() is None
    assert idle.process.pid == gateway_pid
    await drained(idle)
    assert ledger.lost(receiver.log) == set()
    assert ledger.repeats([r for r in receiver.log if b"tsk_big" not in r.body[:60]]) == []


async def _is_ready(idle: Gateway) -> bool:
    return (await idle.fetch("GET", idle.metrics_url("/readyz"))).status == 200


@contextmanager
def _small_disk(path: Path) -> Iterator[None]:
    path.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={ROOM}", "hookgate-test", str(path)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no mount here: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(path)], check=False)
