"""Replaying a run's webhook at once, and testing a URL."""

import asyncio
import json
from typing import Any

import pytest

from hookgate.signing import SigningScheme, verify
from tests.gateway.api.world import SECRET, Tenant, World
from tests.receivers import Received

pytestmark = pytest.mark.asyncio(loop_scope="module")

REPLAYS = (
    "/api/v1/runs/{}/webhook/replay",
    "/v1/runs/{}/retry_webhook",
    "/v1/internal/runs/{}/test-webhook",
)
TESTS = ("/api/v1/webhooks/test", "/v1/internal/test-webhook", "/api/v1/internal/test-webhook")


def at(world: World, path: str) -> list[Received]:
    return [request for request in world.receiver.log if request.path == f"/{path}"]


def assert_signed(request: Received, key: bytes) -> None:
    verify(request.body, dict(request.headers), [key], scheme=SigningScheme.SKYVERN)


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("path", REPLAYS)
async def test_to_the_runs_own_target(world: World, shop: Tenant, path: str, slash: str) -> None:
    place = f"ok200/{shop.namespace}"
    hook = world.receiver.url(place)
    run_id = (await shop.post("/v1/run/tasks", {"prompt": "a", "webhook_url": hook}))["run_id"]
    await shop.report(run_id, output={"price": 1})
    first = await shop.delivery(run_id, state="delivered")
    answer = await shop.post(path.format(run_id) + slash)
    assert sorted(answer) == sorted(
        [
            "run_id", "run_type", "default_webhook_url", "target_webhook_url", "payload", "headers",
            "status_code", "latency_ms", "response_body", "error", "delivery_id",
        ]
    )  # fmt: skip
    assert (answer["run_id"], answer["run_type"]) == (run_id, "task_v2")
    assert answer["default_webhook_url"] == answer["target_webhook_url"] == hook
    assert answer["payload"]["output"] == {"price": 1}
    assert (answer["status_code"], answer["error"]) == (200, None)
    assert answer["headers"]["X-Hookgate-Replay"] == "1"
    original, replayed = at(world, place)
    assert replayed.body == original.body
    assert replayed.header("x-hookgate-event-id") == original.header("x-hookgate-event-id")
    assert replayed.header("x-hookgate-delivery-id") == answer["delivery_id"] != first["id"]
    assert_signed(replayed, shop.key.encode())
    kept = await shop.get(f"/v1/deliveries/{answer['delivery_id']}")
    assert (kept["kind"], kept["state"], kept["attempts"]) == ("direct", "delivered", 1)
    assert kept["attempt_log"][0]["outcome"] == "success"
    assert shop.key not in str(answer) + str(kept)


@pytest.mark.parametrize("body", [None, {}, {"override_webhook_url": None}])
async def test_to_the_only_subscription(world: World, shop: Tenant, body: Any) -> None:
    place = f"ok200/only-{shop.namespace}"
    await shop.subscribe("only", world.receiver.url(place))
    await shop.report("tsk_only")
    await shop.delivery("tsk_only", state="delivered")
    answer = await shop.post("/v1/runs/tsk_only/retry_webhook", body)
    assert answer["default_webhook_url"] is None
    assert answer["target_webhook_url"].endswith(place)
    assert_signed(at(world, place)[1], SECRET)


async def test_several_subscriptions_are_listed_and_one_can_be_named(
    world: World, shop: Tenant
) -> None:
    for name in ("b", "a"):
        await shop.subscribe(name, world.receiver.url(f"ok200/{name}-{shop.namespace}"))
    await shop.report("tsk_two")
    reply = await shop.call("POST", "/v1/runs/tsk_two/retry_webhook")
    assert (reply.status, reply.code) == (400, "several_subscriptions")
    assert reply.json()["subscriptions"] == ["a", "b"]
    assert "a, b" in reply.json()["detail"]
    answer = await shop.post("/v1/runs/tsk_two/retry_webhook", {"subscription": "b"})
    assert answer["target_webhook_url"].endswith(f"/b-{shop.namespace}")
    unknown = await shop.call("POST", "/v1/runs/tsk_two/retry_webhook", json={"subscription": "c"})
    assert unknown.status == 404


@pytest.mark.parametrize("spelling", ["override_webhook_url", "webhook_url"])
async def test_elsewhere_signed_with_the_callers_key_and_without_the_subscriptions_headers(
    world: World, shop: Tenant, spelling: str
) -> None:
    await shop.subscribe(
        "only",
        world.receiver.url("ok200"),
        endpoint={"headers": [{"name": "x-team", "value": "billing"}]},
    )
    await shop.report("tsk_1")
    place = f"ok200/there-{shop.namespace}"
    url = world.receiver.url(place) + "?token=mine"
    answer = await shop.post("/v1/runs/tsk_1/retry_webhook", {spelling: url})
    assert answer["target_webhook_url"] == url
    [request] = at(world, place)
    assert_signed(request, shop.key.encode())
    assert request.header("x-team") is None


@pytest.mark.parametrize(
    ("path", "status"), [("ok200?status=500", 500), ("close", None), ("ok200?status=302", 302)]
)
async def test_a_failed_replay_is_an_answer(
    world: World, shop: Tenant, path: str, status: int | None
) -> None:
    await shop.report("tsk_1")
    url = world.receiver.url(path)
    answer = await shop.post("/v1/runs/tsk_1/retry_webhook", {"webhook_url": url})
    assert answer["status_code"] == status
    assert status is not None or (answer["error"] and answer["response_body"] is None)
    kept = await shop.get(f"/v1/deliveries/{answer['delivery_id']}")
    assert (kept["state"], kept["attempts"]) == ("exhausted", 1)


async def test_a_url_that_the_guard_refuses_is_an_answer(shop: Tenant) -> None:
    await shop.report("tsk_1")
    body = {"webhook_url": "http://169.254.169.254/latest/meta-data"}
    answer = await shop.post("/v1/runs/tsk_1/retry_webhook", body)
    assert answer["status_code"] is None
    assert answer["error"]
    kept = await shop.get(f"/v1/deliveries/{answer['delivery_id']}")
    assert kept["outcome"] == "blocked"


async def test_what_cannot_be_replayed(shop: Tenant) -> None:
    run_id = (await shop.post("/v1/run/tasks", {"prompt": "a"}))["run_id"]
    early = await shop.call("POST", f"/v1/runs/{run_id}/retry_webhook")
    assert (early.status, early.code) == (409, "run_not_ended")
    await shop.report(run_id, "running")
    assert (await shop.call("POST", f"/v1/runs/{run_id}/retry_webhook")).status == 409
    await shop.report(run_id)
    nowhere = await shop.call("POST", f"/v1/runs/{run_id}/retry_webhook")
    assert (nowhere.status, nowhere.code) == (400, "nothing_to_send_to")
    unknown = await shop.call("POST", "/v1/runs/tsk_unknown/retry_webhook")
    assert (unknown.status, unknown.code) == (404, "not_found")
    odd = await shop.call("POST", f"/v1/runs/{run_id}/retry_webhook", json={"webhook_url": "x"})
    assert odd.status == 422


ODD = b'{"run_id":"tsk_n","status":"completed","n":NaN,"big":123456789012345678901234567890}'
PLAIN = b'{ "run_id":"tsk_p", "status":"completed", "big":123456789012345678901234567890 }'


@pytest.mark.parametrize(("body", "run_id"), [(ODD, "tsk_n"), (PLAIN, "tsk_p")])
async def test_the_payload_shown_is_strict_json_and_the_bytes_sent_are_the_stored_ones(
    world: World, shop: Tenant, body: bytes, run_id: str
) -> None:
    headers = {"Content-Type": "application/json"}
    assert (await shop.call("POST", "/v1/events", data=body, headers=headers)).status == 202
    place = f"ok200/odd-{shop.namespace}"
    reply = await shop.call(
        "POST", f"/v1/runs/{run_id}/retry_webhook", json={"webhook_url": world.receiver.url(place)}
    )
    assert b"NaN" not in reply.body
    assert reply.json()["payload"]["big"] == 123456789012345678901234567890
    assert at(world, place)[0].body == body


async def test_a_third_replay_at_once_is_told_to_come_again(world: World, shop: Tenant) -> None:
    await shop.report("tsk_1")
    body = {"webhook_url": world.receiver.url("drip-headers?seconds=0.2")}
    path = "/v1/runs/tsk_1/retry_webhook"
    asked = [asyncio.create_task(shop.call("POST", path, json=body)) for _ in range(3)]
    [first], hanging = await asyncio.wait(asked, timeout=10, return_when=asyncio.FIRST_COMPLETED)
    reply = first.result()
    assert (reply.status, reply.code) == (429, "no_slot")
    assert int(reply.headers["Retry-After"]) >= 1
    pending = await shop.get("/v1/deliveries", params={"state": "pending"})
    assert len(pending["items"]) == 2  # should a third have been stored, it was cancelled
    other = await world.tenant()
    await other.report("tsk_1")
    fine = await other.post(path, {"webhook_url": world.receiver.url("ok200")})
    assert fine["status_code"] == 200
    for task in hanging:
        task.cancel()
    await asyncio.gather(*hanging, return_exceptions=True)


# -------------------------------------------------------------------------------- test of a URL


@pytest.mark.parametrize(
    ("path", "run_type", "shown"),
    [
        (TESTS[0] + "/", "task", "task_v2"),
        (TESTS[1] + "/", "task", "task_v1"),
        (TESTS[2] + "/", "task", "task_v1"),
        (TESTS[0], "task", "task_v2"),
        (TESTS[1], "task", "task_v1"),
        (TESTS[2], "task", "task_v1"),
        (TESTS[0], "workflow_run", "workflow_run"),
        (TESTS[1], "ui_tars", "ui_tars"),
        (TESTS[0], None, "task_v2"),
    ],
)
async def test_a_sample_is_sent(
    world: World, shop: Tenant, path: str, run_type: str | None, shown: str
) -> None:
    place = f"ok200/test-{shop.namespace}"
    body = {"webhook_url": world.receiver.url(place), "run_type": run_type, "run_id": "tsk_test_1"}
    answer = await shop.post(path, body)
    assert sorted(answer) == [
        "error", "headers_sent", "latency_ms", "response_body", "status_code"
    ]  # fmt: skip
    assert (answer["status_code"], answer["response_body"], answer["error"]) == (200, "ok", None)
    assert answer["headers_sent"]["X-Hookgate-Test"] == "1"
    [request] = at(world, place)
    assert request.header("x-hookgate-test") == "1"
    assert_signed(request, shop.key.encode())
    assert shop.key not in str(answer)
    payload = json.loads(request.body)
    assert (payload["run_type"], payload["test"]) == (shown, True)
    assert payload["run_id"] == "tsk_test_1"
    assert (await shop.get("/v1/events"))["items"] == []


async def test_a_run_that_exists_is_replayed_rather(world: World, shop: Tenant) -> None:
    await shop.report("tsk_1")
    body = {"webhook_url": world.receiver.url("ok200"), "run_id": "tsk_1"}
    reply = await shop.call("POST", TESTS[0], json=body)
    assert (reply.status, reply.code) == (400, "use_replay")
    other = await world.tenant()
    assert (await other.post(TESTS[0], body))["status_code"] == 200


@pytest.mark.parametrize(
    "url", ["http://169.254.169.254/", "http://[::1]:8080/", "https://nobody.invalid/"]
)
async def test_refused_and_unreachable_urls_are_answers(shop: Tenant, url: str) -> None:
    answer = await shop.post(TESTS[0], {"webhook_url": url, "run_type": "task"})
    assert answer["status_code"] is None
    assert answer["response_body"] is None
    assert answer["error"]


async def test_the_key_decides_the_scheme(world: World) -> None:
    bank = await world.tenant(scheme="StandardWebhooks")
    place = f"ok200/test-{bank.namespace}"
    await bank.post(TESTS[1], {"webhook_url": world.receiver.url(place), "run_type": "task"})
    [request] = at(world, place)
    key = [bank.key.encode()]
    verify(request.body, dict(request.headers), key, scheme=SigningScheme.STANDARD_WEBHOOKS)


async def test_thirty_tests_a_minute(world: World, shop: Tenant) -> None:
    body = {"webhook_url": world.receiver.url("ok200"), "run_type": "task"}
    for _ in range(30):
        assert (await shop.call("POST", TESTS[0], json=body)).status == 200
    reply = await shop.call("POST", TESTS[0], json=body)
    assert (reply.status, reply.code) == (429, "too_many_tests")
    assert 1 <= int(reply.headers["Retry-After"]) <= 60
