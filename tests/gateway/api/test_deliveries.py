"""Deliveries, events and subscriptions: listed, looked at, acted upon."""

from typing import Any

import pytest

from tests.gateway.api.world import Tenant, World

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_delivery_and_its_attempts(world: World, shop: Tenant) -> None:
    await shop.subscribe("hook", world.receiver.url("ok200?status=500&token=secret-word"))
    accepted = await shop.report("tsk_1")
    assert accepted["deliveries"] == 1
    listed = await shop.delivery("tsk_1", outcome="server_error")
    assert listed["event_id"] == accepted["event_id"]
    assert (listed["subscription"], listed["state"], listed["attempts"]) == ("hook", "pending", 1)
    assert listed["next_attempt_at"].endswith("Z")
    assert listed["hold"] is None
    one = await shop.get(f"/v1/deliveries/{listed['id']}/")
    [attempt] = one["attempt_log"]
    assert (attempt["number"], attempt["outcome"], attempt["status_code"]) == (
        1,
        "server_error",
        500,
    )
    assert attempt["response_body"] == "ok"
    assert attempt["request_headers"]["X-Hookgate-Attempt"] == "1"
    assert "secret-word" not in str(one)
    assert (await shop.get("/v1/runs/tsk_1"))["webhook_failure_reason"].startswith(
        "subscription hook: server_error"
    )


async def test_held_is_shown_and_asked_for(world: World, shop: Tenant) -> None:
    await shop.subscribe("held", world.receiver.url("ok200"), suspend=True)
    await shop.subscribe("free", world.receiver.url("ok200"))
    await shop.report("tsk_1")

    async def names(state: str, **more: str) -> set[str]:
        params = {"state": state, **more}
        return {
            i["subscription"] for i in (await shop.get("/v1/deliveries", params=params))["items"]
        }

    async def delivered() -> bool:
        return await names("delivered") == {"free"}

    await world.eventually(delivered)
    assert await names("held") == {"held"}
    assert await names("pending") == {"held"}
    assert await names("held", subscription="free") == set()
    assert await names("held", subscription="held") == {"held"}
    held = await shop.delivery("tsk_1", state="held")
    assert (held["hold"], held["next_attempt_at"]) == ("Suspended", None)
    other = await world.tenant()
    assert (await other.get("/v1/deliveries", params={"state": "held"}))["items"] == []


async def test_lists_are_narrowed_and_paged(world: World, shop: Tenant) -> None:
    await shop.subscribe("hook", world.receiver.url("ok200"))
    events = [(await shop.report(f"tsk_{n}"))["event_id"] for n in range(5)]
    for kind in ("events", "deliveries"):
        seen: list[str] = []
        params: dict[str, str] = {"limit": "2"}
        while True:
            page = await shop.get(f"/v1/{kind}", params=params)
            seen += [item["run_id"] for item in page["items"]]
            if page["next_cursor"] is None:
                break
            params["cursor"] = page["next_cursor"]
        assert seen == [f"tsk_{n}" for n in (4, 3, 2, 1, 0)]

    async def listed(**params: str) -> list[str]:
        return [i["run_id"] for i in (await shop.get("/v1/deliveries", params=params))["items"]]

    assert await listed(event_id=events[3]) == ["tsk_3"]
    assert await listed(run_id="tsk_2") == ["tsk_2"]
    assert await listed(subscription="nobody") == []
    assert await listed(since="2100-01-01T00:00:00Z") == []
    assert len(await listed(until="2100-01-01T00:00:00+02:00")) == 5
    assert (await shop.get("/v1/events", params={"status": "failed"}))["items"] == []


@pytest.mark.parametrize(
    ("path", "params"),
    [
        ("deliveries", {"state": "lost"}),
        ("deliveries", {"outcome": "bad"}),
        ("deliveries", {"since": "yesterday"}),
        ("deliveries", {"limit": "0"}),
        ("deliveries", {"limit": "201"}),
        ("deliveries", {"limit": "five"}),
        ("deliveries", {"cursor": "%%%"}),
        ("deliveries", {"cursor": "WzFd"}),
        ("deliveries", {"run_id": "\x00"}),
        ("events", {"limit": "201"}),
        ("events", {"cursor": "nonsense"}),
        ("events", {"until": "never"}),
        ("subscriptions", {"limit": "201"}),
    ],
)
async def test_odd_questions_are_refused(shop: Tenant, path: str, params: dict[str, str]) -> None:
    reply = await shop.call("GET", f"/v1/{path}", params=params)
    assert (reply.status, reply.code) == (422, "validation_failed")


async def test_a_delivery_is_replayed_on_the_normal_schedule(world: World, shop: Tenant) -> None:
    await shop.subscribe("hook", world.receiver.url(f"ok200/{shop.namespace}"))
    await shop.report("tsk_1")
    original = await shop.delivery("tsk_1", state="delivered")
    new = await shop.post(f"/v1/deliveries/{original['id']}/replay", status=202)
    assert (new["kind"], new["replay_of"], new["state"]) == ("replay", original["id"], "pending")

    async def arrived() -> bool:
        got = await shop.get(f"/v1/deliveries/{new['id']}")
        return bool(got["state"] == "delivered" and got["attempts"] == 1)

    await world.eventually(arrived)
    first, second = [r for r in world.receiver.log if str(shop.namespace) in r.path]
    assert first.body == second.body
    assert second.header("x-hookgate-replay") == "1"
    assert (await shop.get(f"/v1/deliveries/{original['id']}"))["state"] == "delivered"


async def test_a_replay_waits_while_its_subscription_is_held(world: World, shop: Tenant) -> None:
    await shop.subscribe("hook", world.receiver.url("ok200"))
    await shop.report("tsk_1")
    original = await shop.delivery("tsk_1", state="delivered")
    await shop.subscribe("hook", world.receiver.url("ok200"), suspend=True)
    new = await shop.post(f"/v1/deliveries/{original['id']}/replay", status=202)
    assert (new["state"], new["hold"]) == ("held", "Suspended")
    await shop.subscribe("hook", world.receiver.url("ok200"))

    async def arrived() -> bool:
        return bool((await shop.get(f"/v1/deliveries/{new['id']}"))["state"] == "delivered")

    await world.eventually(arrived)


async def test_nothing_is_replayed_to_a_deleted_subscription(world: World, shop: Tenant) -> None:
    await shop.subscribe("hook", world.receiver.url("ok200"))
    await shop.report("tsk_1")
    original = await shop.delivery("tsk_1", state="delivered")
    await world.delete_subscription(shop.namespace, "hook")
    reply = await shop.call("POST", f"/v1/deliveries/{original['id']}/replay")
    assert (reply.status, reply.code) == (409, "subscription_gone")
    assert (await shop.call("GET", "/v1/subscriptions/hook")).status == 404
    assert (await shop.call("POST", "/v1/subscriptions/hook/resume")).status == 404
    assert (await shop.get("/v1/subscriptions"))["items"] == []


async def test_a_delivery_is_cancelled_once(world: World, shop: Tenant) -> None:
    await shop.subscribe("hook", world.receiver.url("ok200"), suspend=True)
    await shop.report("tsk_1")
    held = await shop.delivery("tsk_1", state="held")
    for _ in range(2):
        answer = await shop.post(f"/v1/deliveries/{held['id']}/cancel")
        assert (answer["state"], answer["reason"]) == ("cancelled", "requested")
    sample = world.observer.registry.get_sample_value(
        "hookgate_webhooks_delivered_total",
        {"namespace": shop.namespace, "subscription": "hook", "result": "cancelled"},
    )
    assert sample == 1
    await shop.subscribe("hook", world.receiver.url("ok200"))
    await shop.report("tsk_2")
    done = await shop.delivery("tsk_2", state="delivered")
    reply = await shop.call("POST", f"/v1/deliveries/{done['id']}/cancel/")
    assert (reply.status, reply.code) == (409, "delivery_ended")


async def test_an_event_is_shown_without_its_body(shop: Tenant) -> None:
    accepted = await shop.report("tsk_1", attempt=2)
    shown = await shop.get(f"/v1/events/{accepted['event_id']}")
    assert (shown["run_id"], shown["final"], shown["attempt"]) == ("tsk_1", True, 2)
    assert shown["origin"] == "api-key:team"
    assert len(shown["body_sha256"]) == 64
    assert "body" not in shown


# --------------------------------------------------------------------------------- subscriptions


async def test_subscriptions_are_shown_without_secrets(world: World, shop: Tenant) -> None:
    for name in ("c", "a", "b"):
        await shop.subscribe(name, world.receiver.url("ok200"))
    page = await shop.get("/v1/subscriptions", params={"limit": "2"})
    assert [item["name"] for item in page["items"]] == ["a", "b"]
    rest = await shop.get("/v1/subscriptions/", params={"cursor": page["next_cursor"]})
    assert [item["name"] for item in rest["items"]] == ["c"]
    assert rest["next_cursor"] is None
    shown = await shop.get("/v1/subscriptions/a")
    assert shown["spec"]["signing"]["secretRefs"] == [{"name": "signing", "key": "secret"}]
    assert shown["hold"] is None
    assert "the-subscriptions-signing-secret" not in str(shown)
    await shop.report("tsk_1")
    await shop.delivery("tsk_1", state="delivered", subscription="a")
    assert (await shop.get("/v1/subscriptions/a"))["lane"]["breaker"] == "closed"


async def test_a_gone_subscription_is_resumed(world: World, shop: Tenant) -> None:
    await shop.subscribe("hook", world.receiver.url(f"switch/{shop.namespace}"))
    world.receiver.script[shop.namespace] = "gone"
    await shop.report("tsk_1")

    async def gone() -> Any:
        hold = (await shop.get("/v1/subscriptions/hook"))["hold"]
        return hold if hold and hold["reason"] == "Gone" else None

    assert (await world.eventually(gone))["since"].endswith("Z")
    world.receiver.script[shop.namespace] = "ok200"
    await shop.report("tsk_2")
    resumed = await shop.post("/v1/subscriptions/hook/resume")
    assert resumed["hold"] is None
    assert resumed["resumed_at"].endswith("Z")
    await shop.delivery("tsk_2", state="delivered")
