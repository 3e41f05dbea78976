"""Pruning, the end of a delete's grace, figures."""

import pytest

from hookgate_gateway.contract import ResourceKey, ResourceKind
from hookgate_gateway.ports import DeliveryQuery, EventQuery, ResourceDraft
from tests.gateway.stores import BANK, SHOP, START, acceptance, new_run, success

CUTOFF = START + 100
DAY = 86400.0


async def delivered(store, *items, at=START):
    for receipt in await store.accept(items):
        store.claim(receipt.deliveries)
        if receipt.deliveries:
            await store.record([success(d, at=at) for d in receipt.deliveries])


class TestPruning:
    async def test_what_ended_before_goes_with_everything_of_it(self, store):
        item = acceptance()
        await delivered(store, item)
        assert await store.prune(CUTOFF, 10) == 1
        assert await store.event(SHOP, item.event_id) is None
        assert await store.run(SHOP, "tsk_1") is None
        assert await store.delivery(SHOP, item.deliveries[0].id) is None
        assert await store.attempts(SHOP, item.deliveries[0].id) == []
        assert await store.prune(CUTOFF, 10) == 0
        (again,) = await store.accept([acceptance()])
        assert again.created == 1

    async def test_what_is_owed_or_ended_later_stays(self, store):
        await store.accept([acceptance("tsk_owed")])
        await delivered(store, acceptance("tsk_late"), at=CUTOFF)
        await delivered(store, acceptance("tsk_old"))
        await delivered(store, acceptance("tsk_new", at=CUTOFF))
        assert await store.prune(CUTOFF, 10) == 1
        left = (await store.events(SHOP, EventQuery(), limit=10)).items
        assert [e.run_id for e in left] == ["tsk_new", "tsk_late", "tsk_owed"]

    async def test_an_event_for_nobody_goes_by_its_age(self, store):
        await store.accept([acceptance("tsk_1", to=()), acceptance("tsk_2", to=(), at=CUTOFF)])
        assert await store.prune(CUTOFF, 10) == 1
        assert await store.run(SHOP, "tsk_1") is None
        assert await store.run(SHOP, "tsk_2") is not None

    async def test_a_run_stays_while_it_has_an_event(self, store):
        await store.register(new_run())
        await delivered(store, acceptance(status="running"))
        await store.accept([acceptance(at=START + 1)])
        assert await store.prune(CUTOFF, 10) == 1
        run = await store.run(SHOP, "tsk_1")
        assert run.payload is not None

    async def test_a_run_that_nothing_was_heard_of_goes_too(self, store):
        await store.register(new_run("tsk_1"))
        await store.register(new_run("tsk_2", at=CUTOFF))
        await store.prune(CUTOFF, 10)
        assert await store.run(SHOP, "tsk_1") is None
        assert await store.run(SHOP, "tsk_2") is not None

    @pytest.mark.parametrize("reported", [True, False])
    async def test_a_run_that_asked_for_its_end_waits_a_year_longer_for_it(self, store, reported):
        await store.register(new_run(webhook_url="https://app.example/hook"))
        if reported:
            await delivered(store, acceptance(status="paused"))
        assert await store.prune(CUTOFF, 10) == reported
        run = await store.run(SHOP, "tsk_1")
        assert (run.webhook_url, run.event_id, run.final) == (
            "https://app.example/hook",
            None,
            False,
        )
        (receipt,) = await store.accept([acceptance(to=(), at=CUTOFF + DAY)])
        assert [d.target.url for d in receipt.deliveries] == ["https://app.example/hook"]
        store.claim(receipt.deliveries)
        await store.record([success(d, at=CUTOFF + DAY) for d in receipt.deliveries])
        assert await store.prune(CUTOFF + 2 * DAY, 10) == 1
        assert await store.run(SHOP, "tsk_1") is None

    @pytest.mark.parametrize("reported", [True, False])
    async def test_but_not_for_ever(self, store, reported):
        await store.register(new_run(webhook_url="https://app.example/hook"))
        if reported:
            await delivered(store, acceptance(status="paused", at=START + DAY), at=START + DAY)
        heard_of = START + DAY * reported
        await store.prune(heard_of + 365 * DAY, 10)
        assert await store.run(SHOP, "tsk_1") is not None
        await store.prune(heard_of + 367 * DAY, 10)
        assert await store.run(SHOP, "tsk_1") is None

    async def test_in_chunks_past_whatever_must_stay(self, store):
        await store.accept([acceptance(f"tsk_owed_{n}") for n in range(100)])
        await delivered(store, *(acceptance(f"tsk_{n}") for n in range(7)))
        counts = [await store.prune(CUTOFF, 3) for _ in range(4)]
        assert counts == [3, 3, 1, 0]
        assert len((await store.events(SHOP, EventQuery(), limit=200)).items) == 100
        # What stood in the way is looked at again once it has ended.
        owed = (await store.deliveries(SHOP, DeliveryQuery(), limit=200)).items
        await store.cancel(SHOP, [d.id for d in owed], "requested", START)
        assert sum([await store.prune(CUTOFF + 3600, 30) for _ in range(5)]) == 100


class TestTheEndOfAGrace:
    @pytest.fixture
    async def revision(self, store):
        """The subscription ``invoices``, deleted at START + 1 while three deliveries were pending."""
        key = ResourceKey(ResourceKind.SUBSCRIPTION, SHOP, "invoices")
        put = await store.put(
            ResourceDraft(key=key, owner="o", fingerprint="1", document={}), START
        )
        await store.accept(
            [
                acceptance("tsk_1", parked=True, revision=put),
                acceptance("tsk_2", parked=True, revision=put),
                acceptance("tsk_3", to=("invoices", "audit"), revision=put),
                acceptance("tsk_4", namespace=BANK, revision=put),
            ]
        )
        return await store.delete(key, "o", START + 1)

    async def test_nothing_is_cancelled_before_it(self, store, revision):
        assert await store.cancel_deleted(START + 1, 10, START + 50) == {}
        assert len((await store.changes(0)).resources) == 1

    async def test_then_its_deliveries_in_chunks_and_then_its_trace(self, store, revision):
        assert await store.cancel_deleted(START + 2, 2, START + 50) == {(SHOP, "invoices"): 2}
        assert len((await store.changes(0)).resources) == 1
        assert await store.cancel_deleted(START + 2, 2, START + 50) == {(SHOP, "invoices"): 1}
        assert await store.cancel_deleted(START + 2, 2, START + 50) == {}
        changes = await store.changes(revision)
        assert changes.resources == ()
        assert [key.name for key in changes.removed] == ["invoices"]
        query = DeliveryQuery(subscription="invoices")
        endings = {d.ending for d in (await store.deliveries(SHOP, query, limit=9)).items}
        assert endings == {"subscription_deleted"}
        pending = (await store.statistics()).pending
        assert pending == {(SHOP, "audit"): 1, (BANK, "invoices"): 1}


async def test_figures(store):
    empty = await store.statistics()
    assert (empty.pending, empty.oldest_due) == ({}, None)
    await store.accept([acceptance("tsk_1", at=START + 5), acceptance("tsk_2", at=START)])
    await store.accept([acceptance("tsk_3", at=START - 50, parked=True)])
    figures = await store.statistics()
    assert figures.pending == {(SHOP, "invoices"): 3}
    assert figures.oldest_due == START
    assert figures.size_bytes > empty.size_bytes > 0
    assert figures.available_bytes is None or figures.available_bytes >= 0


async def test_room_that_pruning_makes_is_told_and_used_again(store):
    def items():
        return [acceptance(f"tsk_{n}", to=(), body=bytes(50_000)) for n in range(20)]

    empty = (await store.statistics()).reusable_bytes
    await store.accept(items())
    full = await store.statistics()
    assert full.size_bytes > 1_000_000
    assert await store.prune(CUTOFF, 20) == 20
    pruned = await store.statistics()
    assert pruned.reusable_bytes - empty > 900_000
    assert pruned.size_bytes > pruned.reusable_bytes
    await store.accept(items())
    assert (await store.statistics()).reusable_bytes < 100_000


async def test_a_healthy_store_is_writable(store):
    assert await store.writable()
    assert await store.writable()
