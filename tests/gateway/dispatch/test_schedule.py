"""Attempts at the times that the schedule says."""

import asyncio

import pytest

from hookgate_gateway.rules.delivery import Ending
from tests.gateway.dispatch.fakes import (
    LANE,
    hangs,
    in_turn,
    ok,
    running,
    status,
    subscription,
)

pytestmark = pytest.mark.looptime


async def test_a_delivery_is_sent_at_once_and_recorded():
    async with running(subscription()) as world:
        world.accept(world.make())
        await asyncio.sleep(1)
        assert world.sender.at(LANE) == [0.0]
        assert world.backlog.of("delivered") == ["dlv_000001"]
        assert not world.backlog.taken
        assert (
            world.metric(
                "webhooks_delivered_total",
                namespace="shop",
                subscription="invoices",
                result="delivered",
            )
            == 1
        )


async def test_the_seeds_schedule_in_full():
    async with running(subscription()) as world:
        world.sender.script[LANE] = status(500)
        world.accept(world.make())
        await asyncio.sleep(3600)
        assert world.sender.at(LANE) == pytest.approx([0, 60, 360, 1260, 3060], abs=0.01)
        assert world.backlog.ending == {"dlv_000001": Ending.ATTEMPTS_USED_UP}


async def test_pauses_count_from_the_end_of_an_attempt_and_jitter_comes_on_top():
    async with running(
        subscription(retry=subscription().retry.__class__(delays=(60.0,), jitter_percent=10.0)),
        jitter=0.5,
    ) as world:
        world.sender.script[LANE] = in_turn(hangs(), ok)
        world.accept(world.make())
        await asyncio.sleep(200)
        assert world.sender.at(LANE) == pytest.approx([0, 30 + 63], abs=0.01)


@pytest.mark.parametrize("jump", [3600.0, -3600.0])
async def test_a_jump_of_the_wall_clock_loses_nothing_and_floods_nobody(jump):
    async with running(subscription()) as world:
        world.sender.script[LANE] = in_turn(*[status(500)] * 4, ok)
        world.accept(*[world.make() for _ in range(40)])
        await asyncio.sleep(10)
        world.clock.jump = jump
        await asyncio.sleep(3 * 3600)
        assert len(world.backlog.of("delivered")) == 40
        assert world.sender.most_in_flight[LANE] <= 4


async def test_what_was_stored_before_the_start_is_taken_up():
    async with running(subscription()) as world:
        now = world.clock.now()
        world.backlog.add(world.make(due=now - 5), world.make(due=now + 100))
        world.backlog.add(world.make(), parked=True)
        await asyncio.sleep(50)
        assert len(world.sender.sent) == 2
        await asyncio.sleep(51)
        assert world.sender.at(LANE)[-1] == pytest.approx(100, abs=0.01)
        assert len(world.backlog.of("delivered")) == 3
