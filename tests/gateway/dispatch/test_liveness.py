"""Nothing is stuck for ever, whatever its neighbours are like."""

import asyncio

import pytest

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
