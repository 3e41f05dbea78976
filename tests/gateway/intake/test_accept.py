"""A body in, a receipt out: batches, bounds, duplicates, stale matching, failures, cancellation."""

import asyncio
import hashlib

import pytest
from structlog.testing import capture_logs

from hookgate_gateway.intake.accept import AcceptedReport, Overloaded
from hookgate_gateway.intake.quota import BacklogFull, BacklogQuota
from hookgate_gateway.ports import StoreFull, StoreUnavailable
from hookgate_gateway.rules.delivery import Hold, HoldReason
from hookgate_gateway.rules.report import Unreadable
from tests.gateway.intake.parts import Gateway, IntakeLimits, gateway, payload, settle, subscription

pytestmark = pytest.mark.looptime


async def test_an_event_is_stored_as_received_and_handed_over():
    async with gateway() as g:
        body = payload("tsk_1", workflow_id="w_1")
        receipt = await g.accept(body)
    [[stored]] = g.store.batches
    assert receipt == AcceptedReport(stored.event_id, "tsk_1", 1, duplicate=False)
    assert stored.body == body
    assert stored.body_sha256 == hashlib.sha256(body).digest()
    assert (stored.namespace, stored.origin) == ("shop", "api-key:checkout")
    assert stored.report.workflow_ids == ("w_1",)
    [new] = stored.deliveries
    assert (new.subscription, new.lane, new.parked) == ("invoices", "s/shop/invoices", False)
    [[offered]] = g.dispatcher.offered
    assert (offered.id, offered.body) == (new.id, body)
    assert g.received("accepted") == 1


async def test_identifiers_are_never_the_same():
    async with gateway() as g:
        g.catalogue.subscriptions = (subscription("a"), subscription("b"))
        await asyncio.gather(*[g.accept(payload(f"tsk_{i}")) for i in range(20)])
    stored = list(g.store.events.values())
    made = [new.id for event in stored for new in event.deliveries]
    made += [event.run_delivery for event in stored]
    assert len(set(made)) == 60
    assert len({event.event_id for event in stored}) == 20
    assert all(id_.startswith("dlv_") and len(id_) == 30 for id_ in made)


async def test_what_arrives_during_a_commit_goes_into_the_next():
    async with gateway() as g:
        g.store.disk.clear()
        first = await g.arrive(payload("tsk_0"))
        others = await g.arrive(*[payload(f"tsk_{i}") for i in range(1, 6)])
        assert [len(batch) for batch in g.store.batches] == [1]
        assert not any(caller.done() for caller in first + others)
        g.store.disk.set()
        receipts = await asyncio.gather(*first, *others)
    assert [len(batch) for batch in g.store.batches] == [1, 5]
    assert [receipt.run_id for receipt in receipts] == [f"tsk_{i}" for i in range(6)]
    assert [len(offer) for offer in g.dispatcher.offered] == [1, 5]


async def test_a_commit_is_bounded_in_bytes_and_a_larger_body_goes_alone():
    async with gateway(batch_bytes=3000) as g:
        g.store.disk.clear()
        callers = await g.arrive(payload("tsk_0"))
        callers += await g.arrive(
            payload("tsk_1", size=1000),
            payload("tsk_2", size=1000),
            payload("tsk_3", size=9000),
            payload("tsk_4", size=1000),
            payload("tsk_5", size=1000),
            payload("tsk_6", size=1000),
        )
        g.store.disk.set()
        await asyncio.gather(*callers)
    runs = [[acceptance.report.run_id[-1] for acceptance in batch] for batch in g.store.batches]
    assert runs == [["0"], ["1", "2"], ["3"], ["4", "5"], ["6"]]


async def test_a_commit_is_bounded_in_events():
    async with gateway(batch_events=4) as g:
        g.store.disk.clear()
        callers = await g.arrive(*[payload(f"tsk_{i}") for i in range(10)])
        g.store.disk.set()
        await asyncio.gather(*callers)
    assert max(len(batch) for batch in g.store.batches) == 4


async def test_a_duplicate_is_answered_with_the_first_event():
    async with gateway() as g:
        first, second = await asyncio.gather(g.accept(payload()), g.accept(payload()))
        third = await g.accept(payload())
        other = await g.accept(payload(attempt=1))
    assert not first.duplicate
    assert second == third == AcceptedReport(first.event_id, "tsk_1", 1, duplicate=True)
    assert other.event_id != first.event_id
    assert g.received("duplicate") == 2
    assert sum(len(offer) for offer in g.dispatcher.offered) == 2


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b'{"run_id": "a"}', b'{"run_id": "", "status": "x"}']
)
async def test_what_is_no_report_is_refused_and_not_stored(body):
    async with gateway() as g:
        assert isinstance(await g.accept(body), Unreadable)
        assert g.acceptor.held_bytes == 0
    assert not g.store.batches
    assert g.received("rejected", run_type="other", status="other") == 1


async def test_held_subscriptions_and_busy_lanes_are_parked():
    async with gateway() as g:
        hold = Hold(HoldReason.SUSPENDED, since=0.0)
        g.catalogue.subscriptions = (
            subscription("held", hold=hold),
            subscription("broken"),
            subscription("well"),
        )
        g.dispatcher.parked.add("s/shop/broken")
        receipt = await g.accept(payload())
    assert receipt.deliveries == 3
    [[stored]] = g.store.batches
    parked = {new.subscription: new.parked for new in stored.deliveries}
    assert parked == {"held": True, "broken": True, "well": False}
    [[offered]] = g.dispatcher.offered
    assert offered.target.subscription == "well"


async def test_what_nobody_asked_for_is_stored_and_offered_to_nobody():
    async with gateway() as g:
        g.catalogue.subscriptions = ()
        receipt = await g.accept(payload())
    assert receipt.deliveries == 0
    assert len(g.store.events) == 1
    assert not g.dispatcher.offered


async def test_interim_deliveries_that_a_final_event_cancelled_are_told():
    async with gateway() as g:
        await g.accept(payload("tsk_interim_before"))
    assert g.dispatcher.forgotten == ["dlv_interim"]


async def test_what_the_same_commit_has_superseded_is_not_handed_over():
    async with gateway() as g:
        g.store.disk.clear()
        callers = await g.arrive(payload("tsk_0"))
        callers += await g.arrive(payload("tsk_1", status="running"), payload("tsk_1"))
        g.store.disk.set()
        await asyncio.gather(*callers)
    _, [interim, final] = g.store.batches
    assert [one.id for one in g.dispatcher.offered[1]] == [final.deliveries[0].id]
    assert g.dispatcher.forgotten == [interim.deliveries[0].id]


# ------------------------------------------------------------------------------------- overload


async def test_bytes_in_the_intake_are_bounded_and_come_free_again():
    async with gateway(total_bytes=10_000, event_overhead=100) as g:
        g.store.disk.clear()
        waiting = await g.arrive(payload("tsk_1", size=5000))
        with pytest.raises(Overloaded) as refused:
            await g.accept(payload("tsk_2", size=5000), "bank")
        assert refused.value.retry_after >= 1
        waiting += await g.arrive(payload("tsk_3", size=1000), namespace="bank")
        assert g.acceptor.held_bytes > 6000
        g.store.disk.set()
        await asyncio.gather(*waiting)
        assert g.acceptor.held_bytes == 0
        await g.accept(payload("tsk_2", size=5000), "bank")
    assert {event.report.run_id for event in g.store.events.values()} == {"tsk_1", "tsk_2", "tsk_3"}


async def test_a_flood_of_tiny_events_is_bounded_too():
    async with gateway(total_bytes=20_480, event_overhead=2048) as g:
        g.store.disk.clear()
        callers = await g.arrive(*[payload(f"tsk_{i}") for i in range(10)])
        callers += await g.arrive(*[payload(f"tsk_{i}") for i in range(10, 20)], namespace="bank")
        refused = [caller for caller in callers if caller.done()]
        assert len(refused) == 12
        assert all(isinstance(caller.exception(), Overloaded) for caller in refused)
        g.store.disk.set()
        await asyncio.gather(*callers, return_exceptions=True)
    assert len(g.store.events) == 8


async def test_one_namespace_holds_half_of_the_intake_and_leaves_the_rest_to_others():
    async with gateway(total_bytes=20_480, event_overhead=1024) as g:
        g.store.disk.clear()
        callers = await g.arrive(*[payload(f"tsk_{i}") for i in range(30)])
        refused = [caller for caller in callers if caller.done()]
        assert g.acceptor.held_bytes <= 10_240
        assert refused
        others = await g.arrive(*[payload(f"tsk_{i}") for i in range(5)], namespace="bank")
        assert not any(caller.done() for caller in others)
        g.store.disk.set()
        await asyncio.gather(*others)
        await asyncio.gather(*callers, return_exceptions=True)
        await g.accept(payload("tsk_later"))


# --------------------------------------------------------------------------------------- quota


async def test_a_full_backlog_refuses_and_says_how_full_it_is():
    quota = BacklogQuota(3)
    async with gateway(quota) as g:
        for number in range(3):
            await g.accept(payload(f"tsk_{number}"))
        with pytest.raises(BacklogFull, match=r"3 deliveries .* are pending, 3 may be") as refused:
            await g.accept(payload("tsk_3"))
        assert refused.value.retry_after >= 1
        await g.accept(payload("tsk_3"), "bank")  # what others may is their own
        quota.counting()
        quota.counted({("shop", "invoices"): 1, ("shop", ""): 1, ("bank", "x"): 9})
        await g.accept(payload("tsk_3"))
        with pytest.raises(BacklogFull):
            await g.accept(payload("tsk_4"))


async def test_what_is_accepted_while_the_store_counts_is_not_forgotten():
    quota = BacklogQuota(3)
    async with gateway(quota) as g:
        await g.accept(payload("tsk_0"))
        quota.counting()
        await g.accept(payload("tsk_1"))
        await g.accept(payload("tsk_2"))
        quota.counted({("shop", "invoices"): 1})  # as it stood when it began
        with pytest.raises(BacklogFull):
            await g.accept(payload("tsk_3"))


async def test_duplicates_do_not_count_twice():
    async with gateway(BacklogQuota(2)) as g:
        for _ in range(5):
            await g.accept(payload("tsk_1"))
        await g.accept(payload("tsk_2"))


# --------------------------------------------------------------------------------------- stale


async def test_what_was_matched_with_an_old_catalogue_is_matched_again():
    async with gateway() as g:
        g.store.revision = 7
        [caller] = await g.arrive(payload())
        assert g.catalogue.waited_for == [7]
        assert not caller.done()
        g.catalogue.subscriptions = (subscription("new-one"), subscription("another"))
        await g.catalogue.see(7)
        receipt = await caller
    assert receipt.deliveries == 2
    first, second = (batch[0] for batch in g.store.batches)
    assert (first.revision, second.revision) == (0, 7)
    assert first.event_id == second.event_id
    assert [new.subscription for new in second.deliveries] == ["new-one", "another"]
    assert g.received("accepted") == 1


async def test_events_keep_their_order_when_they_are_matched_again():
    async with gateway(batch_events=2) as g:
        g.store.revision = 1
        callers = await g.arrive(*[payload(f"tsk_{i}") for i in range(4)])
        await g.catalogue.see(1)
        await asyncio.gather(*callers)
    assert [event.report.run_id for event in g.store.events.values()] == [
        f"tsk_{i}" for i in range(4)
    ]


async def test_a_catalogue_that_stays_behind_is_an_overload():
    async with gateway(stale_wait=5.0) as g:
        g.store.revision = 7
        loop = asyncio.get_running_loop()
        started = loop.time()
        with pytest.raises(Overloaded):
            await g.accept(payload())
        assert loop.time() - started == pytest.approx(5.0)
        assert g.acceptor.held_bytes == 0
        await g.catalogue.see(7)
        assert (await g.accept(payload())).deliveries == 1


async def test_a_catalogue_that_never_stands_still_is_an_overload():
    async with gateway(stale_tries=3) as g:

        async def run_ahead(revision):
            g.store.revision = revision + 1
            await g.catalogue.see(revision)

        g.catalogue.wait_for = run_ahead
        g.store.revision = 1
        with pytest.raises(Overloaded):
            await g.accept(payload())
        assert g.acceptor.held_bytes == 0
    assert len(g.store.batches) == 4


# ------------------------------------------------------------------------------------- failures


@pytest.mark.parametrize("failure", [StoreUnavailable("not now"), StoreFull("no room")])
async def test_a_store_that_cannot_is_told_to_everybody_in_the_batch_and_to_nobody_else(failure):
    async with gateway() as g:
        g.store.failures = [failure]
        g.store.disk.clear()
        first = await g.arrive(payload("tsk_1"))
        others = await g.arrive(payload("tsk_2"), payload("tsk_3"))
        g.store.disk.set()
        for caller in first:
            with pytest.raises(type(failure)):
                await caller
        assert [receipt.run_id for receipt in await asyncio.gather(*others)] == ["tsk_2", "tsk_3"]
        assert g.acceptor.held_bytes == 0
    assert g.received("accepted") == 2


async def test_a_bug_in_the_store_fails_one_batch_and_the_next_goes_on():
    async with gateway() as g:
        g.store.failures = [ZeroDivisionError("the text of a payload")]
        with capture_logs() as lines, pytest.raises(ZeroDivisionError):
            await g.accept(payload("tsk_1"))
        [line] = lines
        assert line["event"] == "intake_batch_failed"
        assert "payload" not in str(line)
        assert (await g.accept(payload("tsk_2"))).deliveries == 1
        assert g.acceptor.held_bytes == 0


async def test_callers_are_answered_although_the_dispatcher_fails():
    async with gateway() as g:

        def fail(deliveries):
            raise ZeroDivisionError

        g.dispatcher.offer = fail
        receipt = await g.accept(payload())
        assert receipt.deliveries == 1
        del g.dispatcher.offer
        await g.accept(payload("tsk_2"))
    assert len(g.dispatcher.offered) == 1


async def test_commits_are_timed():
    async with gateway() as g:
        g.store.disk.clear()
        [caller] = await g.arrive(payload())
        await asyncio.sleep(0.3)
        g.store.disk.set()
        await caller
    assert g.registry.get_sample_value("hookgate_store_commit_seconds_count") == 1
    seconds = g.registry.get_sample_value("hookgate_store_commit_seconds_sum")
    assert seconds == pytest.approx(0.3, abs=0.01)


# ---------------------------------------------------------------------------------- cancellation


async def test_a_caller_that_goes_away_leaves_the_batch_as_it_is():
    async with gateway() as g:
        g.store.disk.clear()
        inside = await g.arrive(payload("tsk_0"))
        waiting = await g.arrive(payload("tsk_1"), payload("tsk_2"))
        for caller in (inside[0], waiting[0]):
            caller.cancel()
        await settle()
        assert inside[0].cancelled()
        g.store.disk.set()
        assert (await waiting[1]).run_id == "tsk_2"
        assert g.acceptor.held_bytes == 0
    assert len(g.store.events) == 3
    assert g.received("accepted") == 3
    assert sum(len(offer) for offer in g.dispatcher.offered) == 3


async def test_a_caller_that_goes_away_does_not_disturb_a_failing_batch():
    async with gateway() as g:
        g.store.disk.clear()
        g.store.failures = [StoreUnavailable("not now")]
        [caller] = await g.arrive(payload())
        caller.cancel()
        await settle()
        g.store.disk.set()
        await settle()
        assert g.acceptor.held_bytes == 0
        assert (await g.accept(payload())).duplicate is False


# --------------------------------------------------------------------------------------- ending


async def test_closing_commits_what_has_come_and_refuses_what_comes():
    g = Gateway(IntakeLimits(batch_events=2))
    async with g.acceptor:
        g.store.disk.clear()
        callers = await g.arrive(*[payload(f"tsk_{i}") for i in range(5)])
        closing = asyncio.create_task(g.acceptor.close())
        await settle()
        with pytest.raises(Overloaded):
            await g.accept(payload("tsk_9"))
        assert not closing.done()
        g.store.disk.set()
        await closing
        assert [receipt.run_id for receipt in await asyncio.gather(*callers)] == [
            f"tsk_{i}" for i in range(5)
        ]
    assert len(g.store.events) == 5


async def test_before_it_is_entered_nothing_is_taken():
    g = Gateway(IntakeLimits())
    with pytest.raises(Overloaded):
        await g.accept(payload())
    await g.acceptor.close()


async def test_closing_that_is_cancelled_leaves_nobody_waiting():
    g = Gateway(IntakeLimits(batch_events=2))
    await g.acceptor.__aenter__()
    g.store.disk.clear()
    callers = await g.arrive(*[payload(f"tsk_{i}") for i in range(5)])
    closing = asyncio.create_task(g.acceptor.close())
    await settle()
    closing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await closing
    answers = await asyncio.gather(*callers, return_exceptions=True)
    assert all(isinstance(answer, Overloaded) for answer in answers)
    assert g.acceptor.held_bytes == 0
