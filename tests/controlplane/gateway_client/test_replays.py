"""Declaring replays of a real gateway, and finding one's own."""

from pathlib import Path

import pytest

from hookgate_operator.gateway_client.client import GatewayClient
from hookgate_operator.ports import GatewayRefused, OwnedByAnother, ReplayDiffers, ReplayProgress
from tests.controlplane.gateway_client.world import client_of, order
from tests.gateway.api.control.test_replays import as_soon_as, exhausted
from tests.gateway.api.control.world import Control

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_from_the_estimate_to_the_end(
    client: GatewayClient, control: Control, namespace: str
) -> None:
    await exhausted(control, namespace)
    wanted = order(namespace, filter={"subscription": "invoices", "state": "exhausted"})
    assert await client.estimate(wanted) == 3
    assert await client.replay(namespace, "uid-1") is None
    begun = await client.put_replay(wanted)
    assert (begun.uid, begun.matched) == ("uid-1", 3)
    await as_soon_as(control, f"{namespace}/replays/uid-1", state="completed")
    assert await client.put_replay(wanted) == await client.replay(namespace, "uid-1")
    assert await client.replay(namespace, "uid-1") == ReplayProgress(
        uid="uid-1",
        state="completed",
        matched=3,
        sent=3,
        delivered=3,
        failed=0,
        skipped=0,
        remaining=0,
    )


async def test_paused_resumed_cancelled(
    client: GatewayClient, control: Control, namespace: str
) -> None:
    await exhausted(control, namespace)
    asleep = order(namespace, paused=True, rate_per_second=5)
    assert (await client.put_replay(asleep)).state == "paused"
    slow = order(namespace, rate_per_second=5)
    assert (await client.put_replay(slow)).state in ("running", "completed")
    await client.cancel_replay(namespace, "uid-1")
    await client.cancel_replay(namespace, "uid-1")
    await client.cancel_replay(namespace, "never-there")


async def test_what_is_wrong_is_told_in_sentences(
    client: GatewayClient, control: Control, namespace: str
) -> None:
    await exhausted(control, namespace, 1)
    with pytest.raises(GatewayRefused, match=r"^to_subscription: there is no such subscription$"):
        await client.put_replay(order(namespace, to_subscription="none"))
    with pytest.raises(GatewayRefused, match=r"^filter\.subscription: there is no such"):
        await client.estimate(order(namespace, filter={"subscription": "none"}))
    await client.put_replay(order(namespace, paused=True))
    with pytest.raises(ReplayDiffers):
        await client.put_replay(order(namespace, filter={"status": "failed"}, paused=True))


async def test_an_owner_finds_what_goes_on(
    client: GatewayClient, control: Control, namespace: str, tmp_path: Path
) -> None:
    await exhausted(control, namespace, 1)
    async with client_of(control, tmp_path, owner=f"operator/{namespace}") as mine:
        for uid in ("uid-1", "uid-2", "uid-3"):
            await mine.put_replay(order(namespace, uid, paused=True))
        await client.put_replay(order(namespace, "uid-4", paused=True))
        await mine.cancel_replay(namespace, "uid-2")
        assert await mine.replays() == [(namespace, "uid-1"), (namespace, "uid-3")]
        with pytest.raises(OwnedByAnother, match="operator/default"):
            await mine.cancel_replay(namespace, "uid-4")
        with pytest.raises(OwnedByAnother, match="operator/default"):
            await mine.put_replay(order(namespace, "uid-4"))
