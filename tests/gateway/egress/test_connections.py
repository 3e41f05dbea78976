"""Which attempts share a connection, how long one is kept, and what its end costs while it is idle."""

import asyncio

import pytest

from hookgate.deliveries import Outcome
from hookgate_gateway.rules.delivery import LaneKey
from tests.gateway.egress.support import LoopClock, ShiftedClock, StillClock, sending, shipment
from tests.receivers import Receiver


async def test_a_lane_keeps_its_connection() -> None:
    async with Receiver() as receiver, sending() as sender:
        for _ in range(5):
            await sender.send(shipment(receiver.url()))
    assert receiver.connections == 1


async def test_two_lanes_never_share_a_connection() -> None:
    lanes = [LaneKey("s/shop/a"), LaneKey("s/shop/b"), LaneKey("r/other/http://127.0.0.1")]
    async with Receiver() as receiver, sending() as sender:
        for lane in lanes * 3:
            await sender.send(shipment(receiver.url("ok200/" + lane), lane=lane))
    used = {(entry.path, entry.connection) for entry in receiver.log}
    assert len(used) == len(lanes) == receiver.connections


async def test_a_connection_closed_right_after_an_answer_costs_nothing() -> None:
    async with Receiver() as receiver, sending(clock=StillClock()) as sender:
        attempts = [await sender.send(shipment(receiver.url("idle-close"))) for _ in range(3)]
    assert [attempt.outcome for attempt in attempts] == [Outcome.SUCCESS] * 3


async def test_forgetting_a_lane_closes_its_connections() -> None:
    async with Receiver() as receiver, sending() as sender:
        await sender.send(shipment(receiver.url()))
        await sender.forget(LaneKey("s/shop/invoices"))
        await sender.forget(LaneKey("s/shop/unknown"))
        await sender.send(shipment(receiver.url()))
    assert receiver.connections == 2


async def test_forgetting_a_lane_cuts_nothing_in_flight() -> None:
    async with Receiver() as receiver, sending() as sender:
        sent = asyncio.create_task(sender.send(shipment(receiver.url("slow?seconds=0.1"))))
        await receiver.received(1)
        await sender.forget(LaneKey("s/shop/invoices"))
        attempt = await sent
    assert attempt.outcome is Outcome.SUCCESS


async def test_idle_lanes_are_forgotten_and_busy_ones_are_not() -> None:
    clock = ShiftedClock()
    async with Receiver() as receiver, sending(clock=clock) as sender:
        await sender.send(shipment(receiver.url(), lane=LaneKey("s/shop/idle")))
        busy = asyncio.create_task(sender.send(shipment(receiver.url("slow?seconds=0.1"))))
        await receiver.received(2)
        assert sender.lanes == 2
        clock.ahead = 61.0
        await sender.close_idle()
        assert sender.lanes == 1
        assert (await busy).outcome is Outcome.SUCCESS


async def test_a_lane_remembers_a_bounded_number_of_urls() -> None:
    async with Receiver() as receiver, sending() as sender:
        for number in range(300):
            attempt = await sender.send(shipment(receiver.url(f"ok200/{number}")))
            assert attempt.outcome is Outcome.SUCCESS
    assert receiver.connections == 1


@pytest.mark.looptime
async def test_the_sender_forgets_idle_lanes_by_itself() -> None:
    async with sending("", clock=LoopClock()) as sender:
        await sender.send(shipment("http://127.0.0.1/"))
        await asyncio.sleep(44)
        assert sender.lanes == 1
        await asyncio.sleep(32)
        assert sender.lanes == 0


async def test_the_end_waits_for_nothing_in_flight() -> None:
    async with Receiver() as receiver, sending() as sender:
        cut = asyncio.create_task(sender.send(shipment(receiver.url("hang"))))
        await receiver.received(1)
        await sender.forget(LaneKey("s/shop/invoices"))
    assert (await cut).outcome is Outcome.CONNECTION_ERROR
