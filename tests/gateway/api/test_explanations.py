"""Why each target did or did not get an event."""

from typing import Any

import pytest

from hookgate_gateway.api import explanations
from hookgate_gateway.api.explanations import Evidence, Why
from hookgate_gateway.catalogue.snapshot import Snapshot
from hookgate_gateway.contract import Subscription
from hookgate_gateway.dispatch.dispatcher import LaneState
from hookgate_gateway.ports import DeliveryRecord, EventRecord
from hookgate_gateway.rules.delivery import (
    DeliveryId,
    Ending,
    EventId,
    Hold,
    HoldReason,
    Kind,
    LaneKey,
    Namespace,
    RunId,
)
from hookgate_gateway.rules.lane import BreakerState, LaneLimits
from hookgate_gateway.rules.matching import MatchRule
from hookgate_gateway.rules.report import Report
from hookgate_gateway.rules.retry import RetryPolicy
from tests.gateway.api.test_run_shapes import run
from tests.gateway.api.test_run_webhooks import BILLING, ELSEWHERE, OWN, delivery
from tests.gateway.api.world import Tenant, World

SHOP = Namespace("shop")
EVERYTHING = MatchRule()


def subscription(name: str, rule: MatchRule = EVERYTHING, hold: Hold | None = None) -> Subscription:
    return Subscription(
        namespace=SHOP,
        name=name,
        match=rule,
        endpoint=None,
        signing=None,
        retry=RetryPolicy(),
        limits=LaneLimits(),
        hold=hold,
    )


def evidence(
    *deliveries: DeliveryRecord,
    subscriptions: tuple[Subscription, ...] = (),
    status: str = "completed",
    late: bool = False,
    own: str | None = None,
    lanes: dict[LaneKey, LaneState] | None = None,
) -> Evidence:
    report = Report(run_id=RunId("tsk_1"), run_type="task_v2", status=status)
    event = EventRecord(
        id=EventId("evt_1"),
        namespace=SHOP,
        run_id=report.run_id,
        run_type=report.run_type,
        status=status,
        attempt=0,
        retry_pending=False,
        final=report.final,
        received_at=0.0,
        origin="api-key:team",
        body_size=2,
        body_sha256=b"",
    )
    return Evidence(
        event=event,
        report=report,
        late=late,
        run=run(webhook_url=own),
        deliveries=deliveries,
        snapshot=Snapshot(
            subscriptions={(SHOP, s.name): s for s in subscriptions},
            matching={SHOP: subscriptions},
        ),
        lanes=lanes or {},
    )


ALL = subscription("billing")
FAILED_ONLY = subscription("billing", MatchRule(statuses=frozenset({"failed"})))
GONE = subscription("billing", hold=Hold(HoldReason.GONE, 0.0, "the endpoint answered 410"))
DELIVERED = delivery(BILLING, "delivered", "success")
OWED = delivery(BILLING, "pending", "server_error", due=1_750_000_000.0)
REPLAY = delivery(BILLING, "delivered", "success", kind=Kind.REPLAY, replay_of=DeliveryId("dlv_0"))


@pytest.mark.parametrize(
    ("given", "why", "sentences"),
    [
        (evidence(DELIVERED, subscriptions=(ALL,)), Why.MATCHED, ["it matched when", "delivery dlv_1 arrived with 2 attempts"]),
        (evidence(OWED, subscriptions=(ALL,)), Why.MATCHED, ["it matched when", "is owed after 2 attempts; last: server_error, 500; next attempt at 2025-06-15T15:06:40.000Z"]),
        (evidence(OWED, subscriptions=(GONE,)), Why.MATCHED, ["it matched when", "held: Gone"]),
        (evidence(OWED, subscriptions=(FAILED_ONLY,)), Why.MATCHED, ["it matched when", "edited since: status completed is not among failed", "is owed"]),
        (evidence(delivery(BILLING, "exhausted", "gone", ending=Ending.GONE)), Why.MATCHED, ["it matched when", "deleted since", "is exhausted (gone) after 2 attempts; last: gone"]),
        (evidence(delivery(BILLING, "cancelled", ending=Ending.SUPERSEDED), subscriptions=(ALL,)), Why.MATCHED, ["it matched when", "is cancelled (superseded) after 0 attempts"]),
        (evidence(REPLAY, subscriptions=(FAILED_ONLY,)), Why.REPLAYED, ["by a replay only", "status completed is not among", "replay dlv_1 arrived"]),
        (evidence(subscriptions=(FAILED_ONLY,)), Why.NOT_MATCHED, ["status completed is not among failed"]),
        (evidence(subscriptions=(ALL,)), Why.NOT_THEN, ["it matches now, but did not exist or asked for something else"]),
        (evidence(subscriptions=(ALL,), status="running"), Why.NOT_MATCHED, ["interim is not asked for"]),
        (evidence(subscriptions=(ALL,), status="running", late=True), Why.LATE, ["came after the run's final one"]),
    ],
)  # fmt: skip
def test_a_subscription(given: Evidence, why: Why, sentences: list[str]) -> None:
    assert explanations.subscription_names(given) == ["billing"]
    [shown] = explanations.subscriptions(given, ["billing"])
    assert shown["why"] == why
    assert len(shown["reasons"]) == len(sentences), shown["reasons"]
    for sentence, part in zip(shown["reasons"], sentences, strict=True):
        assert part in sentence
    assert len(shown["deliveries"]) == len(given.deliveries)


@pytest.mark.parametrize(
    ("state", "paused", "said"),
    [
        (BreakerState.OPEN, None, "circuit breaker is open"),
        (BreakerState.CLOSED, 1_750_000_000.0, "paused until 2025-06-15T15:06:40.000Z"),
        (BreakerState.CLOSED, None, "waits for its turn"),
    ],
)
def test_what_waits_for_its_lane(state: BreakerState, paused: float | None, said: str) -> None:
    parked = delivery(BILLING, "pending", parked=True, lane=LaneKey("s/shop/billing"))
    lane = LaneState(
        breaker=state, held=False, in_flight=0, waiting=0, parked=True, paused_until=paused
    )
    given = evidence(parked, subscriptions=(ALL,), lanes={parked.lane: lane})
    [shown] = explanations.subscriptions(given, ["billing"])
    assert said in shown["reasons"][-1]


@pytest.mark.parametrize(
    ("given", "why", "said"),
    [
        (evidence(delivery(OWN, "delivered", "success"), own=OWN.url), Why.MATCHED, "gets every final event"),
        (evidence(), Why.NO_TARGET, "without a webhook_url"),
        (evidence(delivery(ELSEWHERE, "delivered", "success", kind=Kind.DIRECT)), Why.REPLAYED, "without a webhook_url"),
        (evidence(delivery(OWN, "delivered", "success", kind=Kind.DIRECT), own=OWN.url), Why.REPLAYED, "by a replay only"),
        (evidence(own=OWN.url, status="running"), Why.NOT_FINAL, "final events only"),
        (evidence(own=OWN.url, status="running", late=True), Why.LATE, "came after"),
        (evidence(own=OWN.url), Why.NOT_THEN, "not registered yet"),
    ],
)  # fmt: skip
def test_the_runs_own_target(given: Evidence, why: Why, said: str) -> None:
    shown = explanations.own_target(given)
    assert (shown["why"], shown["webhook_url"]) == (why, given.run and given.run.webhook_url)
    assert said in shown["reasons"][0]


# ---------------------------------------------------------------------------------- by the route


async def explained(shop: Tenant, event_id: str, **params: str) -> dict[str, Any]:
    return dict(await shop.get(f"/v1/events/{event_id}/explain", params=params))


@pytest.mark.asyncio(loop_scope="module")
async def test_every_subscription_is_told_of(world: World, shop: Tenant) -> None:
    await shop.subscribe("all", world.receiver.url("ok200"))
    await shop.subscribe("failed", world.receiver.url("ok200"), match={"statuses": ["failed"]})
    await shop.subscribe("held", world.receiver.url("ok200"), suspend=True)
    event_id = (await shop.report("tsk_told"))["event_id"]
    await shop.subscribe("young", world.receiver.url("ok200"))
    item = await shop.delivery("tsk_told", subscription="all")
    while item["state"] != "delivered":
        item = await shop.get(f"/v1/deliveries/{item['id']}")
    shown = await explained(shop, event_id)
    assert shown["event"]["id"] == event_id
    assert shown["own_target"]["why"] == "no_target"
    assert {s["subscription"]: s["why"] for s in shown["subscriptions"]} == {
        "all": "matched",
        "failed": "not_matched",
        "held": "matched",
        "young": "not_then",
    }
    held = shown["subscriptions"][2]
    assert held["hold"]["reason"] == "Suspended"
    assert held["deliveries"][0]["state"] == "held"
    first = await explained(shop, event_id, limit="3")
    assert first["next_cursor"] == "held"
    rest = await explained(shop, event_id, limit="3", cursor=first["next_cursor"])
    assert [s["subscription"] for s in rest["subscriptions"]] == ["young"]
    assert rest["next_cursor"] is None


@pytest.mark.asyncio(loop_scope="module")
async def test_a_report_after_the_final_one_is_late(world: World, shop: Tenant) -> None:
    await shop.subscribe("all", world.receiver.url("ok200"), match={"interim": True})
    await shop.report("tsk_late")
    late = (await shop.report("tsk_late", "running"))["event_id"]
    await shop.report("tsk_late", "completed", output="again")
    shown = await explained(shop, late)
    assert shown["subscriptions"][0]["why"] == "late"
    early = (await shop.report("tsk_early", "running"))["event_id"]
    assert (await explained(shop, early))["subscriptions"][0]["why"] == "matched"
