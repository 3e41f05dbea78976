"""No lane takes from another: caps, breakers, pauses, rates, fairness, memory."""

import asyncio

import pytest

from hookgate_gateway.dispatch.lanes import WINDOW
from hookgate_gateway.dispatch.windows import WINDOW_BYTES
from hookgate_gateway.ports import Recorded, Taken
from hookgate_gateway.rules.lane import BreakerState, LaneLimits, subscription_lane
from hookgate_gateway.rules.retry import RetryPolicy
from tests.gateway.dispatch.fakes import (
    LANE,
    NO_RETRY,
    FakeBacklog,
    LoopClock,
    api_key,
    hangs,
    in_turn,
    ok,
    running,
    status,
    subscription,
    takes,
)

pytestmark = pytest.mark.looptime


async def test_a_hung_receiver_never_holds_up_the_others():
    names = [f"n{i}" for i in range(11)]
    async with running(*(subscription(name=n) for n in names), max_in_flight=16) as world:
        world.sender.script[subscription_lane("shop", "n0")] = hangs()
        for lane in names[1:]:
            world.sender.script[subscription_lane("shop", lane)] = takes(0.001)
        waits = []
        for _ in range(300):
            offered_at = world.clock.monotonic()
            before = len(world.sender.sent)
            world.accept(*(world.make(n) for n in names))
            await asyncio.sleep(0.2)
            good = [t for t, s in world.sender.sent[before:] if not s.lane.endswith("/n0")]
            assert len(good) == 10
            waits += [t - offered_at for t in good]
        assert max(waits) <= 0.01
        assert world.sender.most_in_flight[subscription_lane("shop", "n0")] == 4


async def test_retry_after_pauses_the_lane_and_no_other():
    other = subscription_lane("shop", "other")
    async with running(subscription(), subscription(name="other")) as world:
        world.sender.script[LANE] = in_turn(status(429, retry_after=120.0), ok)
        world.accept(world.make())
        await asyncio.sleep(1)
        world.accept(*[world.make() for _ in range(3)], world.make("other"))
        await asyncio.sleep(110)
        assert len(world.sender.at(LANE)) == 1
        assert len(world.sender.at(other)) == 1
        state = world.dispatcher.lane_states()[LANE]
        assert state.paused_until == pytest.approx(world.clock.now() + 120 - 111)
        await asyncio.sleep(100)
        assert min(world.sender.at(LANE)[1:]) == pytest.approx(120, abs=0.01)
        assert len(world.backlog.of("delivered")) == 5


async def test_a_breaker_opens_lets_one_through_and_closes():
    limits = LaneLimits(max_in_flight=1)
    async with running(subscription(limits=limits, retry=NO_RETRY)) as world:
        world.sender.script[LANE] = in_turn(*[status(500)] * 6, ok)
        world.accept(*[world.make() for _ in range(20)])
        await asyncio.sleep(50)
        assert len(world.sender.at(LANE)) == 5
        assert world.dispatcher.lane_states()[LANE].breaker is BreakerState.OPEN
        assert world.metric("lane_state", namespace="shop", subscription="invoices") == 2
        assert world.dispatcher.parks(LANE)
        await asyncio.sleep(60)
        assert len(world.sender.at(LANE)) == 6  # the probe failed
        await asyncio.sleep(60)
        assert world.sender.at(LANE)[5:7] == pytest.approx([60, 120], abs=0.1)
        assert len(world.sender.at(LANE)) == 20
        assert not world.dispatcher.parks(LANE)
        assert world.metric("lane_state", namespace="shop", subscription="invoices") == 0
        assert len(world.backlog.of("delivered")) == 14


async def test_runs_targets_of_one_origin_share_a_lane_and_have_a_breaker_each():
    bad, good = "https://app.example/bad", "https://app.example/good"
    async with running(keys=[api_key()]) as world:
        lane = world.make(bad).lane
        world.sender.script[lane] = lambda s: (status(500) if s.url == bad else ok)(s)
        world.accept(*[world.make(bad) for _ in range(12)])
        await asyncio.sleep(1)
        attempts = len(world.sender.sent)
        assert attempts < 10
        world.accept(*[world.make(good) for _ in range(12)])
        await asyncio.sleep(1)
        assert len(world.sender.sent) == attempts + 12
        assert len(world.backlog.of("delivered")) == 12


async def test_a_rate_limit_is_kept_to_the_letter():
    limits = LaneLimits(requests_per_second=10, burst=3)
    async with running(subscription(limits=limits)) as world:
        world.accept(*[world.make() for _ in range(50)])
        await asyncio.sleep(10)
        times = world.sender.at(LANE)
        assert times[:3] == [0, 0, 0]
        assert times[3:] == pytest.approx([0.1 * i for i in range(1, 48)], abs=0.001)
        assert world.sender.most_in_flight[LANE] <= 4


async def test_a_namespace_has_at_most_half_of_the_slots():
    crowd = [subscription("crowd", f"n{i}") for i in range(100)]
    async with running(*crowd, subscription(), max_in_flight=64) as world:
        for made in crowd:
            world.sender.script[subscription_lane("crowd", made.name)] = hangs()
        world.accept(*(world.make(s.name, "crowd") for s in crowd for _ in range(10)))
        await asyncio.sleep(1)
        world.accept(world.make())
        assert world.sender.in_flight["crowd"] == 32
        await asyncio.sleep(0.01)
        assert len(world.backlog.of("delivered")) == 1


class Endless(FakeBacklog):
    """``count`` due deliveries of one subscription, made as they are taken."""

    def __init__(self, clock, count, body=b"x" * 2000):
        super().__init__(clock)
        self.left = count
        self.body_ = body
        self.parked_count = 0
        self.most_taken = 0
        self.world = None

    async def take_due(self, now, limit):
        more = min(limit, self.left)
        self.left -= more
        made = tuple(self.world.make("big", "crowd", body=self.body_) for _ in range(more))
        self.claim(made)
        self.most_taken = max(self.most_taken, len(self.taken))
        if not more:
            await asyncio.sleep(0)
        return Taken(made, None)

    async def park(self, ids):
        self.parked_count += len(ids)
        self.taken -= set(ids)

    async def take_parked(self, lane, limit, after=None):
        if "crowd" not in lane:
            return []
        more = min(limit, self.parked_count)
        self.parked_count -= more
        made = [self.world.make("big", "crowd", body=self.body_) for _ in range(more)]
        self.claim(made)
        return made

    async def parked_lanes(self):
        return [subscription_lane("crowd", "big")] if self.parked_count else []

    async def record(self, results):
        self.taken -= {r.delivery.id for r in results}
        return [Recorded.STORED] * len(results)


async def test_a_million_due_stay_in_the_store_and_starve_nobody():
    backlog = Endless(LoopClock(), 1_000_000)
    async with running(
        subscription("crowd", "big", retry=RetryPolicy(delays=())), subscription(), backlog=backlog
    ) as world:
        backlog.world = world
        world.sender.script[subscription_lane("crowd", "big")] = takes(0.05)
        for _ in range(20):
            await asyncio.sleep(0.05)
            world.dispatcher.offer([world.make()])
            await asyncio.sleep(0.002)
            assert "shop" in {s.namespace for _, s in world.sender.sent[-8:]}
        await asyncio.sleep(5)
        assert backlog.left == 0
        assert len(world.sender.at(LANE)) == 20
        assert backlog.parked_count > 990_000
        assert backlog.most_taken < 5000
        assert world.dispatcher.waiting_bytes < WINDOW_BYTES / 32
        assert len(world.sender.at(subscription_lane("crowd", "big"))) == pytest.approx(
            4 * 6 / 0.05, rel=0.1
        )


async def test_bytes_in_memory_are_bounded_whatever_the_number_of_lanes():
    names = [f"n{i}" for i in range(64)]
    limit = 1024 * 1024
    async with running(
        *(subscription(f"ns{i % 4}", n) for i, n in enumerate(names)), window_bytes=limit
    ) as world:
        for i, name in enumerate(names):
            world.sender.script[subscription_lane(f"ns{i % 4}", name)] = takes(0.5)
        for _ in range(5):
            world.accept(
                *(
                    world.make(n, f"ns{i % 4}", body=b"x" * 30_000)
                    for i, n in enumerate(names)
                    for _ in range(3)
                )
            )
            assert world.dispatcher.waiting_bytes <= limit
            await asyncio.sleep(0.1)
        await asyncio.sleep(30)
        assert len(world.backlog.of("delivered")) == 64 * 15
        assert world.dispatcher.waiting_bytes == 0


async def test_many_slow_receivers_leave_room_for_what_comes_to_another():
    slow = [f"slow-{i}" for i in range(40)]
    subscriptions = [subscription("shop", name) for name in (*slow, "quick")]
    async with running(*subscriptions, window_bytes=16 * 1024 * 1024) as world:
        for name in slow:
            world.sender.script[subscription_lane("shop", name)] = takes(20)
        for name in slow:
            world.accept(*[world.make(name, body=b"x" * 3000) for _ in range(300)])
        await asyncio.sleep(1)
        quick = subscription_lane("shop", "quick")
        assert not world.dispatcher.parks(quick)
        world.accept(*[world.make("quick", body=b"x" * 3000) for _ in range(4)])
        await asyncio.sleep(0.01)
        assert len(world.sender.at(quick)) == 4


async def test_an_idle_lane_is_forgotten():
    async with running(subscription()) as world:
        world.accept(world.make())
        await asyncio.sleep(200)
        assert world.sender.forgotten == [LANE]
        assert world.dispatcher.lane_states() == {}


async def test_a_breaker_that_is_forgotten_is_told_closed():
    async with running(subscription(retry=NO_RETRY)) as world:
        world.sender.script[LANE] = status(500)
        world.accept(*[world.make() for _ in range(5)])
        await asyncio.sleep(200)
        assert world.dispatcher.lane_states()[LANE].waiting == 0
        assert world.metric("lane_state", namespace="shop", subscription="invoices") == 2
        await asyncio.sleep(3600)
        assert world.dispatcher.lane_states() == {}
        assert world.metric("lane_state", namespace="shop", subscription="invoices") == 0


async def test_a_broken_url_does_not_fill_the_window_of_its_origin():
    bad, good = "https://app.example/bad", "https://app.example/good"
    async with running(keys=[api_key()]) as world:
        lane = world.make(bad).lane
        broken = [True]
        world.sender.script[lane] = lambda s: (status(500) if s.url == bad and broken[0] else ok)(s)
        for _ in range(100):
            world.accept(*[world.make(bad) for _ in range(10)], world.make(good))
            await asyncio.sleep(0.1)
        assert len(world.backlog.of("delivered")) == 100
        assert world.dispatcher.lane_states()[lane].waiting <= 2
        broken[0] = False
        await asyncio.sleep(120)
        assert len(world.backlog.of("delivered")) == 1100


async def test_what_intake_parked_late_is_found_soon():
    limits = LaneLimits(max_in_flight=1)
    async with running(subscription(limits=limits)) as world:
        world.sender.script[LANE] = takes(0.001)
        world.accept(world.make())
        world.accept(*[world.make() for _ in range(WINDOW)])
        assert world.dispatcher.parks(LANE)  # its window is full
        late = world.make()
        await asyncio.sleep(4)  # the commit takes that long, and the lane is empty by now
        assert not world.dispatcher.parks(LANE)
        world.backlog.add(late, parked=True)
        await asyncio.sleep(1)
        assert len(world.backlog.of("delivered")) == WINDOW + 2
