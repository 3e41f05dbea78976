"""The backlog: none is taken twice, everything due is found, results are written once."""

import asyncio
import math

import pytest

from hookgate.deliveries import DeliveryState
from hookgate_gateway.contract import ResourceKey, ResourceKind
from hookgate_gateway.ports import DeliveryQuery, NewReplay, Recorded, Recording, ResourceDraft
from hookgate_gateway.rules.delivery import Ending, Kind, Target
from hookgate_gateway.rules.lane import run_lane, subscription_lane
from hookgate_gateway.rules.retry import GiveUp
from tests.gateway.stores import (
    BANK,
    SHOP,
    START,
    acceptance,
    answered,
    exhaustion,
    failure,
    ids,
    success,
)

LATER = START + 3600


async def owed(store, *items):
    """Accepted and left to be taken: as after a restart, nobody claims them."""
    receipts = await store.accept(items)
    return [delivery for receipt in receipts for delivery in receipt.deliveries]


async def take_all(open_store, limit=100, now=START):
    async with open_store() as store:
        return await store.take_due(now, limit)


async def test_one_process_owns_all_lanes(store):
    ownership = await store.owned()
    assert ownership.shards == frozenset(range(64))
    assert ownership.until == math.inf


class TestTakingWhatIsDue:
    async def test_oldest_first_with_everything_that_sending_needs(self, open_store):
        async with open_store() as store:
            young = await owed(store, acceptance("tsk_1", at=START))
            old = await owed(store, acceptance("tsk_2", at=START - 5))
        taken = await take_all(open_store)
        assert taken.deliveries == (*old, *young)
        assert taken.next_due is None

    async def test_not_before_its_time(self, open_store):
        async with open_store() as store:
            await owed(store, acceptance(at=START + 60))
        async with open_store() as store:
            assert await store.take_due(START, 10) == await store.take_due(START + 59, 10)
            assert (await store.take_due(START, 10)).next_due == START + 60
            assert len((await store.take_due(START + 60, 10)).deliveries) == 1

    async def test_none_twice(self, open_store):
        async with open_store() as store:
            await owed(store, *(acceptance(f"tsk_{n}") for n in range(10)))
        async with open_store() as store:
            takes = await asyncio.gather(*(store.take_due(START, 3) for _ in range(6)))
            taken = [d.id for take in takes for d in take.deliveries]
            assert len(taken) == len(set(taken)) == 10
            assert takes[0].next_due == START
            assert takes[-1].next_due is None

    async def test_what_was_claimed_is_not_taken(self, store):
        store.claim(await owed(store, acceptance()))
        assert (await store.take_due(LATER, 10)).deliveries == ()

    async def test_what_nobody_claimed_is_announced_and_taken(self, store):
        deliveries = await owed(store, acceptance(at=START - 5))
        async with asyncio.timeout(5):
            await store.wait(START + 1000)
        assert (await store.take_due(START, 10)).deliveries == tuple(deliveries)

    async def test_it_may_come_from_before_what_was_taken(self, store):
        store.claim(await owed(store, acceptance("tsk_1")))
        assert (await store.take_due(START, 10)).deliveries == ()
        older = await owed(store, acceptance("tsk_2", at=START - 60))
        async with asyncio.timeout(5):
            await store.wait(START + 1000)
        assert (await store.take_due(START, 10)).deliveries == tuple(older)

    async def test_deliveries_of_one_event_share_its_body(self, open_store):
        async with open_store() as store:
            await owed(store, acceptance(to=("a", "b", "c")))
        bodies = [d.body for d in (await take_all(open_store)).deliveries]
        assert bodies[0] is bodies[1] is bodies[2]

    async def test_a_large_body_is_read_when_it_is_sent(self, open_store):
        large = b'{"run_id": "tsk_1"}'.ljust(65537)
        async with open_store() as store:
            (fresh,) = await owed(store, acceptance(body=large))
            assert (fresh.body, fresh.body_size) == (None, 65537)
        async with open_store() as store:
            (delivery,) = (await store.take_due(START, 10)).deliveries
            assert (delivery.body, delivery.body_size) == (None, 65537)
            assert await store.body(SHOP, delivery.event_id) == large
            assert await store.body(BANK, delivery.event_id) is None

    async def test_a_take_is_bounded_in_bytes(self, open_store):
        async with open_store() as store:
            for n in range(160):
                body = (b"%d" % n).ljust(65536)
                await owed(store, acceptance(f"tsk_{n}", body=body))
        async with open_store() as store:
            first = await store.take_due(START, 200)
            assert 100 <= len(first.deliveries) <= 128
            assert first.next_due == START
            second = await store.take_due(START, 200)
            assert len(first.deliveries) + len(second.deliveries) == 160

    async def test_a_cancelled_take_leaves_everything(self, open_store):
        async with open_store() as store:
            await owed(store, acceptance())
        async with open_store() as store:
            take = asyncio.create_task(store.take_due(START, 10))
            await asyncio.sleep(0)
            take.cancel()
            with pytest.raises(asyncio.CancelledError):
                await take
            assert len((await store.take_due(START, 10)).deliveries) == 1


class TestGivingBack:
    async def test_released_ones_can_be_taken_at_once(self, store):
        (delivery,) = await owed(store, acceptance())
        store.claim([delivery])
        await store.release([delivery.id])
        async with asyncio.timeout(5):
            await store.wait(LATER)
        assert (await store.take_due(START, 10)).deliveries == (delivery,)

    async def test_released_behind_the_position_of_takes(self, open_store):
        async with open_store() as store:
            await owed(store, *(acceptance(f"tsk_{n}", at=START - n) for n in range(5)))
        async with open_store() as store:
            taken = (await store.take_due(START, 10)).deliveries
            await store.release([taken[1].id])
            assert (await store.take_due(START, 10)).deliveries == (taken[1],)

    async def test_parked_ones_wait_for_their_lane(self, store):
        (delivery,) = await owed(store, acceptance())
        store.claim([delivery])
        await store.park([delivery.id])
        assert (await store.take_due(LATER, 10)).deliveries == ()
        assert await store.parked_lanes() == [delivery.lane]
        assert await store.take_parked("s/shop/other", 10) == []
        assert await store.take_parked(delivery.lane, 10) == [delivery]
        assert await store.take_parked(delivery.lane, 10) == []

    async def test_a_lane_is_taken_oldest_due_first_whatever_its_time(self, store):
        items = [acceptance(f"tsk_{n}", parked=True, at=START + n) for n in (3, 1, 2)]
        await store.accept(items)
        lane = items[0].deliveries[0].lane
        first = await store.take_parked(lane, 2)
        assert [d.run_id for d in first] == ["tsk_1", "tsk_2"]
        assert [d.run_id for d in await store.take_parked(lane, 2)] == ["tsk_3"]

    async def test_a_lane_is_taken_behind_what_was_looked_at(self, store):
        items = [acceptance(f"tsk_{n}", parked=True, at=START + n // 2) for n in range(5)]
        await store.accept(items)
        lane = items[0].deliveries[0].lane
        (*_, last) = first = await store.take_parked(lane, 3)
        await store.release([d.id for d in first])
        behind = await store.take_parked(lane, 3, (last.due, last.id))
        assert [d.run_id for d in behind] == ["tsk_3", "tsk_4"]
        assert [d.run_id for d in await store.take_parked(lane, 3)] == ["tsk_0", "tsk_1", "tsk_2"]

    async def test_what_was_given_back_comes_before_what_lies_behind(self, store):
        for n in range(6):
            await owed(store, acceptance(f"tsk_{n}", at=START + n, parked=True))
        lane = subscription_lane(SHOP, "invoices")
        first, second = await store.take_parked(lane, 2)
        third, _ = await store.take_parked(lane, 2)
        await store.park([first.id])
        await store.record([failure(third, due=START - 1, parked=True)])
        await store.release([second.id])
        again = await store.take_parked(lane, 4)
        assert [d.run_id for d in again] == ["tsk_2", "tsk_0", "tsk_1", "tsk_4"]
        assert [d.run_id for d in await store.take_parked(lane, 4)] == ["tsk_5"]

    async def test_released_parked_ones_stay_parked(self, store):
        item = acceptance(parked=True)
        await store.accept([item])
        lane = item.deliveries[0].lane
        (delivery,) = await store.take_parked(lane, 1)
        await store.release([delivery.id])
        assert (await store.take_due(LATER, 10)).deliveries == ()
        assert await store.take_parked(lane, 1) == [delivery]

    async def test_every_lane_with_parked_ones_is_named_once(self, store):
        await store.accept(
            [acceptance(f"tsk_{n}", to=("b", "a", "c"), parked=True) for n in range(4)]
        )
        await store.accept([acceptance("tsk_9", namespace=BANK, parked=True)])
        lanes = ["s/bank/invoices", "s/shop/a", "s/shop/b", "s/shop/c"]
        assert await store.parked_lanes() == lanes


class TestRecording:
    @pytest.fixture
    async def delivery(self, store):
        (delivery,) = await owed(store, acceptance())
        store.claim([delivery])
        return delivery

    async def test_a_success_ends_it(self, store, delivery):
        assert await store.record([success(delivery)]) == [Recorded.STORED]
        stored = await store.delivery(SHOP, delivery.id)
        assert (stored.state, stored.attempts, stored.due) == (DeliveryState.DELIVERED, 1, None)
        assert (stored.outcome, stored.status_code, stored.ended_at) == (
            "success",
            200,
            START + 0.25,
        )
        (attempt,) = await store.attempts(SHOP, delivery.id)
        assert (attempt.number, attempt.attempt) == (1, answered())
        assert await store.attempts(BANK, delivery.id) == []
        assert (await store.statistics()).pending == {}

    async def test_a_retry_is_due_later(self, store, delivery):
        await store.record([failure(delivery, due=START + 60)])
        assert (await store.take_due(START + 59, 10)).next_due == START + 60
        (again,) = (await store.take_due(START + 60, 10)).deliveries
        assert (again.id, again.attempts, again.due) == (delivery.id, 1, START + 60)
        assert again.accepted_at == START

    async def test_a_retry_may_wait_for_its_lane(self, store, delivery):
        await store.record([failure(delivery, due=START + 60, parked=True)])
        assert (await store.take_due(LATER, 10)).deliveries == ()
        (again,) = await store.take_parked(delivery.lane, 10)
        assert again.attempts == 1

    async def test_giving_up_says_why(self, store, delivery):
        await store.record([exhaustion(delivery, ending=Ending.EXPIRED)])
        stored = await store.delivery(SHOP, delivery.id)
        assert (stored.state, stored.ending) == (DeliveryState.EXHAUSTED, Ending.EXPIRED)

    async def test_the_same_attempt_twice_counts_once(self, store, delivery):
        recording = failure(delivery, due=START + 60)
        both = await store.record([recording, recording])
        assert [*both, *await store.record([recording])] == [Recorded.STORED] * 3
        assert len(await store.attempts(SHOP, delivery.id)) == 1
        assert (await store.delivery(SHOP, delivery.id)).attempts == 1
        assert (await store.statistics()).pending == {(SHOP, "invoices"): 1}

    async def test_cancelled_in_flight_stays_cancelled_after_a_failure(self, store, delivery):
        assert await store.cancel(SHOP, [delivery.id], Ending.REQUESTED, START) == [delivery.id]
        assert await store.record([failure(delivery, due=LATER)]) == [Recorded.CANCELLED]
        assert await store.record([failure(delivery, due=LATER)]) == [Recorded.CANCELLED]
        stored = await store.delivery(SHOP, delivery.id)
        assert (stored.state, stored.attempts) == (DeliveryState.CANCELLED, 1)
        assert (stored.ending, stored.status_code) == (Ending.REQUESTED, 503)
        assert (await store.take_due(LATER, 10)).deliveries == ()

    async def test_and_becomes_delivered_by_a_2xx(self, store, delivery):
        await store.cancel(SHOP, [delivery.id], Ending.REQUESTED, START)
        assert await store.record([success(delivery)]) == [Recorded.STORED]
        stored = await store.delivery(SHOP, delivery.id)
        assert (stored.state, stored.ending) == (DeliveryState.DELIVERED, None)
        assert (await store.statistics()).pending == {}

    async def test_each_of_a_batch_becomes_what_it_is(self, store):
        """A success that was recorded before, or cancelled meanwhile, takes nothing from the others."""
        first, before, cancelled, failed, last = await owed(
            store, *(acceptance(f"tsk_{n}") for n in range(5))
        )
        await store.record([success(before)])
        await store.cancel(SHOP, [cancelled.id], Ending.REQUESTED, LATER)
        batch = [success(first), success(before), success(cancelled), failure(failed, due=LATER)]
        for _ in range(2):
            assert await store.record([*batch, success(last)]) == [Recorded.STORED] * 5
        shown = [await store.delivery(SHOP, d.id) for d in (first, before, cancelled, failed, last)]
        ended = DeliveryState.DELIVERED
        assert [d.state for d in shown] == [ended, ended, ended, DeliveryState.PENDING, ended]
        assert [d.attempts for d in shown] == [1] * 5
        assert [len(await store.attempts(SHOP, d.id)) for d in shown] == [1] * 5
        assert (await store.statistics()).pending == {(SHOP, "invoices"): 1}

    async def test_a_receivers_strange_bytes_are_no_obstacle(self, store, delivery):
        attempt = answered(503, error="bad \udcff byte")
        strange = ("Server", "caf\udce9")
        attempt = type(attempt)(
            **{f: getattr(attempt, f) for f in attempt.__dataclass_fields__}
            | {"response_headers": (strange,), "response_body": b"\x00\xff"}
        )
        await store.record(
            [Recording(delivery=delivery, attempt=attempt, verdict=GiveUp(Ending.EXPIRED))]
        )
        (stored,) = await store.attempts(SHOP, delivery.id)
        assert stored.attempt.response_headers == (("Server", "caf?"),)
        assert (stored.attempt.response_body, stored.attempt.error) == (b"\x00\xff", "bad ? byte")

    async def test_gone_marks_no_subscription_that_was_changed_since(self, store):
        key = ResourceKey(ResourceKind.SUBSCRIPTION, SHOP, "invoices")
        draft = ResourceDraft(key=key, owner="o", fingerprint="1", document={})
        judged_by = await store.put(draft, START)
        edited = await store.put(draft, START)
        for revision, gone_at in ((judged_by, None), (edited, START + 0.25)):
            item = acceptance(f"tsk_{revision}", revision=edited)
            ((delivery,),) = [r.deliveries for r in await store.accept([item])]
            gone = Recording(
                delivery=delivery,
                attempt=answered(410),
                verdict=GiveUp(Ending.GONE),
                marks_gone=True,
                revision=revision,
            )
            await store.record([gone])
            assert (await store.changes(0)).resources[0].gone_at == gone_at

    async def test_gone_marks_the_subscription_and_makes_a_revision(self, store, delivery):
        key = ResourceKey(ResourceKind.SUBSCRIPTION, SHOP, "invoices")
        revision = await store.put(
            ResourceDraft(key=key, owner="o", fingerprint="1", document={}), START
        )
        gone = Recording(
            delivery=delivery,
            attempt=answered(410),
            verdict=GiveUp(Ending.GONE),
            marks_gone=True,
        )
        await store.record([gone])
        changes = await store.changes(revision)
        assert changes.revision == revision + 1
        assert changes.resources[0].gone_at == START + 0.25
        await store.record([gone])
        assert (await store.changes(0)).revision == revision + 1


class TestReplays:
    def replay(self, event_id, **other):
        values = {
            "id": ids.delivery(),
            "namespace": SHOP,
            "event_id": event_id,
            "target": Target(subscription="invoices"),
            "lane": "s/shop/invoices",
            "kind": Kind.REPLAY,
            "created_at": LATER,
            "due": LATER,
        }
        return NewReplay(**(values | other))

    async def test_it_is_owed_like_any_other(self, store):
        item = acceptance()
        (original,) = await owed(store, item)
        store.claim([original])
        await store.record([success(original)])
        new = self.replay(item.event_id, replay_of=original.id)
        delivery = await store.add(new)
        assert (delivery.body, delivery.kind, delivery.accepted_at) == (item.body, "replay", LATER)
        assert (await store.take_due(LATER - 1, 10)).next_due == LATER
        assert (await store.take_due(LATER, 10)).deliveries == (delivery,)
        stored = await store.delivery(SHOP, new.id)
        assert (stored.replay_of, stored.run_id) == (original.id, "tsk_1")
        assert (await store.statistics()).pending == {(SHOP, "invoices"): 1}

    async def test_to_a_url_parked_or_later(self, store):
        item = acceptance(to=())
        await store.accept([item])
        lane = run_lane(SHOP, "https://else.example/")
        target = Target(url="https://else.example/")
        await store.add(self.replay(item.event_id, target=target, lane=lane, parked=True))
        direct = self.replay(item.event_id, kind=Kind.DIRECT, due=LATER + 90)
        await store.add(direct)
        assert (await store.take_due(LATER, 10)).next_due == LATER + 90
        (parked,) = await store.take_parked(lane, 10)
        assert parked.target == target

    async def test_another_namespaces_event_is_unknown(self, store):
        item = acceptance()
        await store.accept([item])
        assert await store.add(self.replay(item.event_id, namespace=BANK)) is None
        assert await store.add(self.replay("evt_none")) is None

    async def test_an_interim_delivery_sent_again_is_not_superseded(self, store):
        item = acceptance(status="running", to=())
        await store.accept([item])
        await store.add(self.replay(item.event_id))
        (receipt,) = await store.accept([acceptance()])
        assert receipt.superseded == ()


class TestWaiting:
    async def test_until_the_wall_clock_says_so(self, store, wall):
        async with asyncio.timeout(5):
            await store.wait(START)
            await store.wait(START - 10)

    async def test_a_retry_that_is_recorded_meanwhile_counts(self, store, wall):
        (delivery,) = await owed(store, acceptance())
        store.claim([delivery])
        waiting = asyncio.create_task(store.wait(LATER))
        await asyncio.sleep(0)
        wall.time = START + 61
        await store.record([failure(delivery, due=START + 60)])
        async with asyncio.timeout(5):
            await waiting


class TestExpiring:
    LANE = subscription_lane(SHOP, "invoices")

    async def endings(self, store):
        page = await store.deliveries(SHOP, DeliveryQuery(), limit=200)
        return {d.run_id: (d.state, d.ending, d.ended_at) for d in page.items}

    async def test_what_is_parked_and_older_ends_in_chunks(self, store):
        old = [acceptance(f"tsk_{n}", parked=True, at=START + n) for n in range(5)]
        await store.accept([*old, acceptance("tsk_young", parked=True, at=START + 50)])
        await store.accept([acceptance("tsk_other", parked=True, to=("audit",))])
        before = {self.LANE: START + 50, run_lane(SHOP, "https://nobody.example/"): LATER}
        first = await store.expire_parked(before, 3, LATER)
        assert [e.event_id for e in first] == [a.event_id for a in old[:3]]
        assert {(e.namespace, e.subscription) for e in first} == {(SHOP, "invoices")}
        assert len(await store.expire_parked(before, 3, LATER)) == 2
        assert not await store.expire_parked(before, 3, LATER)
        endings = await self.endings(store)
        assert endings["tsk_0"] == (DeliveryState.EXHAUSTED, Ending.EXPIRED, LATER)
        assert endings["tsk_young"][0] == endings["tsk_other"][0] == DeliveryState.PENDING
        figures = await store.statistics()
        assert figures.pending == {(SHOP, "invoices"): 1, (SHOP, "audit"): 1}
        assert [d.run_id for d in await store.take_parked(self.LANE, 10)] == ["tsk_young"]

    async def test_not_what_somebody_has_in_hand(self, store):
        await store.accept([acceptance(f"tsk_{n}", parked=True) for n in range(4)])
        taken = await store.take_parked(self.LANE, 2)
        expired = await store.expire_parked({self.LANE: LATER}, 10, LATER)
        assert len(expired) == 2
        assert not {e.id for e in expired} & {d.id for d in taken}
        assert not await store.expire_parked({self.LANE: LATER}, 10, LATER)

    async def test_what_a_take_is_about_to_bring_is_in_hand(self, store):
        await store.accept([acceptance(f"tsk_{n}", parked=True) for n in range(50)])
        taken, expired = await asyncio.gather(
            store.take_parked(self.LANE, 20), store.expire_parked({self.LANE: LATER}, 99, LATER)
        )
        assert not {d.id for d in taken} & {e.id for e in expired}
        assert len(taken) + len(expired) == 50

    async def test_what_is_in_hand_ends_when_its_holder_says_so(self, store):
        one, two = await owed(store, acceptance("tsk_1"), acceptance("tsk_2"))
        store.claim([one, two])
        await store.cancel(SHOP, [two.id], "requested", START)
        assert [e.id for e in await store.expire([one.id, two.id], LATER)] == [one.id]
        endings = await self.endings(store)
        assert endings["tsk_1"] == (DeliveryState.EXHAUSTED, Ending.EXPIRED, LATER)
        assert (await store.take_due(LATER, 10)).deliveries == ()

    @pytest.mark.parametrize("arrived", [True, False])
    async def test_a_2xx_makes_it_delivered_should_it_have_been_sent_nevertheless(
        self, store, arrived
    ):
        (one,) = await owed(store, acceptance())
        store.claim([one])
        await store.expire([one.id], LATER)
        result = success(one) if arrived else failure(one, due=LATER)
        expected = Recorded.STORED if arrived else Recorded.CANCELLED
        assert await store.record([result]) == [expected]
        stored = await store.delivery(SHOP, one.id)
        ending = (DeliveryState.DELIVERED, None) if arrived else ("exhausted", Ending.EXPIRED)
        assert (stored.state, stored.ending) == ending
        assert (stored.attempts, len(await store.attempts(SHOP, one.id))) == (1, 1)
        assert (await store.statistics()).pending == {}
