"""Bulk replays under way: at their rate, behind what is fresh, in turns, from where they were."""

import asyncio

import pytest

from hookgate_gateway.dispatch.lanes import WINDOW
from hookgate_gateway.rules.delivery import HoldReason
from hookgate_gateway.rules.lane import LaneLimits, subscription_lane
from hookgate_gateway.rules.replay import ReplayState
from hookgate_gateway.rules.retry import RetryPolicy
from tests.gateway.dispatch.fakes import (
    LANE,
    NO_RETRY,
    answered,
    hangs,
    held,
    in_turn,
    ok,
    status,
    subscription,
    takes,
)
from tests.gateway.replay.fakes import replaying

pytestmark = pytest.mark.looptime

WIDE = LaneLimits(max_in_flight=64, breaker_failures=0)


async def test_everything_is_made_once():
    async with replaying(subscription()) as world:
        world.sender.script[LANE] = takes(0.001)
        world.start(count=1000)
        await asyncio.sleep(5)
        assert len(set(world.runs())) == len(world.runs()) == 1000
        assert all(shipment.replay for _, shipment in world.sender.sent)


async def test_without_a_rate_a_quick_receiver_is_never_left_waiting():
    async with replaying(subscription()) as world:
        world.sender.script[LANE] = takes(0.001)  # four at a time: 4,000 a second at most
        world.start(count=5000)
        await asyncio.sleep(10)
        times = world.sent()
        assert len(times) == 5000
        assert 5000 / (times[-1] - times[0]) > 2500


@pytest.mark.parametrize("rate", [0.5, 7, 50, 900])
async def test_the_rate_holds_over_any_stretch(rate):
    async with replaying(subscription(limits=WIDE)) as world:
        world.start(count=int(rate * 20), rate=rate)
        await asyncio.sleep(25)
        times = world.sent()
        assert len(times) == int(rate * 20)
        burst = max(1, round(rate / 10))
        for first in range(0, len(times), 7):
            for last in range(first, len(times), 13):
                assert last - first + 1 <= burst + rate * (times[last] - times[first]) + 1e-3
        assert times[-1] - times[0] <= 20.5


async def test_a_fresh_event_has_next_to_nothing_before_it():
    async with replaying(subscription()) as world:
        world.sender.script[LANE] = takes(0.01)  # 400 a second
        world.start(count=3000)
        waits = []
        for _ in range(30):
            await asyncio.sleep(0.1)
            fresh = world.world.make()
            offered = world.clock.monotonic()
            world.world.accept(fresh)
            while fresh.id not in {s.delivery_id for _, s in world.sender.sent}:  # noqa: ASYNC110
                await asyncio.sleep(0.001)
            waits.append(world.clock.monotonic() - offered)
        assert max(waits) < 0.3
        assert not world.world.backlog.parked


async def test_it_waits_while_the_lane_has_parked_work():
    async with replaying(subscription(limits=WIDE)) as world:
        world.sender.script[LANE] = takes(0.01)
        backlog = [world.world.make() for _ in range(3 * WINDOW)]
        world.world.accept(*backlog)
        await asyncio.sleep(0.05)
        assert world.world.backlog.parked
        world.start(count=10)
        await asyncio.sleep(30)
        owed = {d.id for d in backlog}
        order = [s.delivery_id in owed for _, s in world.sender.sent]
        assert order.count(True) == 3 * WINDOW
        assert order.count(False) == 10
        assert order.index(False) > 2 * WINDOW


async def test_it_waits_behind_an_open_breaker_and_parks_nothing():
    limits = LaneLimits(breaker_failures=3, breaker_open_seconds=60)
    policy = RetryPolicy(delays=(100.0,), jitter_percent=0.0)
    async with replaying(subscription(limits=limits, retry=policy)) as world:
        world.sender.script[LANE] = lambda _: answered(503 if world.clock.monotonic() < 90 else 200)
        world.start(count=400)
        await asyncio.sleep(80)
        assert len(world.sent()) <= 10
        assert len(world.world.backlog.rows) <= 16
        await asyncio.sleep(400)
        assert len(set(world.runs())) == 400


@pytest.mark.parametrize("reason", [HoldReason.SUSPENDED, HoldReason.GONE])
async def test_nothing_is_made_for_a_held_subscription(reason):
    async with replaying(held(subscription(), reason)) as world:
        world.start(count=10)
        await asyncio.sleep(60)
        assert world.store.steps == []
        world.world.catalogue.swap(subscription())
        await asyncio.sleep(5)
        assert len(world.sent()) == 10


async def test_a_lane_that_is_closed_keeps_no_other_waiting():
    names = ("one", "two", "three")
    one, two, three = [subscription(name=name) for name in names]
    async with replaying(one, held(two, HoldReason.SUSPENDED), three) as world:
        world.start("rpl_1", *names, count=50)
        await asyncio.sleep(2)
        assert len(world.sent()) == 100
        world.world.catalogue.swap(one, two, three)
        await asyncio.sleep(40)
        assert len(set(world.runs())) == len(world.runs()) == 150


async def test_a_hung_receiver_keeps_no_other_waiting_for_long():
    names = ("one", "two")
    made = [subscription(name=name, retry=NO_RETRY) for name in names]
    async with replaying(*made) as world:
        world.sender.script[subscription_lane("shop", "one")] = hangs(30)
        world.start("rpl_1", *names, count=200)
        await asyncio.sleep(5)
        assert len(world.sender.at(subscription_lane("shop", "two"))) == 200


async def test_pause_and_resume():
    async with replaying(subscription()) as world:
        world.start(count=100, rate=10)
        await asyncio.sleep(2)
        world.change("rpl_1", ReplayState.PAUSED)
        await asyncio.sleep(1)
        before, calls = len(world.sent()), world.store.calls
        assert 15 <= before <= 25
        await asyncio.sleep(50)
        assert len(world.sent()) == before
        assert world.store.calls == calls
        world.change("rpl_1", ReplayState.RUNNING)
        await asyncio.sleep(20)
        assert len(world.sent()) == 100


async def test_cancelling_takes_back_what_still_waits():
    limits = LaneLimits(max_in_flight=1, breaker_failures=0)
    async with replaying(subscription(limits=limits)) as world:
        world.sender.script[LANE] = takes(1.0)
        world.start(count=100)
        await asyncio.sleep(2.5)
        world.change("rpl_1", ReplayState.CANCELLED)
        await asyncio.sleep(60)
        assert len(world.sent()) == 3
        assert len(world.world.backlog.of("pending")) == 0
        cancelled = len(world.world.backlog.of("cancelled"))
        assert cancelled >= 1
        counted = world.world.metric("webhooks_delivered_total", **_labels("cancelled"))
        assert counted == cancelled + 1  # the one in flight, which a 2xx made delivered


def _labels(result):
    return {"namespace": "shop", "subscription": "", "result": result}


async def test_many_take_turns():
    names = [f"n{i}" for i in range(4)]
    async with replaying(*(subscription(name=n) for n in names)) as world:
        for name in names:
            world.sender.script[subscription_lane("shop", name)] = takes(0.01)
            world.start(f"rpl_{name}", name, count=300)
        await asyncio.sleep(0.5)
        progress = [len(world.sent(f"rpl_{name}")) for name in names]
        assert min(progress) > 100
        assert max(progress) - min(progress) < 40


async def test_nothing_is_asked_while_there_is_no_replay():
    async with replaying(subscription()) as world:
        world.start(count=20)
        await asyncio.sleep(30)
        calls = world.store.calls
        await asyncio.sleep(3600)
        assert world.store.calls == calls
        assert world.world.metric("replays", state="running") == 0
        assert world.world.metric("replay_deliveries_total", namespace="shop") == 20


async def test_it_is_watched_until_its_last_delivery_has_ended():
    policy = RetryPolicy(delays=(600.0,), jitter_percent=0.0)
    async with replaying(subscription(retry=policy)) as world:
        world.sender.script[LANE] = in_turn(status(503), ok)
        world.start(count=1)
        await asyncio.sleep(300)
        assert world.world.metric("replays", state="running") == 1
        await asyncio.sleep(330)
        assert world.world.metric("replays", state="running") == 0


async def test_windows_without_a_match_are_gone_over_at_once():
    async with replaying(subscription()) as world:
        world.store.pages = 1
        world.start(count=50)
        await asyncio.sleep(2)
        assert len(world.sent()) == 50


async def test_it_goes_on_when_the_store_is_back():
    async with replaying(subscription()) as world:
        world.start(count=100, rate=50)
        await asyncio.sleep(0.5)
        world.store.down = True
        await asyncio.sleep(10)
        assert len(world.sent()) < 60
        world.store.down = False
        await asyncio.sleep(5)
        assert len(set(world.runs())) == len(world.runs()) == 100


async def test_nothing_is_made_while_the_gateway_stops():
    async with replaying(subscription()) as world:
        world.sender.script[LANE] = takes(0.5)
        world.start(count=1000)
        await asyncio.sleep(1)
        stopping = asyncio.create_task(world.world.dispatcher.stop(5))
        await asyncio.sleep(0)
        steps = len(world.store.steps)
        await asyncio.sleep(3)
        await stopping
        assert len(world.store.steps) <= steps + 1


@pytest.mark.parametrize("jump", [3600.0, -3600.0])
async def test_the_rate_does_not_follow_the_wall_clock(jump):
    async with replaying(subscription()) as world:
        world.start(count=100, rate=10)
        await asyncio.sleep(2)
        world.clock.jump = jump
        await asyncio.sleep(3)
        assert 40 <= len(world.sent()) <= 60
