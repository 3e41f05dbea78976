"""Bulk replays as stores keep them: frozen, exact, each step whole, whatever happens in between."""

from dataclasses import replace

import pytest

from hookgate.deliveries import DeliveryState, Outcome
from hookgate_gateway.contract import ResourceKey, ResourceKind
from hookgate_gateway.ports import DeliveryQuery, MadeBefore, NewReplay, Once, ResourceDraft
from hookgate_gateway.rules.delivery import Ending, KeyRef, Kind, Target
from hookgate_gateway.rules.lane import run_lane, subscription_lane
from hookgate_gateway.rules.replay import ReplayFilter, ReplayId, ReplayPlan, ReplayState, Step
from tests.gateway.stores import (
    BANK,
    SHOP,
    START,
    acceptance,
    exhaustion,
    failure,
    ids,
    new_run,
    success,
)

JOB = ReplayId("rpl_1")
LATER = START + 1000
INVOICES = subscription_lane(SHOP, "invoices")
ALL = ReplayFilter()


def plan(wanted=ALL, *, id_=JOB, namespace=SHOP, at=LATER, **options):
    return ReplayPlan(id=id_, namespace=namespace, filter=wanted, created_at=at, **options)


def step(limit=10, **options):
    return Step(ids=tuple(ids.delivery() for _ in range(limit)), **options)


def key(name, namespace=SHOP):
    return ResourceKey(ResourceKind.SUBSCRIPTION, namespace, name)


async def declare(store, *names, namespace=SHOP):
    for name in names:
        draft = ResourceDraft(key=key(name, namespace), owner="o", fingerprint="", document={})
        await store.put(draft, START)


async def accepted(store, *items):
    """Stored and in hand."""
    revision = (await store.changes(0)).revision
    found = []
    for item in items:
        object.__setattr__(item, "revision", revision)
    for receipt in await store.accept(items):
        found += receipt.deliveries
    store.claim(found)
    return found


async def fill(store, count=10):
    """So many for invoices, every other one for audit too: the even ones delivered, the others exhausted."""
    await declare(store, "invoices", "audit", "archive")
    items = [
        acceptance(
            f"tsk_{n}",
            "failed" if n % 2 else "completed",
            to=("invoices", "audit") if n % 2 else ("invoices",),
            at=START + n,
            run_type="workflow_run" if n > 7 else "task_v2",
        )
        for n in range(count)
    ]
    deliveries = await accepted(store, *items)
    even = [d for d in deliveries if not int(d.run_id[4:]) % 2]
    await store.record([success(d, at=d.due) for d in even])
    await store.record([exhaustion(d, at=d.due) for d in deliveries if d not in even])
    return deliveries


async def advanced(store, limit=10, id_=JOB, at=LATER, **options):
    return await store.advance_replay(SHOP, id_, step(limit, **options), at)


async def to_the_end(store, limit=10, **options):
    """Everything that it makes, in hand."""
    made = []
    for _ in range(100):
        result = await advanced(store, limit, **options)
        store.claim(result.deliveries)
        made += result.deliveries
        if not (await store.replay(SHOP, JOB)).selecting:
            return made
    raise AssertionError("it never ends")


def figures(replay):
    counts = replay.counts
    return {
        "matched": counts.matched,
        "sent": counts.made,
        "delivered": counts.delivered,
        "failed": counts.exhausted,
        "skipped": replay.skipped,
        "remaining": replay.remaining,
        "state": replay.state.value,
    }


class TestSaving:
    async def test_its_selection_is_counted(self, store):
        await fill(store)
        saved = await store.save_replay(plan())
        assert saved == await store.replay(SHOP, JOB)
        assert figures(saved) == {
            "matched": 15,
            "sent": 0,
            "delivered": 0,
            "failed": 0,
            "skipped": 0,
            "remaining": 15,
            "state": "running",
        }

    async def test_the_same_id_again_changes_nothing(self, store):
        await fill(store)
        first = await store.save_replay(plan(ReplayFilter(subscription="audit"), rate=5.0))
        assert await store.save_replay(plan(ALL, rate=7.0)) == first
        assert (await store.save_replay(plan(ALL, namespace=BANK))).counts.matched == 0

    async def test_what_was_asked_for_comes_back(self, store):
        wanted = ReplayFilter(
            subscription="invoices",
            state=DeliveryState.EXHAUSTED,
            outcome=Outcome.TIMEOUT,
            run_type="task_v2",
            status="failed",
            run_ids=("tsk_1", "tsk_2"),
            since=START,
            until=LATER,
            not_replayed=True,
        )
        asked = plan(
            wanted,
            to_subscription="audit",
            rate=2.5,
            key=KeyRef("team", "f1"),
            owner="operator/default",
        )
        await store.save_replay(asked)
        assert (await store.replay(SHOP, JOB)).plan == asked

    async def test_a_key_that_was_used_names_what_it_made(self, store):
        once = Once(key="k", request_sha256=b"h" * 32, at=START, since=START - 10)
        await store.save_replay(plan(), once)
        again = await store.save_replay(plan(id_="rpl_2"), once)
        assert again == MadeBefore(b"h" * 32, JOB)
        assert await store.replay(SHOP, "rpl_2") is None

    async def test_pages_newest_first_and_by_namespace(self, store):
        for n in range(5):
            await store.save_replay(plan(id_=f"rpl_{n}", at=LATER + n))
        await store.save_replay(plan(namespace=BANK))
        found, cursor = [], None
        while True:
            page = await store.replays(SHOP, limit=2, cursor=cursor)
            found += [replay.plan.id for replay in page.items]
            cursor = page.cursor
            if cursor is None:
                break
        assert found == [f"rpl_{n}" for n in reversed(range(5))]
        assert await store.replay(BANK, "rpl_3") is None
        assert len(await store.unfinished_replays()) == 6


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        (ReplayFilter(subscription="audit"), [1, 3, 5, 7, 9]),
        (ReplayFilter(state=DeliveryState.DELIVERED), [0, 2, 4, 6, 8]),
        (ReplayFilter(state=DeliveryState.EXHAUSTED, subscription="audit"), [1, 3, 5, 7, 9]),
        (ReplayFilter(state=DeliveryState.PENDING), []),
        (ReplayFilter(outcome=Outcome.SUCCESS), [0, 2, 4, 6, 8]),
        (ReplayFilter(run_type="workflow_run", subscription="invoices"), [8, 9]),
        (ReplayFilter(status="completed"), [0, 2, 4, 6, 8]),
        (ReplayFilter(run_ids=("tsk_2", "tsk_4", "tsk_99")), [2, 4]),
        (ReplayFilter(since=START + 8), [8, 9, 9]),
        (ReplayFilter(until=START + 2), [0, 1, 1]),
        (ReplayFilter(subscription="nobody"), []),
    ],
)
@pytest.mark.parametrize("limit", [1, 3, 50])
async def test_the_count_is_what_is_made(store, wanted, numbers, limit):
    await fill(store)
    options = {"replayable": True, "to_subscription": None, "now": LATER}
    assert await store.count_matching(SHOP, wanted, **options) == len(numbers)
    assert await store.count_matching(BANK, wanted, **options) == 0
    saved = await store.save_replay(plan(wanted))
    assert saved.counts.matched == len(numbers)
    made = await to_the_end(store, limit)
    assert sorted(int(d.run_id[4:]) for d in made) == numbers
    assert (await store.replay(SHOP, JOB)).counts.matched == len(numbers)


class TestWhatIsMade:
    async def test_new_deliveries_of_the_same_events_to_the_same_targets(self, store):
        originals = {d.id: d for d in await fill(store)}
        await store.save_replay(plan())
        for made in await to_the_end(store):
            record = await store.delivery(SHOP, made.id)
            original = originals[record.replay_of]
            assert (made.event_id, made.target, made.lane) == (
                original.event_id,
                original.target,
                original.lane,
            )
            assert (made.kind, made.due, made.attempts) == (Kind.REPLAY, LATER, 0)
            assert made.body == original.body
            assert record.state is DeliveryState.PENDING
        assert (await store.statistics()).pending == {(SHOP, "invoices"): 10, (SHOP, "audit"): 5}

    async def test_to_another_subscription_each_event_once(self, store):
        await fill(store)
        await store.save_replay(plan(to_subscription="archive"))
        made = await to_the_end(store, 4)
        assert len(made) == len({d.event_id for d in made}) == 10
        assert {d.lane for d in made} == {subscription_lane(SHOP, "archive")}
        replay = await store.replay(SHOP, JOB)
        assert (replay.counts.matched, replay.counts.made, replay.skipped) == (15, 10, 5)

    async def test_a_subscription_that_is_gone_gets_nothing(self, store):
        await fill(store)
        await store.save_replay(plan())
        await store.delete(key("audit"), "o", LATER)
        made = await to_the_end(store, 4)
        assert {d.target.subscription for d in made} == {"invoices"}
        assert (await store.replay(SHOP, JOB)).skipped == 5

    async def test_runs_own_targets_keep_their_key_or_get_the_callers(self, store):
        url = "https://a.example/hook"
        await store.register(new_run("tsk_1", webhook_url=url))
        (owed,) = await accepted(store, acceptance("tsk_1", to=()))
        await store.record([exhaustion(owed)])
        await store.save_replay(plan(key=KeyRef("caller", "ff")))
        (made,) = await to_the_end(store)
        assert made.target == Target(url=url, key=KeyRef("team-key", "0123456789abcdef"))
        assert made.lane == run_lane(SHOP, url)

    async def test_large_bodies_do_not_come_along_and_a_step_is_bounded_in_bytes(self, store):
        await declare(store, "invoices")
        sizes = [70_000, 60_000] + [60_000] * 11
        items = [acceptance(f"tsk_{n}", body=b"x" * size) for n, size in enumerate(sizes)]
        owed = await accepted(store, *items)
        await store.record([exhaustion(d) for d in owed])
        await store.save_replay(plan())
        first = (await advanced(store, 50)).deliveries
        assert [d.body is None for d in first[:2]] == [True, False]
        assert sum(len(d.body or b"") for d in first) <= 512 << 10
        assert len(first) < len(sizes)
        store.claim(first)
        assert len(first) + len(await to_the_end(store, 50)) == len(sizes)

    async def test_nobody_else_takes_what_was_handed_over(self, store):
        await fill(store)
        await store.save_replay(plan())
        made = (await advanced(store)).deliveries
        assert (await store.take_due(LATER, 100)).deliveries == ()
        store.claim(made)
        assert (await store.take_due(LATER, 100)).deliveries == ()
        await store.release([d.id for d in made])
        assert len((await store.take_due(LATER, 100)).deliveries) == len(made) == 10


class TestFrozen:
    async def test_nothing_accepted_later_is_selected_wherever_its_id_sorts(self, store):
        await fill(store, 4)
        await store.save_replay(plan())
        early = acceptance("tsk_early", at=START - 500)
        object.__setattr__(early, "event_id", "evt_0")  # the clock was set back by a decade
        object.__setattr__(early.deliveries[0], "id", "dlv_0")
        await accepted(store, early, acceptance("tsk_late", at=LATER + 1))
        made = await to_the_end(store, 2)
        assert {d.run_id for d in made} == {f"tsk_{n}" for n in range(4)}

    async def test_a_state_is_the_one_at_the_creation(self, store):
        await declare(store, "invoices")
        first, second = await accepted(store, acceptance("tsk_1"), acceptance("tsk_2"))
        await store.record([exhaustion(first, at=START)])
        await store.save_replay(plan(ReplayFilter(state=DeliveryState.EXHAUSTED)))
        await store.save_replay(plan(ReplayFilter(state=DeliveryState.PENDING), id_="rpl_2"))
        await store.record([exhaustion(second, at=LATER + 5)])
        assert [d.run_id for d in await to_the_end(store)] == ["tsk_1"]
        result = await advanced(store, id_="rpl_2")
        assert [d.run_id for d in result.deliveries] == ["tsk_2"]

    async def test_what_a_replay_made_is_never_selected(self, store):
        deliveries = await fill(store, 2)
        await store.save_replay(plan())
        await to_the_end(store)
        await store.add(
            NewReplay(
                id=ids.delivery(),
                namespace=SHOP,
                event_id=deliveries[0].event_id,
                target=deliveries[0].target,
                lane=INVOICES,
                kind=Kind.DIRECT,
                created_at=LATER,
                due=LATER,
            )
        )
        assert (await store.save_replay(plan(id_="rpl_2"))).counts.matched == 3

    async def test_only_what_was_not_replayed(self, store):
        await fill(store, 4)
        await store.save_replay(plan(ReplayFilter(state=DeliveryState.DELIVERED)))
        made = await to_the_end(store)
        await store.cancel(SHOP, [made[0].id], Ending.REQUESTED, LATER)
        wanted = ReplayFilter(not_replayed=True)
        again = await store.save_replay(plan(wanted, id_="rpl_2"))
        assert again.counts.matched == 5  # of six, one was replayed to its target and one cancelled
        elsewhere = await store.save_replay(plan(wanted, id_="rpl_3", to_subscription="archive"))
        assert elsewhere.counts.matched == 6

    async def test_what_another_one_sends_meanwhile_is_matched_and_skipped(self, store):
        await fill(store, 4)
        for id_ in (JOB, "rpl_2"):
            await store.save_replay(plan(ReplayFilter(not_replayed=True), id_=id_))
        made = []
        for id_ in (JOB, "rpl_2", "rpl_2", JOB):
            made += (await advanced(store, 4, id_=id_, at=LATER + 1)).deliveries
        assert len({(d.event_id, d.lane) for d in made}) == len(made) == 6
        both = [await store.replay(SHOP, id_) for id_ in (JOB, "rpl_2")]
        assert [(r.counts.matched, r.counts.made, r.skipped) for r in both] == [
            (6, 4, 2),
            (6, 2, 4),
        ]

    async def test_in_another_pass_it_does_not_skip_what_it_has_made_itself(self, store):
        await fill(store, 4)
        await store.save_replay(plan(ReplayFilter(not_replayed=True)))
        audit = subscription_lane(SHOP, "audit")
        assert (await advanced(store, 20, closed=frozenset({audit}))).pass_over
        await store.save_replay(plan(id_="rpl_2"))
        await advanced(store, 20, id_="rpl_2", at=LATER + 1)
        await to_the_end(store)
        replay = await store.replay(SHOP, JOB)
        assert (replay.counts.matched, replay.counts.made, replay.skipped) == (6, 4, 2)


SENT_ON = {
    "delivered": lambda d: success(d, at=LATER + 1),
    "exhausted": lambda d: exhaustion(d, at=LATER + 1),
    "failing": lambda d: failure(d, due=LATER + 60, at=LATER + 1),
}
"""What may become of a delivery between a replay's creation and its turn."""


class TestWhateverHappensMeanwhile:
    """A delivery counts as it stood when the replay was created."""

    @pytest.fixture
    async def owed(self, store):
        """One that was delivered, one given up, one cancelled; returns what is still owed.

        Of that one has failed, one has failed by a timeout at first, and one was never tried.
        """
        await declare(store, "invoices")
        names = ("delivered", "given_up", "cancelled", "failed", "timed_out_first", "untried")
        found = {d.run_id: d for d in await accepted(store, *map(acceptance, names))}
        timeout = failure(found["timed_out_first"], due=START + 9, at=START)
        await store.record(
            [
                success(found["delivered"]),
                exhaustion(found["given_up"]),
                failure(found["failed"], due=LATER),
                replace(timeout, attempt=replace(timeout.attempt, outcome=Outcome.TIMEOUT)),
            ]
        )
        await store.cancel(SHOP, [found["cancelled"].id], Ending.REQUESTED, START)
        again = replace(found["timed_out_first"], attempts=1)
        store.claim([again])
        await store.record([failure(again, due=LATER, at=START + 9)])
        tried = [replace(found["failed"], attempts=1), replace(again, attempts=2)]
        return [*tried, found["untried"]]

    @pytest.mark.parametrize("become", SENT_ON)
    @pytest.mark.parametrize(
        ("wanted", "expected"),
        [
            (ALL, {"delivered", "given_up", "cancelled"}),
            (ReplayFilter(outcome=Outcome.SERVER_ERROR), {"given_up"}),
            (ReplayFilter(outcome=Outcome.SUCCESS), {"delivered"}),
            (ReplayFilter(state=DeliveryState.EXHAUSTED), {"given_up"}),
            (ReplayFilter(state=DeliveryState.PENDING), {"failed", "timed_out_first", "untried"}),
            (
                ReplayFilter(state=DeliveryState.PENDING, outcome=Outcome.SERVER_ERROR),
                {"failed", "timed_out_first"},
            ),
            (ReplayFilter(state=DeliveryState.PENDING, outcome=Outcome.TIMEOUT), set()),
            (ReplayFilter(state=DeliveryState.PENDING, outcome=Outcome.SUCCESS), set()),
        ],
    )
    async def test_the_selection_stays(self, store, owed, wanted, expected, become):
        saved = await store.save_replay(plan(wanted))
        assert saved.counts.matched == len(expected)
        store.claim(owed)
        await store.record([SENT_ON[become](d) for d in owed])
        options = {"replayable": True, "to_subscription": None, "now": LATER}
        assert await store.count_matching(SHOP, wanted, **options) == len(expected)
        assert {d.run_id for d in await to_the_end(store, 2)} == expected
        assert (await store.replay(SHOP, JOB)).counts.matched == len(expected)

    async def test_a_cancel_meanwhile_changes_nothing_either(self, store, owed):
        await store.save_replay(plan(ReplayFilter(state=DeliveryState.PENDING)))
        await store.cancel(SHOP, [d.id for d in owed], Ending.REQUESTED, LATER + 1)
        assert len(await to_the_end(store)) == len(owed)

    @pytest.mark.parametrize(
        ("outcome", "expected"), [(None, 3), (Outcome.SERVER_ERROR, 2), (Outcome.TIMEOUT, 0)]
    )
    async def test_cancelling_goes_by_the_newest_attempt(self, store, owed, outcome, expected):
        wanted = ReplayFilter(state=DeliveryState.PENDING, outcome=outcome)
        options = {"replayable": False, "to_subscription": None, "now": LATER}
        assert await store.count_matching(SHOP, wanted, **options) == expected
        chunks = [chunk async for chunk in store.cancel_matching(SHOP, wanted, LATER)]
        assert sum(map(len, chunks)) == expected


class TestSteps:
    async def test_a_full_lane_ends_the_step_before_it(self, store):
        await fill(store, 4)
        await store.save_replay(plan())
        audit = subscription_lane(SHOP, "audit")
        result = await advanced(store, full=frozenset({audit}))
        assert [d.run_id for d in result.deliveries] == ["tsk_0", "tsk_1"]
        assert result.blocked == audit
        store.claim(result.deliveries)
        assert [d.lane for d in await to_the_end(store)] == [audit, INVOICES, INVOICES, audit]

    async def test_what_is_for_closed_lanes_comes_in_another_pass(self, store):
        await fill(store, 10)
        await store.save_replay(plan())
        audit = subscription_lane(SHOP, "audit")
        made = []
        for _ in range(10):
            result = await advanced(store, 4, closed=frozenset({audit}))
            store.claim(result.deliveries)
            made += result.deliveries
            if result.pass_over:
                break
        assert {d.lane for d in made} == {INVOICES}
        assert len(made) == 10
        replay = await store.replay(SHOP, JOB)
        assert (replay.selecting, replay.remaining, replay.skipped) == (True, 15, 0)
        more = await to_the_end(store, 4)
        assert [d.lane for d in more] == [audit] * 5
        replay = await store.replay(SHOP, JOB)
        assert (replay.counts.matched, replay.counts.made, replay.skipped) == (15, 15, 0)

    async def test_a_step_goes_over_windows_without_matches(self, store):
        await fill(store, 10)
        await store.save_replay(plan(ReplayFilter(run_ids=("tsk_9",), subscription="audit")))
        assert len(await to_the_end(store, 2)) == 1

    @pytest.mark.parametrize("state", [ReplayState.PAUSED, ReplayState.CANCELLED])
    async def test_one_that_does_not_run_makes_nothing(self, store, state):
        await fill(store, 4)
        await store.save_replay(plan())
        await store.change_replay(SHOP, JOB, state)
        assert (await advanced(store)).deliveries == ()
        assert (await store.replay(SHOP, JOB)).state is state

    async def test_one_that_is_saved_paused_makes_nothing_until_it_is_resumed(self, store):
        await fill(store, 4)
        saved = await store.save_replay(plan(), paused=True)
        assert saved.state is ReplayState.PAUSED
        assert saved == await store.replay(SHOP, JOB)
        assert (await advanced(store)).deliveries == ()
        await store.change_replay(SHOP, JOB, ReplayState.RUNNING)
        assert len(await to_the_end(store)) == saved.counts.matched

    async def test_it_goes_on_after_a_restart(self, open_store):
        async with open_store() as store:
            await fill(store, 10)
            await store.save_replay(plan())
            first = (await advanced(store, 4)).deliveries
        async with open_store() as store:
            (found,) = await store.unfinished_replays()
            assert found.counts.made == 4
            left = (await store.take_due(LATER, 100)).deliveries
            assert {d.id for d in left} == {d.id for d in first}
            more = await to_the_end(store, 4)
            assert len({(d.event_id, d.lane) for d in (*first, *more)}) == 15

    async def test_unknown_ones(self, store):
        assert (await advanced(store, id_="rpl_9")).deliveries == ()
        assert await store.change_replay(SHOP, "rpl_9", ReplayState.PAUSED) is None
        assert await store.replay(SHOP, "rpl_9") is None


class TestCounts:
    async def test_what_became_of_its_deliveries(self, store):
        await fill(store, 10)
        await store.save_replay(plan(ReplayFilter(subscription="invoices")))
        made = await to_the_end(store)
        await store.record([success(d, at=LATER) for d in made[:4]])
        await store.record([exhaustion(d, at=LATER) for d in made[4:6]])
        await store.record([failure(made[6], due=LATER + 60)])
        await store.cancel(SHOP, [made[7].id], Ending.REQUESTED, LATER)
        assert figures(await store.replay(SHOP, JOB)) == {
            "matched": 10,
            "sent": 10,
            "delivered": 4,
            "failed": 2,
            "skipped": 1,
            "remaining": 3,
            "state": "running",
        }

    async def test_it_is_completed_when_the_last_one_ended(self, store):
        await fill(store, 2)
        await store.save_replay(plan())
        made = await to_the_end(store)
        await store.record([success(d, at=LATER) for d in made[:2]])
        assert (await store.replay(SHOP, JOB)).state is ReplayState.RUNNING
        await store.record([exhaustion(made[2], at=LATER)])
        assert (await store.replay(SHOP, JOB)).state is ReplayState.COMPLETED
        assert await store.unfinished_replays() == []
        after = await store.change_replay(SHOP, JOB, ReplayState.CANCELLED)
        assert after.state is ReplayState.COMPLETED

    async def test_one_that_selects_nothing_is_completed_by_its_first_step(self, store):
        await store.save_replay(plan())
        await advanced(store)
        assert (await store.replay(SHOP, JOB)).state is ReplayState.COMPLETED

    async def test_a_success_after_a_cancel_counts_as_delivered(self, store):
        await fill(store, 1)
        await store.save_replay(plan())
        (made,) = await to_the_end(store)
        await store.change_replay(SHOP, JOB, ReplayState.CANCELLED)
        cancelled = await store.cancel_replay_rest(SHOP, JOB, 10, LATER)
        assert [(c.id, c.subscription) for c in cancelled] == [(made.id, "invoices")]
        await store.record([success(made, at=LATER)])
        await store.record([success(made, at=LATER)])
        counts = (await store.replay(SHOP, JOB)).counts
        assert (counts.delivered, counts.cancelled) == (1, 0)

    async def test_other_replays_are_counted_nowhere(self, store):
        (original,) = await fill(store, 1)
        await store.save_replay(plan())
        new = NewReplay(
            id=ids.delivery(),
            namespace=SHOP,
            event_id=original.event_id,
            target=original.target,
            lane=original.lane,
            kind=Kind.REPLAY,
            created_at=LATER,
            due=LATER,
        )
        made = await store.add(new)
        await store.record([success(made, at=LATER)])
        assert (await store.replay(SHOP, JOB)).counts.delivered == 0


class TestCancelling:
    async def test_the_rest_in_chunks(self, store):
        await fill(store, 10)
        await store.save_replay(plan())
        made = []
        for _ in range(2):
            made += (await advanced(store, 4)).deliveries
        store.claim(made)
        await store.record([success(d, at=LATER) for d in made[:3]])
        cancelled = await store.change_replay(SHOP, JOB, ReplayState.CANCELLED)
        assert (cancelled.remaining, cancelled.skipped) == (5, 7)
        chunks = [len(await store.cancel_replay_rest(SHOP, JOB, 2, LATER)) for _ in range(4)]
        assert chunks == [2, 2, 1, 0]
        replay = await store.replay(SHOP, JOB)
        assert figures(replay) == {
            "matched": 15,
            "sent": 8,
            "delivered": 3,
            "failed": 0,
            "skipped": 12,
            "remaining": 0,
            "state": "cancelled",
        }
        assert await store.unfinished_replays() == []
        assert (await store.statistics()).pending == {}

    async def test_many_pending_ones_by_a_filter(self, store, monkeypatch):
        monkeypatch.setattr("hookgate_gateway.store.sqlite.replays._CANCELLED_AT_ONCE", 2)
        await fill(store, 4)
        pending = await accepted(store, *[acceptance(f"tsk_p{n}") for n in range(5)])
        await accepted(store, acceptance("tsk_bank", namespace=BANK))
        wanted = ReplayFilter(state=DeliveryState.PENDING, subscription="invoices")
        counted = await store.count_matching(
            SHOP, wanted, replayable=False, to_subscription=None, now=LATER
        )
        chunks = [chunk async for chunk in store.cancel_matching(SHOP, wanted, LATER)]
        assert [len(chunk) for chunk in chunks] == [2, 2, 1]
        assert [c.id for chunk in chunks for c in chunk] == [d.id for d in pending]
        assert counted == 5
        left = await store.deliveries(
            SHOP, DeliveryQuery(states=frozenset({DeliveryState.CANCELLED})), limit=50
        )
        assert {d.ending for d in left.items} == {Ending.REQUESTED}
        assert (await store.statistics()).pending == {(BANK, "invoices"): 1}


class TestPruning:
    async def test_what_an_unfinished_one_may_select_stays(self, store):
        await fill(store, 4)
        await store.save_replay(plan())
        await accepted(store, acceptance("tsk_later", to=(), at=START))
        assert await store.prune(LATER - 1, 10) == 1
        made = await to_the_end(store)
        assert len(made) == 6
        await store.record([success(d, at=LATER) for d in made])
        await store.prune(LATER + 3600, 10)
        assert await store.event(SHOP, made[0].event_id) is None
        assert await store.replay(SHOP, JOB) is None

    async def test_numbers_of_pruned_events_do_not_come_back_below_a_bound(self, store):
        await declare(store, "invoices")
        (other,) = await accepted(store, acceptance("tsk_bank", namespace=BANK))
        await store.record([success(other)])
        await store.save_replay(plan())  # the bound is the bank's event
        assert await store.prune(LATER - 1, 10) == 0
        await accepted(store, acceptance("tsk_new", at=LATER + 1))
        assert await to_the_end(store) == []


class TestDeclared:
    """Replays of all namespaces, by whoever declared them."""

    @pytest.fixture
    async def four(self, store):
        """Two of mine, one of somebody else's and one of nobody's; my second one is over."""
        for id_, namespace, owner in (
            ("uid-2", SHOP, "mine"),
            ("uid-1", SHOP, "other"),
            ("uid-3", SHOP, None),
            ("uid-1", BANK, "mine"),
        ):
            await store.save_replay(plan(id_=ReplayId(id_), namespace=namespace, owner=owner))
        await store.change_replay(SHOP, ReplayId("uid-2"), ReplayState.CANCELLED)

    @pytest.mark.parametrize(
        ("owner", "unfinished", "expected"),
        [
            (None, False, [(BANK, "uid-1"), (SHOP, "uid-1"), (SHOP, "uid-2"), (SHOP, "uid-3")]),
            (None, True, [(BANK, "uid-1"), (SHOP, "uid-1"), (SHOP, "uid-3")]),
            ("mine", False, [(BANK, "uid-1"), (SHOP, "uid-2")]),
            ("mine", True, [(BANK, "uid-1")]),
            ("nobody-i-know", False, []),
        ],
    )
    async def test_by_owner_page_by_page(self, store, four, owner, unfinished, expected):
        cursor, found = None, []
        while True:
            page = await store.declared_replays(
                owner, unfinished=unfinished, limit=1, cursor=cursor
            )
            found += [(each.plan.namespace, each.plan.id) for each in page.items]
            cursor = page.cursor
            if cursor is None:
                break
        assert found == expected
