"""Stopping, restarting, and a store that does not answer."""

import asyncio
from dataclasses import replace

import pytest

from hookgate.deliveries import Outcome
from hookgate_gateway.ports import Ownership
from hookgate_gateway.rules.lane import SHARDS, LaneLimits, shard
from tests.gateway.dispatch.fakes import LANE, World, ok, running, status, subscription, takes

pytestmark = pytest.mark.looptime


async def test_stopping_lets_attempts_finish_and_starts_none():
    async with running(subscription()) as world:
        world.sender.script[LANE] = takes(10)
        world.accept(*[world.make() for _ in range(10)])
        await asyncio.sleep(1)
        await world.dispatcher.stop(35)
        assert world.clock.monotonic() == pytest.approx(10, abs=0.1)
        assert len(world.sender.sent) == 4
        assert len(world.backlog.of("delivered")) == 4
        world.accept(world.make())
        await asyncio.sleep(100)
        assert len(world.sender.sent) == 4


async def test_what_outlasts_the_grace_is_released_and_uses_up_no_attempt():
    async with running(subscription()) as world:
        world.sender.script[LANE] = takes(30)
        world.accept(*[world.make() for _ in range(3)])
        await asyncio.sleep(1)
        await world.dispatcher.stop(5)
        assert world.clock.monotonic() == pytest.approx(6, abs=0.1)
        assert not world.backlog.attempts
        assert not world.backlog.taken


async def test_a_restart_goes_on_where_the_schedule_was():
    first = World(subscription())
    async with first.dispatcher:
        first.sender.script[LANE] = status(500)
        first.accept(first.make(), first.make())
        await asyncio.sleep(400)
        await first.dispatcher.stop(5)
    first.backlog.taken.clear()
    second = World(subscription(), backlog=first.backlog)
    async with second.dispatcher:
        await asyncio.sleep(4000)
        assert second.sender.at(LANE) == pytest.approx([1260, 1260], abs=0.05)
        assert len(second.backlog.of("delivered")) == 2


async def test_outcomes_survive_a_store_that_is_down_and_nobody_is_sent_twice():
    async with running(
        subscription(limits=LaneLimits(max_in_flight=100)), max_in_flight=200
    ) as world:
        world.sender.script[LANE] = takes(1)
        world.accept(*[world.make() for _ in range(250)])
        await asyncio.sleep(0.5)
        world.backlog.down = True
        await asyncio.sleep(60)
        in_doubt = len(world.sender.sent)
        assert in_doubt <= 200
        assert not world.backlog.attempts
        world.backlog.down = False
        await asyncio.sleep(60)
        assert len(world.sender.sent) == 250
        assert len(world.backlog.of("delivered")) == 250


async def test_stopping_while_the_store_is_down_waits_for_it_a_while():
    async with running(subscription()) as world:
        world.accept(world.make())
        world.backlog.down = True
        await asyncio.sleep(1)
        asyncio.get_running_loop().call_later(5, setattr, world.backlog, "down", False)
        await world.dispatcher.stop(1)
        assert world.backlog.of("delivered") == ["dlv_000001"]


async def test_a_slow_store_gathers_outcomes():
    async with running(subscription(limits=LaneLimits(max_in_flight=64))) as world:
        world.backlog.delay = 0.1
        world.accept(*[world.make() for _ in range(200)])
        await asyncio.sleep(2)
        assert len(world.backlog.of("delivered")) == 200
        assert world.backlog.calls["record"] <= 3


async def test_a_sender_that_raises_costs_one_attempt_and_stops_nothing():
    def broken(_):
        raise ValueError("boom")

    async with running(subscription()) as world:
        world.sender.script[LANE] = broken
        world.accept(world.make())
        await asyncio.sleep(1)
        world.sender.script[LANE] = ok
        await asyncio.sleep(100)
        first, second = (attempt for _, attempt in world.backlog.attempts["dlv_000001"])
        assert (first.outcome, second.outcome) == (Outcome.CONNECTION_ERROR, Outcome.SUCCESS)


async def test_no_attempt_is_started_in_the_last_seconds_of_a_lease():
    async with running(subscription()) as world:
        every = frozenset(range(SHARDS))
        world.backlog.ownership = Ownership(1, every, 40.0)
        await asyncio.sleep(31)  # alone until now, it asks rarely
        for _ in range(20):
            world.accept(world.make())
            await asyncio.sleep(1)
        assert world.sender.at(LANE)[-1] < 37
        sent = len(world.sender.sent)
        world.backlog.ownership = Ownership(1, every, 1000.0)
        await asyncio.sleep(2)
        assert len(world.sender.sent) == 20 > sent


async def test_lanes_of_lost_shards_are_given_back():
    async with running(subscription(limits=LaneLimits(max_in_flight=1))) as world:
        world.sender.script[LANE] = takes(10)
        world.accept(*[world.make() for _ in range(5)])
        await asyncio.sleep(1)
        others = frozenset(range(SHARDS)) - {shard(LANE)}
        world.backlog.ownership = replace(world.backlog.ownership, shards=others, until=1000.0)
        await asyncio.sleep(32)
        assert world.dispatcher.waiting_bytes == 0
        sent = len(world.sender.sent)
        world.dispatcher.offer([world.make()])
        await asyncio.sleep(1)
        assert len(world.sender.sent) == sent
