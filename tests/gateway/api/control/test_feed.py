"""What is published when: in virtual time, without sockets."""

import asyncio

import pytest

from hookgate.deliveries import Outcome
from hookgate_gateway.api.control import feed as feed_module
from hookgate_gateway.api.control.feed import HealthFeed
from hookgate_gateway.api.control.view import HealthView
from hookgate_gateway.catalogue.catalogue import Catalogue
from hookgate_gateway.rules.delivery import Namespace
from hookgate_gateway.rules.health import UNTRIED, Failure, Health
from hookgate_gateway.rules.lane import BreakerState
from tests.gateway.catalogue.world import SHOP, draft, subscription_key, world

INVOICES = (SHOP, "invoices")


class Source:
    """Health that a test sets."""

    def __init__(self):
        self.health = {}

    def of(self, name):
        return self.health.get(name, UNTRIED)


class Bench:
    def __init__(self, it):
        self.world, self.source, self.broken = it, Source(), BreakerState.CLOSED
        view = HealthView(it.catalogue, self.source, lambda _: self.broken, lambda _: 0)
        self.feed = HealthFeed(view, it.clock)

    def attempt(self, health, after=0.0):
        """An attempt left this health; somebody looks ``after`` seconds later."""
        self.source.health[INVOICES] = health
        self.look(after)

    def look(self, after=0.0):
        self.feed.touched([INVOICES])
        self.world.clock.at += after
        self.feed.publish()

    async def since(self, token):
        return await self.feed.wait(token, 0.001, lambda _: True)


@pytest.fixture
async def bench(tmp_path):
    async with world(tmp_path) as it:
        await it.catalogue.put(draft())
        yield Bench(it)


async def start(bench):
    found = await bench.since(None)
    assert (found.full, found.names) == (True, (INVOICES,))
    return found.token


async def test_a_flip_is_told_at_once_and_times_every_ten_seconds(bench):
    token = await start(bench)
    bench.attempt(Health(1.0))
    found = await bench.since(token)
    assert found.names == (INVOICES,)
    bench.attempt(Health(2.0), after=1.0)
    assert (await bench.since(found.token)).names == ()
    bench.attempt(Health(2.0, Failure(3.0, Outcome.TIMEOUT, None), 1), after=1.0)
    failing = await bench.since(found.token)
    assert failing.names == (INVOICES,)
    bench.attempt(Health(2.0, Failure(4.0, Outcome.TIMEOUT, None), 2), after=1.0)
    assert (await bench.since(failing.token)).names == ()
    bench.world.clock.at += 10
    bench.feed.publish()  # it was kept in mind: nobody has to touch it again
    assert (await bench.since(failing.token)).names == (INVOICES,)


async def test_what_did_not_change_is_not_told(bench):
    bench.attempt(Health(1.0))
    token = await start(bench)
    for _ in range(3):
        bench.look(after=100.0)
    assert (await bench.since(token)).names == ()


async def test_a_breaker_and_a_hold_are_told(bench):
    bench.look()
    token = await start(bench)
    bench.broken = BreakerState.OPEN
    bench.look()
    found = await bench.since(token)
    assert found.names == (INVOICES,)
    await bench.world.catalogue.put(draft(suspend=True))
    bench.look()
    assert (await bench.since(found.token)).names == (INVOICES,)


async def test_what_was_only_listed_is_told_when_it_goes(bench):
    token = await start(bench)
    await bench.world.catalogue.delete(subscription_key(), "test")
    bench.look()
    found = await bench.since(token)
    assert (found.names, found.removed) == ((), (INVOICES,))
    bench.look()
    assert (await bench.since(found.token)).removed == ()
    await bench.world.catalogue.put(draft())
    bench.look()
    assert (await bench.since(found.token)).names == (INVOICES,)


async def test_tokens_from_before_much_was_forgotten_get_everything(bench, monkeypatch):
    monkeypatch.setattr(feed_module, "_TOMBSTONES", 2)
    token = await start(bench)
    bench.feed.touched([(Namespace("x"), str(n)) for n in range(3)])
    bench.feed.publish()
    assert (await bench.since(token)).full
    assert not (await bench.since((await bench.since(None)).token)).full


async def test_many_are_looked_at_in_turns(bench, monkeypatch):
    monkeypatch.setattr(feed_module, "_AT_ONCE", 2)
    for number in range(5):
        await bench.world.catalogue.put(draft(f"sub-{number}"))
    token = await start_with_many(bench)
    bench.feed.touched([(SHOP, f"sub-{number}") for number in range(5)])
    told = []
    for _ in range(3):
        bench.feed.publish()
        found = await bench.since(token)
        token = found.token
        told += [name for _, name in found.names]
    assert sorted(told) == [f"sub-{number}" for number in range(5)]


async def start_with_many(bench):
    found = await bench.since(None)
    assert len(found.names) == 6
    return found.token


async def test_closing_answers_the_waiting(bench):
    token = await start(bench)
    waiting = asyncio.create_task(bench.feed.wait(token, 60, lambda _: True))
    await asyncio.sleep(0)
    await bench.feed.close()
    found = await asyncio.wait_for(waiting, 1)
    assert (found.token, found.names, found.full) == (token, (), False)


async def test_what_is_not_wanted_keeps_waiting_and_is_not_missed(bench):
    bench.look()
    token = await start(bench)
    await bench.world.catalogue.put(draft("audit"))
    waiting = asyncio.create_task(bench.feed.wait(token, 60, lambda name: name[1] == "invoices"))
    bench.feed.touched([(SHOP, "audit")])
    bench.feed.publish()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not waiting.done()
    bench.attempt(Health(1.0))
    assert (await asyncio.wait_for(waiting, 1)).names == (INVOICES,)


async def test_another_process_tells_everything_anew(bench, tmp_path):
    token = await start(bench)
    view = HealthView(
        Catalogue(bench.world.store, bench.world.observer, bench.world.clock, lambda n, u: None),
        bench.source,
        lambda _: BreakerState.CLOSED,
        lambda _: 0,
    )
    assert (await HealthFeed(view, bench.world.clock).wait(token, 1, lambda _: True)).full
