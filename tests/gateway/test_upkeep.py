"""Housekeeping in virtual time: chunks, gauges, a store that cannot now."""

import asyncio
from dataclasses import dataclass, field

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from hookgate_gateway.catalogue.snapshot import Snapshot
from hookgate_gateway.contract import ApiKey, Source, Subscription
from hookgate_gateway.observe import Observer
from hookgate_gateway.ports import Statistics, StoreUnavailable
from hookgate_gateway.rules.delivery import Hold, HoldReason, Namespace
from hookgate_gateway.rules.lane import LaneLimits
from hookgate_gateway.rules.matching import MatchRule
from hookgate_gateway.rules.retry import RetryPolicy
from hookgate_gateway.upkeep import Housekeeper, UpkeepPolicy

SHOP, BANK = Namespace("shop"), Namespace("bank")
POLICY = UpkeepPolicy(retention=100.0, delete_grace=10.0, chunk=10)


class LoopClock:
    """Both clocks from the loop: virtual time. ``jump`` moves the wall clock alone."""

    jump = 0.0

    def now(self):
        return 1_000_000.0 + self.jump + asyncio.get_running_loop().time()

    def monotonic(self):
        return asyncio.get_running_loop().time()


@dataclass
class Shelf:
    """A store of old events and of deliveries whose subscription is deleted, by when they may go."""

    old: list[float] = field(default_factory=list)
    deleted: list[float] = field(default_factory=list)
    pending: dict = field(default_factory=dict)
    available: int | None = 9000
    unavailable: int = 0
    transactions: list[int] = field(default_factory=list)

    async def prune(self, before, limit):
        return self._drop("old", before, limit)

    async def cancel_deleted(self, deleted_before, limit, now):
        gone = self._drop("deleted", deleted_before, limit)
        return {(SHOP, "deleted"): gone} if gone else {}

    async def statistics(self):
        if self.unavailable:
            self.unavailable -= 1
            raise StoreUnavailable("not now")
        return Statistics(
            pending=self.pending,
            oldest_due=999_990.0,
            size_bytes=3000,
            reusable_bytes=1000,
            available_bytes=self.available,
        )

    async def writable(self):
        return True

    def _drop(self, name, before, limit):
        rows = getattr(self, name)
        gone = [row for row in rows if row < before][:limit]
        setattr(self, name, [row for row in rows if row not in gone])
        self.transactions.append(len(gone))
        return len(gone)


def subscription(name, hold=None):
    return Subscription(
        namespace=SHOP,
        name=name,
        match=MatchRule(),
        endpoint=None,
        signing=None,
        retry=RetryPolicy(),
        limits=LaneLimits(),
        hold=hold,
    )


def housekeeper(shelf, snapshot, registry):
    return Housekeeper(shelf, Observer(registry), LoopClock(), lambda: snapshot[0], POLICY)


@pytest.mark.looptime
async def test_old_rows_go_in_chunks_and_young_ones_stay():
    old = [999_000.0 + i for i in range(25)]
    shelf = Shelf(old=[*old, 999_950.0], deleted=[999_000.0, 999_995.0])
    registry = CollectorRegistry()
    await housekeeper(shelf, [Snapshot()], registry).tidy()
    labels = {"namespace": "shop", "subscription": "deleted", "result": "cancelled"}
    assert registry.get_sample_value("hookgate_webhooks_delivered_total", labels) == 1
    assert shelf.old == [999_950.0]
    assert shelf.deleted == [999_995.0]
    assert max(shelf.transactions) == POLICY.chunk


@pytest.mark.looptime
async def test_a_store_that_cannot_now_is_asked_again():
    shelf = Shelf(unavailable=2, pending={(SHOP, "a"): 4})
    registry = CollectorRegistry()
    task = asyncio.create_task(housekeeper(shelf, [Snapshot()], registry).run())
    await asyncio.sleep(3 * POLICY.measure_every)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert (
        registry.get_sample_value(
            "hookgate_deliveries_pending", {"namespace": "shop", "subscription": "a"}
        )
        == 4.0
    )


@pytest.mark.looptime
async def test_gauges_follow_the_catalogue():
    gone = Hold(HoldReason.GONE, 1.0)
    snapshot = [Snapshot(subscriptions={(SHOP, "a"): subscription("a", gone)})]
    registry = CollectorRegistry()
    keeper = housekeeper(Shelf(), snapshot, registry)
    await keeper.measure()
    labels = {"namespace": "shop", "subscription": "a"}
    assert registry.get_sample_value("hookgate_deliveries_pending", labels) == 0.0
    assert (
        registry.get_sample_value("hookgate_subscription_hold", labels | {"reason": "Gone"}) == 1.0
    )
    assert registry.get_sample_value("hookgate_oldest_due_delivery_age_seconds") == 10.0
    snapshot[0] = Snapshot()
    await keeper.measure()
    assert b'subscription="a"' not in generate_latest(registry)


@pytest.mark.looptime
async def test_how_full_the_store_is_is_told_once_it_is_known():
    registry = CollectorRegistry()
    shelf = Shelf()
    keeper = housekeeper(shelf, [Snapshot()], registry)

    def told(what):
        return registry.get_sample_value(f"hookgate_store_{what}_bytes")

    assert (told("size"), told("reusable"), told("available")) == (None, None, None)
    await keeper.measure()
    assert (told("size"), told("reusable"), told("available")) == (3000, 1000, 9000)
    shelf.available = None
    await keeper.measure()
    assert told("available") is None


@pytest.mark.looptime
async def test_counters_of_what_is_declared_begin_at_nothing():
    snapshot = [
        Snapshot(
            subscriptions={(SHOP, "a"): subscription("a")},
            api_keys={(BANK, "key"): ApiKey(namespace=BANK, secret="key", values=(b"k",))},
            sources={(SHOP, "skyvern"): Source(namespace=SHOP, name="skyvern", keys=(b"k",))},
        )
    ]
    registry = CollectorRegistry()
    keeper = housekeeper(Shelf(), snapshot, registry)
    await keeper.measure()

    def failed(**labels):
        return registry.get_sample_value("hookgate_signature_failures_total", labels)

    def ended(namespace, subscription):
        labels = {"namespace": namespace, "subscription": subscription, "result": "exhausted"}
        return registry.get_sample_value("hookgate_webhooks_delivered_total", labels)

    assert (ended(SHOP, "a"), ended(SHOP, ""), ended(BANK, ""), ended("", "")) == (0, 0, 0, None)
    assert failed(namespace=SHOP, source="skyvern") == 0
    snapshot[0] = Snapshot()
    await keeper.measure()
    assert (ended(SHOP, "a"), failed(namespace=SHOP, source="skyvern")) == (None, None)
    assert (ended(SHOP, ""), failed(namespace="", source="")) == (0, 0)


@pytest.mark.looptime
@pytest.mark.parametrize("jump", [3600.0, -3600.0])
async def test_a_jump_of_the_clock_ends_no_grace(jump):
    shelf, clock = Shelf(deleted=[999_999.0]), LoopClock()
    keeper = Housekeeper(shelf, Observer(CollectorRegistry()), clock, Snapshot, POLICY)
    clock.jump = jump
    for _ in range(int(POLICY.delete_grace)):
        await keeper.tidy()
        assert shelf.deleted
        await asyncio.sleep(1)
    clock.jump = max(jump, 0.0)
    await keeper.tidy()
    await asyncio.sleep(POLICY.delete_grace)
    await keeper.tidy()
    assert not shelf.deleted
