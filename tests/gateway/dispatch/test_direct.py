"""Attempts that somebody waits for."""

import asyncio
from dataclasses import replace

import pytest

from hookgate.deliveries import Outcome
from hookgate_gateway.contract import Endpoint
from hookgate_gateway.dispatch.direct import DirectSends, NoSlot, TooManyTests
from hookgate_gateway.dispatch.plan import plan
from hookgate_gateway.ports import Shipment, StoreUnavailable
from hookgate_gateway.rules.delivery import Ending, Kind
from hookgate_gateway.rules.lane import BreakerState, LaneLimits
from tests.gateway.dispatch.fakes import (
    GONE,
    LANE,
    SUSPENDED,
    World,
    held,
    ok,
    status,
    subscription,
    takes,
)

pytestmark = pytest.mark.looptime


def direct(world):
    return DirectSends(
        world.backlog,
        world.sender,
        world.catalogue,
        world.observer,
        world.clock,
        learned=world.dispatcher.succeeded,
        keep=world.dispatcher.keep,
    )


def sample(world, namespace="shop"):
    shop = subscription(namespace)
    found = plan(
        world.make(),
        b"{}",
        replace(world.catalogue.snapshot, subscriptions={("shop", "invoices"): shop}),
    )
    assert isinstance(found, Shipment)
    return replace(found, namespace=namespace, test=True)


def stored(world):
    delivery = world.make(kind=Kind.DIRECT, due=world.clock.now() + 120)
    world.backlog.add(delivery)
    return delivery


async def test_a_test_is_sent_and_not_stored():
    world = World()
    attempt = await direct(world).test(sample(world), "shop/app")
    assert attempt.outcome is Outcome.SUCCESS
    assert not world.backlog.attempts


async def test_tests_and_replays_go_once_and_what_is_due_does_not_have_to():
    world = World(subscription())
    async with world.dispatcher:
        await direct(world).test(sample(world), "shop/app")
        await direct(world).replay(stored(world))
        world.accept(world.make())
        await asyncio.sleep(1)
    assert [shipment.once for _, shipment in world.sender.sent] == [True, True, False]


async def test_a_namespace_has_two_slots_and_all_together_sixteen():
    world = World()
    sends = direct(world)
    world.sender.script[LANE] = takes(5)
    async with asyncio.TaskGroup() as group:
        for n in range(8):
            for _ in range(2):
                group.create_task(sends.test(sample(world, f"n{n}"), f"n{n}/app"))
            await asyncio.sleep(0)
            with pytest.raises(NoSlot) as refused:
                await sends.test(sample(world, f"n{n}"), f"n{n}/app")
            assert refused.value.retry_after > 0
        with pytest.raises(NoSlot):
            sends.check("other")
    sends.check("other")


async def test_thirty_tests_a_minute_for_each_key():
    world = World()
    sends = direct(world)
    for _ in range(30):
        await sends.test(sample(world), "shop/app")
        await asyncio.sleep(1)
    with pytest.raises(TooManyTests) as refused:
        await sends.test(sample(world), "shop/app")
    assert refused.value.retry_after == pytest.approx(30)
    await sends.test(sample(world), "shop/other")
    await asyncio.sleep(30)
    await sends.test(sample(world), "shop/app")


@pytest.mark.parametrize(("code", "state"), [(200, "delivered"), (500, "exhausted")])
async def test_a_replay_is_one_attempt_and_recorded(code, state):
    world = World(subscription())
    world.sender.script[LANE] = status(code)
    async with world.dispatcher:
        attempt = await direct(world).replay(stored(world))
        await asyncio.sleep(500)
    assert attempt.status == code
    assert world.backlog.state == {"dlv_000001": state}
    assert len(world.sender.sent) == 1
    assert world.sender.sent[0][1].replay


@pytest.mark.parametrize("kind", ["replay", "test"])
async def test_one_that_works_closes_the_breaker(kind):
    world = World(subscription(limits=LaneLimits(max_in_flight=1)))
    async with world.dispatcher:
        world.sender.script[LANE] = status(500)
        world.accept(*[world.make() for _ in range(8)])
        await asyncio.sleep(1)
        assert world.dispatcher.lane_states()[LANE].breaker is BreakerState.OPEN
        world.sender.script[LANE] = ok
        if kind == "replay":
            await direct(world).replay(stored(world))
        else:
            await direct(world).test(sample(world), "shop/app")
        await asyncio.sleep(1)
        assert world.dispatcher.lane_states()[LANE].breaker is BreakerState.CLOSED
        assert len(world.backlog.of("delivered")) == 3 + (kind == "replay")


@pytest.mark.parametrize(
    ("reason", "outcome"), [(GONE, Outcome.SUCCESS), (SUSPENDED, Outcome.BLOCKED)]
)
async def test_a_replay_looks_whether_a_gone_receiver_is_back_but_respects_other_holds(
    reason, outcome
):
    world = World(held(subscription(), reason))
    assert (await direct(world).replay(stored(world))).outcome is outcome


async def test_a_replay_whose_asker_died_is_taken_up_when_due():
    world = World(subscription())
    world.sender.script[LANE] = status(500)
    async with world.dispatcher:
        stored(world)
        await asyncio.sleep(1000)
    assert world.sender.at(LANE) == pytest.approx([120], abs=0.01)
    assert world.backlog.ending == {"dlv_000001": Ending.ATTEMPTS_USED_UP}


async def test_410_to_a_replay_marks_the_subscription():
    world = World(subscription())
    world.sender.script[LANE] = status(410)
    await direct(world).replay(stored(world))
    assert world.backlog.marked_gone == ["invoices"]
    assert world.catalogue.refreshes == 1


async def test_a_replay_is_recorded_after_a_short_outage_and_told_after_a_long_one():
    world = World(subscription())
    delivery = stored(world)
    world.backlog.down = True
    asyncio.get_running_loop().call_later(0.3, setattr, world.backlog, "down", False)
    await direct(world).replay(delivery)
    assert world.backlog.state == {delivery.id: "delivered"}
    world.backlog.down = True
    with pytest.raises(StoreUnavailable):
        await direct(world).replay(stored(world))


async def test_a_replay_that_could_not_be_recorded_is_recorded_later_and_not_sent_again():
    world = World(subscription())
    async with world.dispatcher:
        delivery = stored(world)
        world.backlog.down = True
        assert (await direct(world).replay(delivery)).outcome is Outcome.SUCCESS
        assert world.backlog.state == {delivery.id: "pending"}
        world.backlog.down = False
        await asyncio.sleep(500)
    assert len(world.sender.sent) == 1
    assert world.backlog.state == {delivery.id: "delivered"}
    assert [number for number, _ in world.backlog.attempts[delivery.id]] == [1]
    assert not world.backlog.taken


async def test_a_replay_that_nobody_waits_for_any_more_is_recorded_all_the_same():
    world = World(subscription())
    async with world.dispatcher:
        delivery = stored(world)
        world.backlog.delay = 5.0
        replaying = asyncio.create_task(direct(world).replay(delivery))
        await asyncio.sleep(1)
        replaying.cancel()
        await asyncio.sleep(500)
    assert len(world.sender.sent) == 1
    assert world.backlog.state == {delivery.id: "delivered"}


@pytest.mark.parametrize("jump", [3600, -3600])
async def test_a_jump_of_the_clock_lets_nobody_send_a_replay_that_is_under_way(jump):
    world = World(subscription())
    world.sender.script[LANE] = takes(20)
    async with world.dispatcher:
        replaying = asyncio.create_task(direct(world).replay(stored(world)))
        await asyncio.sleep(1)
        world.clock.jump = jump
        world.dispatcher.expect(0.0)  # whatever else comes due
        await asyncio.sleep(4000)
        assert (await replaying).outcome is Outcome.SUCCESS
    assert len(world.sender.sent) == 1


async def test_what_a_former_endpoint_answered_to_a_replay_marks_no_new_one_as_gone():
    world = World(subscription())
    world.sender.script[LANE] = takes(5, status(410))
    replaying = asyncio.create_task(direct(world).replay(stored(world)))
    await asyncio.sleep(1)
    world.catalogue.swap(
        subscription(endpoint=Endpoint(url="https://b.example/", fingerprint="e2"))
    )
    assert (await replaying).outcome is Outcome.GONE
    assert world.backlog.marked_gone == []


async def test_a_replay_that_was_cut_short_is_taken_up_when_due():
    world = World(subscription())
    world.sender.script[LANE] = takes(20)
    delivery = stored(world)
    async with world.dispatcher:
        replaying = asyncio.create_task(direct(world).replay(delivery))
        await asyncio.sleep(1)
        replaying.cancel()
        await asyncio.sleep(500)
    assert world.sender.at(LANE) == pytest.approx([0, 120], abs=0.01)
    assert world.backlog.state == {delivery.id: "delivered"}
