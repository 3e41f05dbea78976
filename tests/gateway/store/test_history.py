"""History: every page once and whole, every namespace by itself."""

import pytest

from hookgate.deliveries import DeliveryState, Outcome
from hookgate_gateway.ports import DeliveryQuery, EventQuery, InvalidCursor, RunQuery
from hookgate_gateway.rules.delivery import Ending
from hookgate_gateway.store.sqlite import history
from tests.gateway.stores import (
    BANK,
    SHOP,
    START,
    acceptance,
    exhaustion,
    failure,
    new_run,
    success,
)

PENDING, DELIVERED = DeliveryState.PENDING, DeliveryState.DELIVERED


async def stored(store, *items):
    receipts = await store.accept(items)
    deliveries = [delivery for receipt in receipts for delivery in receipt.deliveries]
    store.claim(deliveries)
    return deliveries


async def all_pages(read, query, limit):
    items, cursor = [], None
    while True:
        page = await read(SHOP, query, limit=limit, cursor=cursor)
        assert len(page.items) <= limit
        items += page.items
        if page.cursor is None:
            return items
        cursor = page.cursor


async def fill(store):
    """Ten events of the shop and one of the bank; the first four delivered, the next two failed."""
    items = [
        acceptance(
            f"tsk_{n}",
            "failed" if n % 2 else "completed",
            to=("audit",) if n % 3 == 0 else ("invoices",),
            at=START + n,
            run_type="workflow_run" if n > 7 else "task_v2",
        )
        for n in range(10)
    ]
    deliveries = await stored(store, *items)
    await stored(store, acceptance("tsk_0", namespace=BANK))
    await store.record([success(d) for d in deliveries[:4]])
    await store.record([exhaustion(d) for d in deliveries[4:6]])
    return items, deliveries


@pytest.mark.parametrize("limit", [1, 3, 10, 200])
async def test_pages_are_whole_and_newest_first(store, limit):
    items, deliveries = await fill(store)
    events = await all_pages(store.events, EventQuery(), limit)
    assert [e.id for e in events] == [i.event_id for i in reversed(items)]
    assert all(e.body is None for e in events)
    pages = await all_pages(store.deliveries, DeliveryQuery(), limit)
    assert [d.id for d in pages] == [d.id for d in reversed(deliveries)]
    runs = await all_pages(store.runs, RunQuery(), limit)
    assert [r.run_id for r in runs] == [i.report.run_id for i in reversed(items)]
    assert runs[0].payload == items[-1].body


async def test_a_filter_that_matches_little_finds_it_far_back(store, monkeypatch):
    monkeypatch.setattr(history, "_WINDOW", 3)
    await fill(store)
    query = DeliveryQuery(states=frozenset({DELIVERED}), subscription="audit")
    assert [d.run_id for d in await all_pages(store.deliveries, query, 2)] == ["tsk_3", "tsk_0"]
    found = await all_pages(store.runs, RunQuery(search="tsk_0"), 1)
    assert [r.run_id for r in found] == ["tsk_0"]
    assert len(await all_pages(store.events, EventQuery(until=START + 5), 4)) == 5


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        (DeliveryQuery(states=frozenset({PENDING})), [6, 7, 8, 9]),
        (DeliveryQuery(states=frozenset({PENDING, DELIVERED})), [0, 1, 2, 3, 6, 7, 8, 9]),
        (DeliveryQuery(subscription="audit"), [0, 3, 6, 9]),
        (DeliveryQuery(subscriptions=frozenset({"audit", "none"})), [0, 3, 6, 9]),
        (DeliveryQuery(subscriptions=frozenset()), []),
        (DeliveryQuery(subscription="invoices", subscriptions=frozenset({"audit"})), []),
        (DeliveryQuery(run_id="tsk_4"), [4]),
        (DeliveryQuery(run_id="tsk_4", states=frozenset({PENDING})), []),
        (DeliveryQuery(outcome=Outcome.SERVER_ERROR), [4, 5]),
        (DeliveryQuery(since=START + 7), [7, 8, 9]),
        (DeliveryQuery(until=START + 2), [0, 1]),
        (DeliveryQuery(since=START + 2, until=START + 3), [2]),
    ],
)
async def test_which_deliveries(store, query, numbers):
    await fill(store)
    found = await all_pages(store.deliveries, query, 3)
    assert sorted(int(d.run_id[4:]) for d in found) == numbers


async def test_deliveries_of_one_event(store):
    items, _ = await fill(store)
    query = DeliveryQuery(event_id=items[2].event_id)
    (found,) = (await store.deliveries(SHOP, query, limit=10)).items
    assert found.run_id == "tsk_2"
    assert (await store.deliveries(BANK, query, limit=10)).items == ()


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        (EventQuery(run_id="tsk_3"), [3]),
        (EventQuery(run_type="workflow_run"), [8, 9]),
        (EventQuery(status="failed", since=START + 5), [5, 7, 9]),
        (EventQuery(run_id="tsk_3", status="completed"), []),
    ],
)
async def test_which_events(store, query, numbers):
    await fill(store)
    found = await all_pages(store.events, query, 2)
    assert sorted(int(e.run_id[4:]) for e in found) == numbers


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        (RunQuery(statuses=frozenset({"failed"})), [1, 3, 5, 7, 9]),
        (RunQuery(run_types=frozenset({"workflow_run"})), [8, 9]),
        (RunQuery(statuses=frozenset({"failed"}), run_types=frozenset({"workflow_run"})), [9]),
        (RunQuery(search="sk_4"), [4]),
        (RunQuery(search="%"), []),
    ],
)
async def test_which_runs(store, query, numbers):
    await fill(store)
    found = await all_pages(store.runs, query, 2)
    assert sorted(int(r.run_id[4:]) for r in found) == numbers


async def test_runs_are_found_by_workflow_and_request(store):
    await store.register(new_run("tsk_1", workflow_id="wpid_77"))
    await store.register(new_run("tsk_2"))
    by_workflow = (await store.runs(SHOP, RunQuery(search="id_77"), limit=5)).items
    assert [r.run_id for r in by_workflow] == ["tsk_1"]
    assert len((await store.runs(SHOP, RunQuery(search="buy milk"), limit=5)).items) == 2


async def test_a_page_of_runs_ends_where_their_payloads_become_too_large(store):
    bodies = [(b'{"run_id": "tsk_%d"}' % n).ljust(3_000_000) for n in range(5)]
    await stored(store, *(acceptance(f"tsk_{n}", body=body) for n, body in enumerate(bodies)))
    page = await store.runs(SHOP, RunQuery(), limit=50)
    assert len(page.items) == 3
    found = await all_pages(store.runs, RunQuery(), 50)
    assert sorted(run.payload for run in found) == bodies
    assert len(await all_pages(store.runs, RunQuery(), 1)) == 5


async def test_a_namespace_sees_nothing_of_another(store):
    items, deliveries = await fill(store)
    assert await store.event(BANK, items[0].event_id) is None
    assert await store.delivery(BANK, deliveries[0].id) is None
    assert await store.run(BANK, "tsk_5") is None
    assert await store.run_deliveries(BANK, "tsk_5") == []
    assert await store.cancel(BANK, [deliveries[9].id], Ending.REQUESTED, START) == []
    assert len((await store.deliveries(BANK, DeliveryQuery(), limit=50)).items) == 1


async def test_a_runs_deliveries_oldest_first(store):
    first = acceptance(status="running", to=("a", "b"))
    second = acceptance(status="completed", to=("c",))
    await stored(store, first)
    await stored(store, second)
    names = [d.target.subscription for d in await store.run_deliveries(SHOP, "tsk_1")]
    assert names == ["a", "b", "c"]


async def test_attempts_in_their_order(store):
    (delivery,) = await stored(store, acceptance())
    for n in range(11):
        await store.record([failure(delivery, due=START + n)])
        delivery = (await store.take_due(START + n, 1)).deliveries[0]
    numbers = [a.number for a in await store.attempts(SHOP, delivery.id)]
    assert numbers == list(range(1, 12))


async def test_only_pending_ones_are_cancelled(store):
    _, deliveries = await fill(store)
    ids = [d.id for d in deliveries]
    cancelled = await store.cancel(SHOP, ids, Ending.REQUESTED, START + 50)
    assert cancelled == ids[6:]
    assert await store.cancel(SHOP, ids, Ending.REQUESTED, START + 51) == []
    one = await store.delivery(SHOP, ids[6])
    assert (one.state, one.ending, one.ended_at) == ("cancelled", "requested", START + 50)
    assert (await store.statistics()).pending == {(BANK, "invoices"): 1}


@pytest.mark.parametrize(
    "cursor", ["x", "é", "!!!!", "bnVsbA", "WzFd", "W10", "WyJhIiwiYiJd", "A" * 5000, "\x00"]
)
@pytest.mark.parametrize("what", ["runs", "events", "deliveries"])
async def test_a_cursor_that_no_store_made_is_an_error_of_its_own(store, what, cursor):
    queries = {"runs": RunQuery(), "events": EventQuery(), "deliveries": DeliveryQuery()}
    with pytest.raises(InvalidCursor):
        await getattr(store, what)(SHOP, queries[what], limit=5, cursor=cursor)
