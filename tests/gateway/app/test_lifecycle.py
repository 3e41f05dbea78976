"""A gateway in this process: it starts in order, goes on accepting while it drains, and stops."""

import asyncio
import shutil
from contextlib import asynccontextmanager

import aiohttp
import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from hookgate_gateway.app.composition import run_gateway
from hookgate_gateway.dev.workbench import QUICKSTART
from hookgate_gateway.observe import Observer
from hookgate_gateway.ports import StoreRefused
from hookgate_gateway.settings import Settings
from hookgate_process.addresses import ListenAddress
from hookgate_process.clock import SystemClock
from hookgate_process.failures import CannotStart

KEY = {"x-api-key": "demo-key-for-your-laptop-only"}
LOOPBACK = ListenAddress("127.0.0.1", 0)


@pytest.fixture
def settings(tmp_path, monkeypatch):
    for name in Settings.model_fields:
        monkeypatch.delenv(f"HOOKGATE_{name.upper()}", raising=False)
    shutil.copytree(QUICKSTART, tmp_path / "manifests")

    def make(**more):
        values = {
            "store": tmp_path / "hookgate.db",
            "listen": LOOPBACK,
            "metrics_listen": LOOPBACK,
            "manifests_dir": tmp_path / "manifests",
            "egress_allow": "127.0.0.1",
            "shutdown_drain_seconds": 0,
            "shutdown_grace_seconds": 2,
        }
        return Settings(**(values | more))

    return make


@asynccontextmanager
async def running(settings):
    """The gateway's addresses, what ends it, and the task that it runs in."""
    stop, started = asyncio.Event(), asyncio.Event()
    with capture_logs() as log:
        observer = Observer(CollectorRegistry())
        task = asyncio.create_task(
            run_gateway(
                settings, observer, SystemClock(), asked_to_stop=stop.wait, started=started.set
            )
        )
        waiting = asyncio.create_task(started.wait())
        await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if task.done():
            task.result()
        (listening,) = [line for line in log if line["event"] == "listening"]
        try:
            yield f"http://{listening['api']}", f"http://{listening['metrics']}", stop, task
        finally:
            stop.set()
            await task


def report(run_id="tsk_1"):
    return {"run_id": run_id, "run_type": "task_v2", "status": "completed"}


async def test_it_accepts_is_ready_and_counts(settings):
    async with running(settings()) as (api, metrics, _, _), aiohttp.ClientSession() as session:
        async with session.post(f"{api}/v1/events", json=report(), headers=KEY) as answer:
            assert answer.status == 202
        async with session.get(f"{metrics}/readyz") as answer:
            assert answer.status == 200
        async with session.get(f"{metrics}/metrics") as answer:
            assert "hookgate_webhooks_received_total" in await answer.text()


@pytest.mark.parametrize("host", ["10.96.0.1", "fd00:10:96::1", "api.shoot.example", ""])
async def test_it_starts_however_a_cluster_names_its_api_server(settings, monkeypatch, host):
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", host)
    async with (
        running(settings()) as (_, metrics, *_),
        aiohttp.ClientSession() as session,
        session.get(f"{metrics}/readyz") as answer,
    ):
        assert answer.status == 200


async def test_while_it_drains_it_is_not_ready_and_yet_accepts(settings):
    async with (
        running(settings(shutdown_drain_seconds=3)) as (api, metrics, stop, task),
        aiohttp.ClientSession() as session,
    ):
        stop.set()
        async with session.get(f"{metrics}/readyz") as answer:
            assert answer.status == 503
        async with session.post(f"{api}/v1/events", json=report(), headers=KEY) as answer:
            assert answer.status == 202
        await asyncio.wait_for(task, 30)
        with pytest.raises(aiohttp.ClientConnectorError):
            await session.get(f"{api}/v1/version")


async def test_what_was_accepted_is_there_after_a_restart(settings):
    async with (
        running(settings()) as (api, *_),
        aiohttp.ClientSession() as session,
        session.post(f"{api}/v1/events", json=report(), headers=KEY) as answer,
    ):
        event_id = (await answer.json())["event_id"]
    async with (
        running(settings(manifests_dir=None)) as (api, *_),
        aiohttp.ClientSession() as session,
        session.get(f"{api}/v1/events/{event_id}", headers=KEY) as answer,
    ):
        assert answer.status == 200


async def test_a_folder_that_is_not_there_is_told(settings, tmp_path):
    with pytest.raises(CannotStart, match=r"HOOKGATE_MANIFESTS_DIR=.*create it"):
        async with running(settings(manifests_dir=tmp_path / "none")):
            pass


async def test_a_store_in_a_folder_that_is_not_there_is_told(settings, tmp_path):
    with pytest.raises(StoreRefused) as caught:
        async with running(settings(store=tmp_path / "none" / "hookgate.db")):
            pass
    assert str(tmp_path / "none") in str(caught.value)
    assert "\n" not in str(caught.value)
