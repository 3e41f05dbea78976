"""Delivery health: what it hears, whom it tells, what it keeps over a restart."""

import pytest

from hookgate.deliveries import Outcome
from hookgate_gateway.catalogue.catalogue import Catalogue
from hookgate_gateway.dispatch.health import DeliveryHealth
from hookgate_gateway.dispatch.report import tell_recorded
from hookgate_gateway.ports import Recorded, Recording
from hookgate_gateway.rules.delivery import Delivery, Kind, Target
from hookgate_gateway.rules.health import UNTRIED, HealthState
from hookgate_gateway.rules.lane import subscription_lane
from hookgate_gateway.rules.retry import RetryAt
from tests.gateway.catalogue.world import SHOP, World, draft, forbids, subscription_key, world
from tests.gateway.stores import answered, ids

INVOICES = (SHOP, "invoices")


@pytest.fixture(name="world")
async def _world(tmp_path):
    async with world(tmp_path) as it:
        await it.catalogue.put(draft())
        yield it


def health_of(it: World) -> DeliveryHealth:
    return DeliveryHealth(it.store, it.catalogue, it.observer)


def delivery(subscription="invoices"):
    return Delivery(
        id=ids.delivery(),
        namespace=SHOP,
        event_id=ids.event(),
        run_id="tsk_1",
        target=Target(subscription=subscription),
        lane=subscription_lane(SHOP, subscription or ""),
        kind=Kind.EVENT,
        attempts=0,
        due=0.0,
        accepted_at=0.0,
        body=b"{}",
        body_size=2,
    )


def record(it: World, status=200, recorded=Recorded.STORED, subscription="invoices"):
    recording = Recording(
        delivery=delivery(subscription), attempt=answered(status), verdict=RetryAt(1.0)
    )
    tell_recorded(it.observer, recording, recorded)


async def test_it_hears_of_what_is_on_disk(world):
    async with health_of(world) as health:
        assert health.of(INVOICES) is UNTRIED
        record(world, 503)
        record(world, 503, Recorded.CANCELLED)
        record(world, 503, Recorded.REFUSED)  # another replica's to tell
        assert health.of(INVOICES).consecutive_failures == 2
        assert health.of(INVOICES).last_failure.outcome is Outcome.SERVER_ERROR
        record(world)
        assert health.of(INVOICES).state is HealthState.HEALTHY


async def test_runs_own_targets_and_unknown_subscriptions_have_none(world):
    async with health_of(world) as health:
        told = []
        health.listen(told.extend)
        record(world, subscription=None)
        record(world, subscription="never-declared")
        assert told == []
        assert health.of((SHOP, "never-declared")) is UNTRIED


async def test_it_is_there_after_a_restart(world):
    async with health_of(world) as health:
        record(world, 503)
        known = health.of(INVOICES)
    restarted = world.again()
    await restarted.catalogue.refresh()
    async with health_of(restarted) as health:
        assert health.of(INVOICES) == known


async def test_it_tells_of_attempts_and_of_declarations(world):
    told = []
    async with health_of(world) as health:
        health.listen(told.extend)
        record(world)
        assert told == [INVOICES]
        await world.catalogue.put(draft("audit"))
        assert told == [INVOICES, (SHOP, "audit")]


async def test_what_is_left_of_a_subscription_goes_with_its_last_trace(world):
    async with health_of(world) as health:
        record(world, 503)
        await health.save()
        await world.catalogue.delete(subscription_key(), "test")
        assert health.of(INVOICES).state is HealthState.FAILING  # made again, it takes up its own
        await world.store.cancel_deleted(world.clock.now() + 1, 10, world.clock.now())
        await world.catalogue.refresh()
        assert health.of(INVOICES) is UNTRIED
        await health.save()
        assert await world.store.load_health() == {}


async def test_what_went_while_nobody_looked_is_removed(world):
    async with health_of(world):
        record(world, 503)
    empty = Catalogue(world.store, world.observer, world.clock, forbids)
    async with DeliveryHealth(world.store, empty, world.observer) as health:
        assert health.of(INVOICES) is UNTRIED
        await health.save()
    assert await world.store.load_health() == {}
