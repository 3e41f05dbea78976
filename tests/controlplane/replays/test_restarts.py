"""A WebhookReplay over deaths of the gateway's process and of the operator: it ends, once, with exact figures."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hookgate_operator.gateway_client.client import GatewayClient
from hookgate_operator.ports import GatewayUnavailable, Key, Kind
from hookgate_operator.replays.drift import ReplayDrift
from hookgate_operator.replays.ledger import ReplayLedger
from hookgate_operator.replays.reconcile import ReplayReconciler
from tests.acceptance.harness import Gateway, eventually, free_port, gateway, report, run_id
from tests.controlplane.gateway_client.world import client_of
from tests.controlplane.worlds import MemoryCluster, Recorder, StillClock
from tests.gateway.api.control.world import TOKEN
from tests.receivers import Receiver

COUNT = 12
"""At two a second they are under way for as long as a slow machine takes to start a gateway and look at it."""


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver() as it:
        yield it


@pytest.fixture
async def failed(tmp_path: Path, receiver: Receiver) -> AsyncIterator[Gateway]:
    """A gateway with so many deliveries given up, and their receiver well again."""
    token_file = tmp_path / "token"
    token_file.write_text(TOKEN)
    listen = f"127.0.0.1:{free_port()}"
    control = {"control_listen": listen, "control_token_file": str(token_file)}
    async with gateway(tmp_path, **control) as it:
        it.manifests.subscription("hook", receiver.url("nothing-is-here"), retry=())
        await it.start()
        for _ in range(COUNT):
            assert (await it.report(report(run_id()))).status == 202

        async def given_up() -> bool:
            return len((await it.get("/v1/deliveries?state=exhausted"))["items"]) == COUNT

        await eventually(given_up, what="exhausted")
        it.manifests.subscription("hook", receiver.url("ok200"), retry=(1, 1, 1))

        async def well() -> bool:
            found = await it.get("/v1/subscriptions/hook")
            return str(found["spec"]["endpoint"]["url"]).endswith("ok200")

        await eventually(well, what="reloaded")
        yield it


def operator(cluster: MemoryCluster, client: GatewayClient) -> tuple[ReplayReconciler, ReplayDrift]:
    """One that has just started."""
    ledger = ReplayLedger()
    clock, observer = StillClock(), Recorder()
    reconciler = ReplayReconciler(cluster, client, ledger=ledger, observer=observer, clock=clock)
    return reconciler, ReplayDrift(client, ledger)


@pytest.mark.timeout(60)
async def test_it_survives_both(failed: Gateway, receiver: Receiver, tmp_path: Path) -> None:
    cluster = MemoryCluster()
    spec = {"filter": {"subscription": "hook", "state": "exhausted"}, "ratePerSecond": 2}
    key = cluster.apply("again", namespace="default", kind=Kind.REPLAY, spec=spec)
    url = f"http://{failed.settings['control_listen']}"
    async with client_of(url, tmp_path) as client:
        reconciler, _ = operator(cluster, client)
        await reconciler.reconcile(key)
        assert cluster.status(key)["matched"] == COUNT
        await eventually(lambda: arrived(receiver, 1), what="the first one")
        failed.kill()
        reconciler, drift = operator(cluster, client)
        with pytest.raises(GatewayUnavailable):
            await reconciler.reconcile(key)
        assert cluster.reason(key, "Complete") == "Running"
        await failed.start()  # the same client goes on: its connections were the dead one's
        assert await drift.differing({Kind.REPLAY: await cluster.every(Kind.REPLAY)}) == set()

        async def complete() -> bool:
            await reconciler.reconcile(key)
            return cluster.reason(key, "Complete") == "Completed"

        await eventually(complete, within=30.0, what="complete")
        assert await client.replays() == []
    status = cluster.status(key)
    figures = [status[name] for name in ("matched", "sent", "delivered", "failed", "remaining")]
    assert figures == [COUNT, COUNT, COUNT, 0, 0]
    assert len(replayed(receiver)) == COUNT


@pytest.mark.timeout(60)
async def test_its_object_was_deleted_while_neither_ran(
    failed: Gateway, receiver: Receiver, tmp_path: Path
) -> None:
    cluster = MemoryCluster()
    spec = {"filter": {"subscription": "hook"}, "ratePerSecond": 1, "suspend": True}
    key: Key = cluster.apply("again", namespace="default", kind=Kind.REPLAY, spec=spec)
    url = f"http://{failed.settings['control_listen']}"
    async with client_of(url, tmp_path) as client:
        reconciler, _ = operator(cluster, client)
        await reconciler.reconcile(key)
        (place,) = await client.replays()
        failed.kill()
        del cluster.objects[key]
        await failed.start()
        reconciler, drift = operator(cluster, client)
        assert await drift.differing({Kind.REPLAY: []}) == {key}
        await reconciler.reconcile(key)
        found = await client.replay(*place)
        assert found is not None
        assert (found.state, found.sent) == ("cancelled", 0)
    assert replayed(receiver) == set()


def replayed(receiver: Receiver) -> set[str | None]:
    """The events that came as replays."""
    return {
        request.header("x-hookgate-event-id")
        for request in receiver.log
        if request.header("x-hookgate-replay") == "1"
    }


async def arrived(receiver: Receiver, count: int) -> bool:
    return len(replayed(receiver)) >= count
