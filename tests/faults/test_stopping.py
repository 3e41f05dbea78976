"""SIGTERM under load: nothing lost, nothing twice, exit code 0."""

import asyncio

import pytest

from tests.acceptance.harness import Gateway, arrivals
from tests.faults.ledger import Ledger
from tests.faults.load import drained, publishing
from tests.receivers import Receiver


@pytest.mark.timeout(240)
async def test_a_stop_under_load_loses_nothing_and_sends_nothing_twice(
    idle: Gateway, receiver: Receiver
) -> None:
    idle.settings["shutdown_grace_seconds"] = "20"  # the receiver may stall with this process
    ledger = Ledger()
    await idle.start()
    async with publishing(idle, ledger, rate=300):
        for _ in range(2):
            await arrivals(receiver, len(receiver.log) + 200, "/slow")
            assert await idle.stop() == 0
            await idle.start()
        await arrivals(receiver, len(receiver.log) + 200, "/slow")
    await drained(idle)
    assert ledger.lost(receiver.log) == set()
    assert ledger.made_up(receiver.log) == set()
    assert ledger.repeats(receiver.log) == []
    assert len(ledger.promised) > 600


@pytest.mark.timeout(180)
async def test_a_receiver_that_hangs_cannot_hold_the_stop_longer_than_the_grace(
    idle: Gateway, receiver: Receiver
) -> None:
    idle.settings["shutdown_grace_seconds"] = "6"
    idle.manifests.subscription("hang", receiver.url("hang"))
    ledger = Ledger()
    await idle.start()
    async with publishing(idle, ledger, rate=50):
        await arrivals(receiver, 1, "/hang")
    began = asyncio.get_running_loop().time()
    assert await idle.stop() == 0
    assert asyncio.get_running_loop().time() - began < 12
    await idle.start()
    [request, *_] = [r for r in receiver.log if r.path == "/hang"]
    delivery = await idle.delivery_by_id(request.header("x-hookgate-delivery-id"), state="pending")
    assert delivery["attempts"] == 0, "an aborted attempt is not used up"
