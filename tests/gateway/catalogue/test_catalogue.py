"""The living catalogue over a real store: what was put holds, and what holds is shown."""

import asyncio
from dataclasses import replace

import pytest

from hookgate_gateway.catalogue.matching import matching_subscriptions
from hookgate_gateway.contract import ResourceKey, ResourceKind
from hookgate_gateway.ports import OwnedByAnother, ResourceDraft
from hookgate_gateway.rules.delivery import HoldReason, Namespace, RunId
from hookgate_gateway.rules.report import Report
from tests.gateway.catalogue.world import (
    KEY,
    SHOP,
    api_key_draft,
    draft,
    subscription_key,
    world,
)

FINAL = Report(run_id=RunId("tsk_1"), run_type="task_v2", status="completed")


async def test_what_was_put_holds_when_the_call_returns(tmp_path):
    async with world(tmp_path) as w:
        revision = await w.catalogue.put(draft())
        assert w.catalogue.snapshot.revision == revision
        [mine] = matching_subscriptions(w.catalogue.snapshot, SHOP, FINAL)
        assert mine.name == "invoices"
        assert mine.hold is None
        assert mine.signing.keys == (b"signs",)
        assert matching_subscriptions(w.catalogue.snapshot, Namespace("other"), FINAL) == ()


async def test_an_edit_replaces_the_index_of_its_namespace(tmp_path):
    async with world(tmp_path) as w:
        await w.catalogue.put(draft())
        assert matching_subscriptions(w.catalogue.snapshot, SHOP, FINAL)
        await w.catalogue.put(draft(match={"statuses": ["failed"]}))
        assert matching_subscriptions(w.catalogue.snapshot, SHOP, FINAL) == ()


async def test_another_owner_is_refused(tmp_path):
    async with world(tmp_path) as w:
        await w.catalogue.put(draft())
        with pytest.raises(OwnedByAnother):
            await w.catalogue.put(draft(owner="intruder"))
        with pytest.raises(OwnedByAnother):
            await w.catalogue.delete(subscription_key(), "intruder")


async def test_another_catalogue_of_the_same_store_catches_up(tmp_path):
    async with world(tmp_path) as w:
        other = w.again()
        waiting = asyncio.create_task(other.catalogue.wait_for(1))
        revision = await w.catalogue.put(draft())
        assert revision == 1
        async with asyncio.timeout(5):
            await other.catalogue.refresh()
            await waiting
        assert (SHOP, "invoices") in other.catalogue.snapshot.subscriptions


async def test_listeners_are_told_before_and_after(tmp_path):
    async with world(tmp_path) as w:
        told = []
        w.catalogue.listen(lambda old, new: told.append((old.revision, new.revision)))
        await w.catalogue.put(draft())
        await w.catalogue.refresh()
        assert told == [(0, 1)]


async def test_the_life_of_a_hold(tmp_path):
    """Each row: what is done, and which hold is shown after it."""
    async with world(tmp_path) as w:

        def hold():
            held = w.catalogue.snapshot.subscriptions[SHOP, "invoices"].hold
            return held and (held.reason, held.since)

        catalogue = w.catalogue
        await catalogue.put(draft(secrets={}))
        assert hold() == (HoldReason.UNRESOLVED, 1000.0)
        w.clock.at = 2000.0
        await catalogue.put(draft(secrets={"hook": {}}))
        assert hold() == (HoldReason.UNRESOLVED, 1000.0)  # the same hold goes on
        await catalogue.put(draft(secrets={"hook": {}}, suspend=True))
        assert hold() == (HoldReason.SUSPENDED, 2000.0)  # the owner's word comes first
        await catalogue.put(draft())
        assert hold() is None
        assert catalogue.snapshot.subscriptions[SHOP, "invoices"].resumed_at == 2000.0
        await catalogue.put(draft(endpoint={"url": "http://127.0.0.1/"}))
        assert hold() == (HoldReason.ENDPOINT_FORBIDDEN, 2000.0)
        w.clock.at = 3000.0
        await catalogue.delete(subscription_key(), "test")
        assert hold() == (HoldReason.DELETED, 3000.0)
        assert matching_subscriptions(catalogue.snapshot, SHOP, FINAL) == ()
        await catalogue.put(draft())
        assert hold() is None
        reasons = [entry["reason"] for entry in w.logged("subscription_held")]
        assert reasons == ["Unresolved", "Suspended", "EndpointForbidden", "Deleted"]
        assert [entry["reason"] for entry in w.logged("subscription_released")] == [
            "Suspended",
            "Deleted",
        ]


async def test_a_held_subscription_matches_from_the_first_second(tmp_path):
    async with world(tmp_path) as w:
        await w.catalogue.put(draft(secrets={}))
        [mine] = matching_subscriptions(w.catalogue.snapshot, SHOP, FINAL)
        assert mine.endpoint is None
        assert mine.hold.message == (
            "spec.signing.secretRefs[0]: Secret shop/hook, key secret: is not there; create it"
        )


@pytest.mark.parametrize(
    ("first", "then", "clears"),
    [
        pytest.param({}, {}, False, id="nothing changed"),
        pytest.param({}, {"match": {"interim": True}}, False, id="the match"),
        pytest.param(
            {}, {"endpoint": {"url": "https://billing.shop.example/v2"}}, True, id="the URL"
        ),
        pytest.param(
            {},
            {"endpoint": {"url": "https://billing.shop.example/hook", "timeoutSeconds": 5}},
            False,
            id="the timeout alone",
        ),
        pytest.param({}, {"secrets": {}}, False, id="a Secret that is lost"),
        pytest.param({"secrets": {}}, {}, True, id="a Secret that is found"),
    ],
)
async def test_an_endpoint_edit_clears_gone(tmp_path, first, then, clears):
    async with world(tmp_path) as w:
        kept = []
        put = w.store.put

        async def put_and_keep(made, now):
            kept.append(made)
            return await put(made, now)

        w.store.put = put_and_keep  # watched, not replaced
        await w.catalogue.put(draft(**first))
        await w.catalogue.put(draft(**then))
        assert kept[-1].clears_gone is clears


async def test_a_subscription_made_again_starts_anew(tmp_path):
    async with world(tmp_path) as w:
        await w.catalogue.put(draft())
        await w.catalogue.delete(subscription_key(), "test")
        assert w.catalogue._completed(draft(), 1.0).clears_gone


async def test_resume_of_what_is_not_gone_changes_nothing_but_its_age(tmp_path):
    async with world(tmp_path) as w:
        await w.catalogue.put(draft())
        w.clock.at = 5000.0
        await w.catalogue.resume(subscription_key())
        assert w.catalogue.snapshot.subscriptions[SHOP, "invoices"].resumed_at == 5000.0


@pytest.mark.parametrize(
    "gap",
    [
        pytest.param({"secrets": {}}, id="a Secret"),
        pytest.param(
            {"endpoint": {"url": "http://127.0.0.1/"}}, id="an endpoint that may be reached"
        ),
    ],
)
async def test_the_age_starts_anew_when_what_was_missing_is_there(tmp_path, gap):
    async with world(tmp_path) as w:

        def resumed_at():
            return w.catalogue.snapshot.subscriptions[SHOP, "invoices"].resumed_at

        await w.catalogue.put(draft(**gap))
        w.clock.at = 5000.0
        await w.catalogue.put(draft(**gap, match={"interim": True}))
        assert resumed_at() == 0.0
        await w.catalogue.put(draft())
        assert resumed_at() == 5000.0
        w.clock.at = 6000.0
        await w.catalogue.put(draft(match={"interim": True}))
        assert resumed_at() == 5000.0


async def test_an_unreadable_document_is_held_and_matches_nothing(tmp_path):
    async with world(tmp_path) as w:
        broken = replace(draft(), document={"apiVersion": "hookgate.dev/v2", "spec": {}})
        await w.store.put(broken, 1.0)
        await w.catalogue.refresh()
        mine = w.catalogue.snapshot.subscriptions[SHOP, "invoices"]
        assert mine.hold.reason is HoldReason.UNRESOLVED
        assert "apiVersion: must be hookgate.dev/v1alpha1" in mine.hold.message
        assert matching_subscriptions(w.catalogue.snapshot, SHOP, FINAL) == ()


async def test_keys_know_since_when_over_edits_and_restarts(tmp_path):
    async with world(tmp_path) as w:
        catalogue = w.catalogue
        await catalogue.put(api_key_draft("shop"))
        w.clock.at = 2000.0
        await catalogue.put(api_key_draft("thief"))
        w.clock.at = 3000.0  # the owner touches its Secret: it was first all the same
        await catalogue.put(api_key_draft("shop", api_key_previous=b"p" * 24))
        again = w.again()
        await again.catalogue.refresh()
        for snapshot in (catalogue.snapshot, again.catalogue.snapshot):
            assert set(snapshot.api_keys) == {(SHOP, "dev")}
            assert {c.key.namespace for c in snapshot.callers.values()} == {SHOP}
            [problem] = snapshot.problems
            assert problem.startswith("Secret thief/dev: key api-key is known elsewhere")
            assert "shop" not in problem
        assert KEY.decode() not in str(w.log)


async def test_put_at_the_same_moment_both_are_refused(tmp_path):
    async with world(tmp_path) as w:
        await w.catalogue.put(api_key_draft("shop"))
        await w.catalogue.put(api_key_draft("mill"))
        assert w.catalogue.snapshot.callers == {}
        assert len(w.catalogue.snapshot.problems) == 2
        await w.catalogue.delete(api_key_draft("mill").key, "test")
        assert set(w.catalogue.snapshot.api_keys) == {(SHOP, "dev")}


async def test_sources(tmp_path):
    async with world(tmp_path) as w:
        good = ResourceDraft(
            key=ResourceKey(ResourceKind.SOURCE, SHOP, "skyvern"),
            owner="test",
            fingerprint="1",
            document={},
            secrets={"any": {"key": b"key-of-a-server-1\n", "key-previous": b"key-of-a-server-2"}},
        )
        bad = replace(good, key=replace(good.key, name="mute"), secrets={"any": {"key": b"\n"}})
        await w.catalogue.put(good)
        await w.catalogue.put(bad)
        [source] = w.catalogue.snapshot.sources.values()
        assert source.keys == (b"key-of-a-server-1", b"key-of-a-server-2")
        assert w.catalogue.snapshot.problems == ("source shop/mute: key key is empty",)


async def test_the_last_trace_of_a_deleted_subscription_goes_with_its_grace(tmp_path):
    async with world(tmp_path) as w:
        await w.catalogue.put(draft())
        await w.catalogue.delete(subscription_key(), "test")
        await w.store.cancel_deleted(2000.0, 100, 2000.0)
        await w.catalogue.refresh()
        assert w.catalogue.snapshot.subscriptions == {}
        assert w.catalogue.stored == {}


async def test_the_loop_gets_its_turn_while_many_are_made(tmp_path):
    async with world(tmp_path) as w:
        await asyncio.gather(*(w.store.put(draft(f"s{n}"), 1.0) for n in range(120)))
        refreshing = asyncio.create_task(w.catalogue.refresh())
        turns = 0
        while not refreshing.done():
            await asyncio.sleep(0)
            turns += bool(w.catalogue.snapshot.revision == 0)
        assert turns >= 2
        assert len(w.catalogue.snapshot.matching[SHOP]) == 120


async def test_listeners_may_wait_for_a_revision_of_another_replica(tmp_path):
    async with world(tmp_path) as w:
        waiting = asyncio.create_task(w.catalogue.wait_for(2))
        other = w.again()
        await other.catalogue.put(draft())
        await other.catalogue.put(draft(suspend=True))
        async with asyncio.timeout(5):
            await w.catalogue.refresh()
            await waiting
        assert w.catalogue.snapshot.revision == 2
