"""Stores and catalogues that fail in the middle of something."""

import asyncio

import pytest

from hookgate.deliveries import Outcome
from hookgate_gateway.dispatch.direct import DirectSends
from hookgate_gateway.observe import Observer
from hookgate_gateway.ports import StoreUnavailable
from hookgate_gateway.rules.delivery import HoldReason, Kind
from tests.gateway.dispatch.fakes import (
    GONE,
    LANE,
    World,
    held,
    in_turn,
    ok,
    running,
    status,
    subscription,
)

pytestmark = pytest.mark.looptime


async def test_a_body_that_cannot_be_read_now_costs_no_attempt():
    async with running(subscription()) as world:
        world.backlog.bodies["shop", "evt_000001"] = b"large"
        world.accept(world.make(body=None, body_size=100_000))
        world.backlog.down = True
        await asyncio.sleep(10)
        assert world.sender.sent == []
        world.backlog.down = False
        await asyncio.sleep(30)
        assert world.backlog.of("delivered") == ["dlv_000001"]
        assert world.sender.sent[0][1].number == 1


async def test_what_could_not_be_parked_is_parked_later():
    plain = subscription()
    async with running(held(plain, HoldReason.SUSPENDED)) as world:
        world.dispatcher.offer([])
        delivery = world.make()
        world.backlog.add(delivery)
        world.backlog.down = True
        world.dispatcher.offer([delivery])
        await asyncio.sleep(5)
        assert world.backlog.taken == {delivery.id}
        world.backlog.down = False
        await asyncio.sleep(5)
        assert world.backlog.parked == {delivery.id}


async def test_a_catalogue_that_is_not_readable_after_a_410_is_asked_again():
    plain = subscription()
    failures = [StoreUnavailable("down"), StoreUnavailable("down")]
    async with running(plain) as world:

        def refresh():
            if failures:
                raise failures.pop()
            world.catalogue.swap(held(plain, GONE))

        world.catalogue.on_refresh = refresh
        world.sender.script[LANE] = in_turn(status(410), ok)
        world.accept(world.make())
        await asyncio.sleep(0.5)
        world.accept(world.make())
        await asyncio.sleep(10)
        assert world.catalogue.refreshes == 3
        assert len(world.sender.sent) == 1
        assert world.dispatcher.lane_states()[LANE].held


async def test_a_loop_that_fails_is_taken_up_again():
    async with running(subscription()) as world:
        take_due, failures = world.backlog.take_due, [ValueError("a bug")]

        async def failing(now, limit):
            if failures:
                raise failures.pop()
            return await take_due(now, limit)

        world.backlog.take_due = failing
        world.backlog.add(world.make())
        await asyncio.sleep(60)
        assert not failures
        assert world.backlog.of("delivered") == ["dlv_000001"]


async def test_connections_that_do_not_close_stop_nothing():
    async with running(subscription()) as world:

        async def forget(lane):
            raise OSError("stuck")

        world.sender.forget = forget
        world.accept(world.make())
        await asyncio.sleep(200)
        world.accept(world.make())
        await asyncio.sleep(1)
        assert len(world.backlog.of("delivered")) == 2


@pytest.mark.parametrize(
    ("bodies", "outcome"),
    [({("shop", "evt_000001"): b"large"}, Outcome.SUCCESS), ({}, Outcome.BLOCKED)],
)
async def test_a_replay_reads_a_large_body(bodies, outcome):
    world = World(subscription())
    world.backlog.bodies = bodies
    delivery = world.make(kind=Kind.DIRECT, body=None)
    world.backlog.add(delivery)
    sends = DirectSends(
        world.backlog,
        world.sender,
        world.catalogue,
        world.observer,
        world.clock,
        learned=world.dispatcher.succeeded,
        keep=world.dispatcher.keep,
    )
    assert (await sends.replay(delivery)).outcome is outcome


async def test_a_stop_before_the_start_and_a_second_one_do_nothing():
    world = World(subscription())
    await world.dispatcher.stop(1)
    async with running() as other:
        await other.dispatcher.stop(1)
        await other.dispatcher.stop(1)
        assert other.clock.monotonic() == 0


async def test_a_failed_release_at_the_end_is_not_a_failure():
    async with running(subscription()) as world:
        world.sender.script[LANE] = lambda _: asyncio.sleep(1000)
        world.accept(world.make())
        await asyncio.sleep(1)
        world.backlog.down = True
        await world.dispatcher.stop(1)
        assert not world.backlog.attempts


class BrokenObserver(Observer):
    """Cannot tell of any attempt."""

    def attempted(self, delivery, attempt):
        raise KeyError("no such series")


async def test_an_attempt_is_recorded_although_it_cannot_be_told():
    async with running(subscription(), observer=BrokenObserver) as world:
        world.sender.script[LANE] = in_turn(status(500), ok)
        world.accept(*[world.make() for _ in range(20)])
        await asyncio.sleep(100)
        assert len(world.backlog.of("delivered")) == 20
        assert len(world.sender.sent) == 21
        assert not world.backlog.taken


async def test_an_attempt_that_cannot_be_judged_is_recorded_and_made_again():
    draws = [None, 0.0]

    def jitter():
        return draws.pop(0) if len(draws) > 1 else draws[0]

    async with running(subscription(), jitter=jitter) as world:
        world.sender.script[LANE] = in_turn(status(500), ok)
        delivery = world.make()
        world.accept(delivery)
        await asyncio.sleep(100)
        assert world.sender.at(LANE) == pytest.approx([0, 60], abs=0.01)
        assert [number for number, _ in world.backlog.attempts[delivery.id]] == [1, 2]
        assert world.backlog.of("delivered") == [delivery.id]


async def test_whoever_asks_waits_for_outcomes_on_their_way_to_the_store():
    async with running(subscription()) as world:
        world.backlog.delay = 0.5
        world.accept(world.make())
        await asyncio.sleep(0.1)
        assert len(world.sender.sent) == 1
        assert world.backlog.of("delivered") == []
        await world.dispatcher.settled()
        assert world.backlog.of("delivered") == ["dlv_000001"]
        await world.dispatcher.settled()  # nothing to wait for


async def test_nobody_waits_for_a_store_that_takes_nothing():
    async with running(subscription()) as world:
        world.backlog.down = True
        world.accept(world.make())
        await asyncio.sleep(1)
        async with asyncio.timeout(1):
            await world.dispatcher.settled()
        assert world.backlog.of("delivered") == []
        world.backlog.down = False
        await asyncio.sleep(10)
        assert world.backlog.of("delivered") == ["dlv_000001"]
