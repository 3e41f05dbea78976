"""The dispatcher on a real store and real time: what the fakes promise is what stores do."""

import asyncio
import random
from collections import Counter

from prometheus_client import CollectorRegistry

from hookgate.deliveries import DeliveryState
from hookgate_gateway.dispatch.dispatcher import Dispatcher
from hookgate_gateway.observe import Observer
from hookgate_gateway.ports import DeliveryQuery
from hookgate_gateway.rules.delivery import HoldReason
from hookgate_gateway.rules.lane import LaneLimits, subscription_lane
from hookgate_gateway.rules.retry import RetryPolicy
from hookgate_process.clock import SystemClock
from tests.gateway.dispatch.fakes import (
    FakeCatalogue,
    FakeSender,
    answered,
    held,
    snapshot,
    subscription,
    takes,
)
from tests.gateway.stores import SHOP, acceptance, open_sqlite

QUICK = RetryPolicy(delays=(0.2, 0.2, 0.2, 0.2), jitter_percent=0.0)
LIMITS = LaneLimits(breaker_failures=0)
NAMES = ("one", "two", "three")


class Gateway:
    """A dispatcher on a store, and an intake that hands over to it."""

    def __init__(self, store, catalogue, sender):
        self.store = store
        self.clock = SystemClock()
        self.dispatcher = Dispatcher(
            store,
            sender,
            catalogue,
            Observer(CollectorRegistry()),
            self.clock,
            jitter=lambda: 0.0,
        )

    async def accept(self, count, first=0):
        for start in range(first, first + count, 50):
            batch = [
                acceptance(
                    f"tsk_{n}",
                    body=b'{"n": %d, "pad": "%s"}' % (n, b"x" * (100_000 if n % 97 == 0 else 10)),
                    to=(name,),
                    parked=self.dispatcher.parks(subscription_lane(SHOP, name)),
                    at=self.clock.now(),
                )
                for n in range(start, min(start + 50, first + count))
                for name in (NAMES[n % 3],)
            ]
            for receipt in await self.store.accept(batch):
                self.dispatcher.offer(receipt.deliveries)

    async def pending(self):
        figures = await self.store.statistics()
        return sum(figures.pending.values())

    async def drained(self, seconds=60):
        async with asyncio.timeout(seconds):
            while await self.pending():  # noqa: ASYNC110 - a store has no event for "empty"
                await asyncio.sleep(0.05)


async def test_nothing_is_lost_or_sent_twice_over_holds_failures_and_a_restart(tmp_path):
    dice = random.Random(7)
    subscriptions = [subscription(name=n, retry=QUICK, limits=LIMITS) for n in NAMES]
    one, two, three = subscriptions
    sender = FakeSender(SystemClock())
    succeeded = Counter()

    def flaky(shipment):
        if shipment.number < 5 and dice.random() < 0.2:
            return answered(503)
        succeeded[shipment.delivery_id] += 1
        return answered(200)

    for made in subscriptions:
        sender.script[subscription_lane(SHOP, made.name)] = takes(0.001, flaky)

    async with open_sqlite(tmp_path) as store:
        catalogue = FakeCatalogue(snapshot(one, held(two, HoldReason.SUSPENDED), three))
        gateway = Gateway(store, catalogue, sender)
        async with gateway.dispatcher:
            await gateway.accept(1500)
            assert not any(s.lane.endswith("/two") for _, s in sender.sent)
            await gateway.dispatcher.stop(30)
        left = await gateway.pending()
        assert left >= 500
        assert len(succeeded) == 1500 - left

    async with open_sqlite(tmp_path) as store:
        catalogue = FakeCatalogue(snapshot(one, held(two, HoldReason.SUSPENDED), three))
        gateway = Gateway(store, catalogue, sender)
        async with gateway.dispatcher:
            await gateway.accept(300, first=1500)
            catalogue.swap(one, two, three)
            await gateway.drained()
            await gateway.dispatcher.stop(30)
        assert len(succeeded) == 1800
        assert set(succeeded.values()) == {1}
        page = await store.deliveries(SHOP, DeliveryQuery(), limit=200)
        assert {d.state for d in page.items} == {DeliveryState.DELIVERED}
        sizes = {len(s.body) for _, s in sender.sent}
        assert max(sizes) > 100_000
