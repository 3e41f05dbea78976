"""Nothing is stuck for ever, whatever its neighbours are like."""

import asyncio

import pytest

from hookgate_gateway.dispatch import tending
from hookgate_gateway.ports import StoreError
from hookgate_gateway.rules.lane import LaneLimits
from tests.gateway.dispatch.fakes import (
    LANE,
    api_key,
    running,
    status,
    subscription,
    takes,
)

pytestmark = pytest.mark.looptime


BROKEN, WELL = "https://hooks.example/broken", "https://hooks.example/well"


def by_url(answers):
    return lambda shipment: answers[shipment.url](shipment)


async def test_a_broken_url_keeps_the_parked_deliveries_of_its_origin_waiting_only_for_a_while():
    async with running(keys=[api_key()]) as world:
        lane = world.make(BROKEN).lane
        world.sender.script[lane] = by_url({BROKEN: status(500), WELL: takes(0.5)})
        world.accept(*[world.make(BROKEN) for _ in range(600)])
        await asyncio.sleep(600)
        well = [world.make(WELL) for _ in range(400)]
        world.accept(*well)
        await asyncio.sleep(600)
        left = [d for d in well if world.backlog.state[d.id] != "delivered"]
        assert left == []


async def test_an_error_that_nobody_expects_leaves_the_delivery_to_the_next_look():
    async with running(subscription()) as world:
        body, errors = world.backlog.body, [StoreError("a bug")]

        async def failing(namespace, event_id):
            if errors:
                raise errors.pop()
            return await body(namespace, event_id)

        world.backlog.body = failing
        world.backlog.bodies["shop", "evt_000001"] = b"large"
        world.accept(world.make(body=None, body_size=100_000))
        await asyncio.sleep(600)
        assert world.backlog.of("delivered") == ["dlv_000001"]


@pytest.mark.parametrize("bare_is_taken", [True, False])
async def test_an_outcome_that_the_store_cannot_take_keeps_no_other_back(bare_is_taken):
    async with running(subscription(limits=LaneLimits(max_in_flight=16))) as world:
        record = world.backlog.record

        async def picky(results):
            for result in results:
                bare = bare_is_taken and not result.attempt.response_body
                if result.delivery.id == "dlv_000003" and not bare:
                    raise StoreError("TypeError: str is not valid UTF-8")
            return await record(results)

        world.backlog.record = picky
        world.sender.script[LANE] = status(200, response_body=b"odd")
        world.accept(*[world.make() for _ in range(8)])
        await asyncio.sleep(1)
        assert len(world.backlog.of("delivered")) == 7 + bare_is_taken
        world.accept(world.make())
        await asyncio.sleep(100)
        assert len(world.backlog.of("delivered")) == 8 + bare_is_taken
        assert len(world.sender.at(LANE)) == 9


async def test_what_is_parked_while_its_lane_is_asked_is_not_overlooked():
    async with running(keys=[api_key()]) as world:
        take_parked, parked = world.backlog.take_parked, world.make(WELL)

        async def late(lane, limit, after=None):
            found = await take_parked(lane, limit, after)
            if parked.id not in world.backlog.rows:
                world.backlog.add(parked)
                world.backlog.claim([parked])
                world.dispatcher._admission.park(parked)
                await asyncio.sleep(0.1)
            return found

        world.backlog.take_parked = late
        world.sender.script[parked.lane] = takes(0.01)
        await asyncio.sleep(1)
        world.dispatcher._admission.parked({parked.lane})
        await asyncio.sleep(5)
        assert world.backlog.of("delivered") == [parked.id]


async def test_targets_by_the_thousand_are_not_remembered_for_an_hour(monkeypatch):
    monkeypatch.setattr(tending, "_MOST_LANES", 100)
    async with running(keys=[api_key()]) as world:
        for n in range(300):
            delivery = world.make(f"https://n{n}.example/", namespace="shop")
            world.sender.script[delivery.lane] = status(500)
            world.accept(delivery)
        await asyncio.sleep(30)
        assert len(world.dispatcher.lane_states()) == 300
        await asyncio.sleep(120)
        assert len(world.dispatcher.lane_states()) <= 100
