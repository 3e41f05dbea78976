"""Deliveries whose age is over, whether or not they ever got their turn."""

import asyncio

import pytest

from hookgate_gateway.rules.delivery import Ending, HoldReason
from hookgate_gateway.rules.lane import LaneLimits
from hookgate_gateway.rules.retry import RetryPolicy
from tests.gateway.dispatch.fakes import (
    EPOCH,
    LANE,
    api_key,
    hangs,
    held,
    running,
    status,
    subscription,
)

pytestmark = pytest.mark.looptime

SHORT = RetryPolicy(jitter_percent=0.0, max_age=1000.0)
LONG = 259_200.0


def endings(world):
    return [world.backlog.ending.get(id_) for id_ in world.backlog.rows]


def exhausted(world):
    return world.metric(
        "webhooks_delivered_total", namespace="shop", subscription="invoices", result="exhausted"
    )


async def test_nothing_outlives_its_age_behind_an_open_breaker():
    async with running(subscription(retry=SHORT)) as world:
        world.sender.script[LANE] = status(500)
        world.accept(*[world.make() for _ in range(500)])
        await asyncio.sleep(990)
        assert len(world.backlog.of("pending")) > 400
        await asyncio.sleep(40)
        assert world.backlog.of("pending") == []
        assert set(endings(world)) == {Ending.EXPIRED}
        assert exhausted(world) == 500
        assert not world.backlog.taken
        assert world.dispatcher.waiting_bytes == 0


async def test_nothing_outlives_its_age_in_a_long_queue():
    slow = LaneLimits(max_in_flight=1, breaker_failures=0)
    async with running(subscription(retry=SHORT, limits=slow)) as world:
        world.sender.script[LANE] = hangs()
        world.accept(*[world.make() for _ in range(500)])
        await asyncio.sleep(1060)
        assert world.backlog.of("pending") == []
        assert len(world.sender.sent) < 40


async def test_a_runs_own_target_has_the_default_age():
    async with running(keys=[api_key()]) as world:
        url = "https://app.example/hook"
        delivery = world.make(url)
        world.sender.script[delivery.lane] = status(500)
        old = [world.make(url, accepted_at=EPOCH - LONG + 500) for _ in range(20)]
        world.backlog.add(delivery, *old)
        await asyncio.sleep(490)
        assert len(world.backlog.of("pending")) >= 10
        await asyncio.sleep(40)
        assert world.backlog.of("pending") == [delivery.id]


@pytest.mark.parametrize("reason", list(HoldReason))
async def test_what_is_held_does_not_expire_and_its_age_starts_anew_with_the_resume(reason):
    one = subscription(retry=SHORT)
    async with running(held(one, reason)) as world:
        world.sender.script[LANE] = status(500)
        world.backlog.add(*[world.make() for _ in range(100)], parked=True)
        await asyncio.sleep(5000)
        assert len(world.backlog.of("pending")) == 100
        resumed = subscription(retry=SHORT, resumed_at=world.clock.now())
        world.catalogue.swap(resumed)
        await asyncio.sleep(990)
        assert len(world.backlog.of("pending")) > 60
        await asyncio.sleep(40)
        assert world.backlog.of("pending") == []


@pytest.mark.parametrize("jump", [3600.0, -3600.0])
async def test_a_jump_of_the_wall_clock_makes_nobody_old(jump):
    async with running(subscription(retry=SHORT)) as world:
        world.sender.script[LANE] = hangs(29.0)
        world.accept(*[world.make() for _ in range(50)])
        await asyncio.sleep(400)
        before = set(world.backlog.of("pending"))
        world.clock.jump = jump
        tried = {shipment.delivery_id for _, shipment in world.sender.sent}
        await asyncio.sleep(100)
        untried = before - tried - {s.delivery_id for _, s in world.sender.sent}
        assert untried
        assert untried <= set(world.backlog.of("pending"))


async def test_what_waited_while_nobody_could_send_gets_its_turn_first():
    async with running(subscription(retry=SHORT)) as world:
        world.backlog.add(*[world.make(accepted_at=EPOCH - 9999) for _ in range(100)], parked=True)
        await asyncio.sleep(60)
        assert len(world.backlog.of("delivered")) == 100


async def test_a_store_that_cannot_now_ends_them_later():
    slow = LaneLimits(max_in_flight=1, breaker_failures=0)
    async with running(subscription(retry=SHORT, limits=slow)) as world:
        world.sender.script[LANE] = hangs()
        world.accept(*[world.make() for _ in range(100)])
        await asyncio.sleep(990)
        world.backlog.down = True
        await asyncio.sleep(60)
        assert world.backlog.of("pending")
        world.backlog.down = False
        await asyncio.sleep(60)
        assert world.backlog.of("pending") == []
        assert not world.backlog.taken
