"""A backup under load, restored elsewhere: what had been answered is there, what is due goes out."""

import asyncio
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.acceptance.harness import Gateway, at, clean_environment, eventually, gateway
from tests.faults.ledger import Ledger
from tests.faults.load import publishing
from tests.receivers import Receiver


def store(gateway_: Gateway, *words: str) -> subprocess.CompletedProcess[str]:
    """The command, with the gateway's own settings."""
    return subprocess.run(
        [sys.executable, "-m", "hookgate", "store", *words],
        env=clean_environment(**gateway_.settings),
        cwd=gateway_.home,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.timeout(300)
async def test_a_backup_under_load_is_a_store_of_its_own(
    idle: Gateway, receiver: Receiver, tmp_path: Path
) -> None:
    idle.manifests.subscription("hook", receiver.url("switch/hook"))
    idle.manifests.subscription("later", receiver.url("ok200/later"), suspend=True)
    await idle.start()
    ledger = Ledger()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    async with publishing(idle, ledger, rate=200):
        await eventually(lambda: _promised(ledger, 200), what="traffic")
        before = set(ledger.promised)
        destination = elsewhere / "hookgate.db"
        done = await asyncio.to_thread(store, idle, "backup", str(destination), "--with-keys")
        assert done.returncode == 0, done.stderr
        enough = len(ledger.promised) + 50
        await eventually(lambda: _promised(ledger, enough), what="it goes on")
    assert ledger.refused == 0
    checked = await asyncio.to_thread(store, idle, "check")
    assert (checked.returncode, "all is well" in checked.stdout) == (0, True), checked
    # The machine is lost; what is left is the backup.
    idle.kill()
    async with gateway(elsewhere) as restored:
        shutil.rmtree(restored.manifests.folder)
        shutil.copytree(idle.manifests.folder, restored.manifests.folder)
        well = await asyncio.to_thread(store, restored, "check")
        assert well.returncode == 0, well.stdout
        await restored.start()
        restored.manifests.subscription("later", receiver.url("ok200/later"))

        async def all_arrived() -> bool:
            return before <= {json.loads(r.body)["run_id"] for r in at(receiver, "/ok200/later")}

        await eventually(all_arrived, within=90, what="what was due goes out")
        for run in sorted(before)[::40]:
            assert (await restored.call("GET", f"/v1/runs/{run}")).status == 200
        reply = await restored.report(_again(receiver, min(before)))
        assert reply.json()["duplicate"] is True, "what was stored is known"


async def _promised(ledger: Ledger, count: int) -> bool:
    return len(ledger.promised) >= count


def _again(receiver: Receiver, run: str) -> bytes:
    """The bytes that were reported of a run."""
    return next(r.body for r in at(receiver, "/ok200/later") if f'"{run}"'.encode() in r.body)


async def test_maintenance_beside_a_gateway_says_what_it_may_not(idle: Gateway) -> None:
    await idle.start()
    done = await asyncio.to_thread(store, idle, "upgrade")
    assert done.returncode == 1
    assert "is in use by another gateway" in done.stderr
    assert done.stderr.count("\n") == 1
    rotate = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "hookgate", "gateway", "rotate-keys", "--new-key"],
        env=clean_environment(**idle.settings),
        cwd=idle.home,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert rotate.returncode == 0, rotate.stderr
    assert "with the first key in" in rotate.stdout
    assert idle.logged("secrets_reencrypted")
