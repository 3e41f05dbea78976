"""Accept and register: what is stored with an event, and what a duplicate is."""

import asyncio
from dataclasses import replace

import pytest

from hookgate.deliveries import DeliveryState
from hookgate_gateway.contract import ResourceKey, ResourceKind
from hookgate_gateway.ports import Accepted, Duplicate, EventQuery, ResourceDraft, Stale
from hookgate_gateway.rules.delivery import Ending, KeyRef, Kind, Namespace, Target
from tests.gateway.stores import BANK, SHOP, START, acceptance, new_run, success

URL = "https://team.example:8443/hook?token=1"


async def accept_one(store, item):
    (receipt,) = await store.accept([item])
    return receipt


async def test_an_event_is_stored_with_run_and_deliveries(store):
    item = acceptance("tsk_1", to=("invoices", "audit"), workflow_ids=("wpid_1", "wf_2"))
    receipt = await accept_one(store, item)
    assert isinstance(receipt, Accepted)
    assert receipt.created == 2
    assert [d.id for d in receipt.deliveries] == [new.id for new in item.deliveries]
    first = receipt.deliveries[0]
    assert first.target == Target(subscription="invoices")
    assert (first.body, first.due, first.accepted_at) == (item.body, START, START)
    assert (first.kind, first.attempts, first.lane) == (Kind.EVENT, 0, "s/shop/invoices")

    event = await store.event(SHOP, item.event_id, body=True)
    assert (event.body, event.body_size, event.final) == (item.body, len(item.body), True)
    assert (event.body_sha256, event.origin) == (item.body_sha256, "api-key:test")
    run = await store.run(SHOP, "tsk_1")
    assert (run.status, run.final, run.payload) == ("completed", True, item.body)
    assert (run.workflow_id, run.request, run.created_at) == ("wpid_1", None, START)
    stored = await store.delivery(SHOP, first.id)
    assert (stored.state, stored.due, stored.parked) == (DeliveryState.PENDING, START, False)


async def test_receipts_come_in_the_order_of_the_batch(store):
    batch = [acceptance(f"tsk_{n}") for n in range(50)]
    receipts = await store.accept(batch)
    assert [r.event_id for r in receipts] == [item.event_id for item in batch]


async def test_an_empty_batch_asks_nobody(store):
    assert list(await store.accept([])) == []


async def test_concurrent_batches_are_all_stored(store):
    batches = [[acceptance(f"tsk_{n}_{m}") for m in range(3)] for n in range(40)]
    answers = await asyncio.gather(*(store.accept(batch) for batch in batches))
    assert sum(len(a) for a in answers) == 120
    assert all(isinstance(r, Accepted) for a in answers for r in a)
    assert (await store.statistics()).pending == {(SHOP, "invoices"): 120}


@pytest.mark.parametrize("together", [True, False], ids=["one batch", "two batches"])
async def test_the_same_report_again_is_a_duplicate_of_the_first(store, together):
    first, again = acceptance(to=("a", "b")), acceptance(to=("a", "b"))
    receipts = (
        await store.accept([first, again])
        if together
        else [await accept_one(store, first), await accept_one(store, again)]
    )
    assert receipts[1] == Duplicate(first.event_id, 2)
    assert (await store.statistics()).pending == {(SHOP, "a"): 1, (SHOP, "b"): 1}
    assert await store.event(SHOP, again.event_id) is None


@pytest.mark.parametrize(
    "other",
    [
        {"body": b'{"run_id": "tsk_1", "more": 1}'},
        {"attempt": 1},
        {"retry_pending": True},
        {"namespace": BANK},
        {"run_id": "tsk_2"},
    ],
    ids=lambda other: next(iter(other)),
)
async def test_another_identity_is_another_event(store, other):
    body = b"{}"
    await accept_one(store, acceptance("tsk_1", body=body))
    receipt = await accept_one(store, acceptance(**{"run_id": "tsk_1", "body": body, **other}))
    assert isinstance(receipt, Accepted)


async def test_a_batch_matched_with_an_older_catalogue_is_refused_item_by_item(store):
    draft = ResourceDraft(
        key=ResourceKey(ResourceKind.SUBSCRIPTION, SHOP, "invoices"),
        owner="manifests",
        fingerprint="1",
        document={},
    )
    revision = await store.put(draft, START)
    old, new = acceptance("tsk_1"), acceptance("tsk_2", revision=revision)
    receipts = await store.accept([old, new])
    assert receipts[0] == Stale(revision)
    assert isinstance(receipts[1], Accepted)
    assert await store.event(SHOP, old.event_id) is None
    assert await store.run(SHOP, "tsk_1") is None


async def test_parked_deliveries_are_counted_and_not_handed_over(store):
    receipt = await accept_one(store, acceptance(parked=True))
    assert (receipt.deliveries, receipt.created) == ((), 1)
    assert await store.parked_lanes() == ["s/shop/invoices"]


class TestRuns:
    async def test_register_stores_a_run_once(self, store):
        assert await store.register(new_run(webhook_url=URL, workflow_id="w"))
        assert not await store.register(new_run(at=START + 1))
        assert await store.register(new_run(namespace=BANK))
        run = await store.run(SHOP, "tsk_1")
        assert (run.webhook_url, run.key) == (URL, KeyRef("team-key", "0123456789abcdef"))
        assert (run.status, run.final, run.payload) == ("created", False, None)
        assert run.request == b'{"prompt": "buy milk"}'

    async def test_one_that_was_reported_before_gets_its_target_all_the_same(self, store):
        await accept_one(store, acceptance(status="running", run_type="task_v1", to=()))
        asked_for = new_run(webhook_url=URL, at=START + 1)
        assert await store.register(asked_for)
        assert await store.register(asked_for)  # a frame that comes once more
        assert not await store.register(new_run(webhook_url="https://other.example/", at=START + 2))
        run = await store.run(SHOP, "tsk_1")
        assert (run.webhook_url, run.key, run.request) == (URL, asked_for.key, asked_for.request)
        assert (run.status, run.run_type, run.final) == ("running", "task_v2", False)
        assert run.payload is not None
        receipt = await accept_one(store, acceptance(to=()))
        assert [d.target.url for d in receipt.deliveries] == [URL]

    async def test_but_not_after_its_end(self, store):
        await accept_one(store, acceptance(to=()))
        assert not await store.register(new_run(webhook_url=URL, at=START + 1))
        run = await store.run(SHOP, "tsk_1")
        assert (run.webhook_url, run.request) == (None, None)

    async def test_who_asked_for_a_run_is_known(self, store):
        await accept_one(store, acceptance("tsk_2", namespace=Namespace("zoo"), to=()))
        await store.register(new_run(namespace=BANK))
        assert await store.registered_elsewhere(SHOP, "tsk_1")
        assert not await store.registered_elsewhere(BANK, "tsk_1")
        assert not await store.registered_elsewhere(SHOP, "tsk_2")
        assert not await store.registered_elsewhere(SHOP, "tsk_3")

    async def test_the_runs_own_target_gets_the_final_event(self, store):
        await store.register(new_run(webhook_url=URL))
        item = acceptance(to=("invoices",))
        receipt = await accept_one(store, item)
        assert receipt.created == 2
        own = receipt.deliveries[1]
        assert own.id == item.run_delivery
        assert own.target == Target(url=URL, key=KeyRef("team-key", "0123456789abcdef"))
        assert own.lane == "r/shop/https://team.example:8443"
        stored = await store.delivery(SHOP, own.id)
        assert stored.target == own.target
        assert (await store.statistics()).pending == {(SHOP, "invoices"): 1, (SHOP, ""): 1}

    async def test_and_no_interim_one(self, store):
        await store.register(new_run(webhook_url=URL))
        receipt = await accept_one(store, acceptance(status="running", to=()))
        assert (receipt.deliveries, receipt.created) == ((), 0)
        assert (await store.run(SHOP, "tsk_1")).status == "running"

    async def test_a_registered_run_keeps_its_type(self, store):
        await store.register(new_run(run_type="task_v2"))
        await accept_one(store, acceptance(run_type="task_v1"))
        assert (await store.run(SHOP, "tsk_1")).run_type == "task_v2"

    async def test_an_interim_report_after_the_final_one_changes_nothing(self, store):
        final = acceptance(to=())
        await accept_one(store, final)
        late = acceptance(status="running", at=START + 5)
        receipt = await accept_one(store, late)
        assert receipt == Accepted(late.event_id, (), 0)
        run = await store.run(SHOP, "tsk_1")
        assert (run.status, run.event_id, run.modified_at) == ("completed", final.event_id, START)
        assert await store.event(SHOP, late.event_id) is not None
        assert (await store.statistics()).pending == {}

    async def test_a_second_final_report_is_a_new_event(self, store):
        await accept_one(store, acceptance())
        second = acceptance(status="failed", at=START + 5)
        receipt = await accept_one(store, second)
        assert receipt.created == 1
        run = await store.run(SHOP, "tsk_1")
        assert (run.status, run.event_id) == ("failed", second.event_id)
        assert (await store.final_event(SHOP, "tsk_1")).id == second.event_id

    async def test_a_retry_pending_report_is_not_final(self, store):
        await accept_one(store, acceptance(status="failed", retry_pending=True))
        assert not (await store.run(SHOP, "tsk_1")).final
        assert await store.final_event(SHOP, "tsk_1") is None

    async def test_status_can_be_set_until_a_final_event(self, store):
        await store.register(new_run())
        assert await store.set_run_status(SHOP, "tsk_1", "canceled", START + 1)
        assert (await store.run(SHOP, "tsk_1")).status == "canceled"
        await accept_one(store, acceptance())
        assert not await store.set_run_status(SHOP, "tsk_1", "canceled", START + 2)
        assert not await store.set_run_status(BANK, "tsk_1", "canceled", START + 2)


class TestSuperseding:
    async def test_a_final_event_cancels_interim_ones_to_the_same_target(self, store):
        interim = acceptance(status="running", to=("live", "audit"))
        await accept_one(store, interim)
        receipt = await accept_one(store, acceptance(to=("live",), at=START + 1))
        live, audit = (new.id for new in interim.deliveries)
        assert receipt.superseded == (live,)
        stored = await store.delivery(SHOP, live)
        assert (stored.state, stored.ending) == (DeliveryState.CANCELLED, Ending.SUPERSEDED)
        assert stored.ended_at == START + 1
        assert (await store.delivery(SHOP, audit)).state is DeliveryState.PENDING
        assert (await store.statistics()).pending == {(SHOP, "live"): 1, (SHOP, "audit"): 1}

    async def test_also_inside_one_batch(self, store):
        interim, final = acceptance(status="running"), acceptance()
        receipts = await store.accept([interim, final])
        assert receipts[1].superseded == (interim.deliveries[0].id,)

    async def test_not_what_was_delivered(self, store):
        receipt = await accept_one(store, acceptance(status="running"))
        store.claim(receipt.deliveries)
        await store.record([success(receipt.deliveries[0])])
        assert (await accept_one(store, acceptance())).superseded == ()

    async def test_nor_another_runs(self, store):
        await accept_one(store, acceptance("tsk_2", "running"))
        await accept_one(store, acceptance("tsk_1", "running", namespace=BANK))
        assert (await accept_one(store, acceptance("tsk_1"))).superseded == ()


class TestOnlyWhileARunGoesOn:
    def ending(self, run_id="tsk_1", **more):
        return replace(acceptance(run_id, "canceled", **more), unless_ended=True)

    async def test_it_ends_a_run_that_goes_on_or_that_nobody_knows(self, store):
        await store.accept([acceptance(status="running")])
        first, other = await store.accept([self.ending(), self.ending("tsk_2")])
        assert isinstance(first, Accepted)
        assert isinstance(other, Accepted)
        assert (await store.run(SHOP, "tsk_1")).status == "canceled"

    @pytest.mark.parametrize("together", [True, False])
    async def test_of_two_one_is_stored(self, store, together):
        both = [self.ending(body=b'{"n": 1}'), self.ending(body=b'{"n": 2}')]
        if together:
            first, second = await store.accept(both)
        else:
            (first,), (second,) = await store.accept(both[:1]), await store.accept(both[1:])
        assert isinstance(first, Accepted)
        assert second == Duplicate(first.event_id, 0)
        assert len((await store.events(SHOP, EventQuery(), limit=9)).items) == 1
        assert (await store.statistics()).pending == {(SHOP, "invoices"): 1}

    async def test_a_run_that_ended_stays_as_it_ended(self, store):
        (final,) = await store.accept([acceptance()])
        assert await store.accept([self.ending()]) == [Duplicate(final.event_id, 0)]
        assert (await store.run(SHOP, "tsk_1")).status == "completed"
