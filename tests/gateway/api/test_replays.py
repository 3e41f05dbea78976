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
PREVIEW = "/v1/internal/runs/{}/test-webhook"
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
    payload = answer["payload"]
    if path != REPLAYS[0]:  # Skyvern's SDK wants the text
        payload = json.loads(payload)
    assert payload["output"] == {"price": 1}
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
        "POST", REPLAYS[0].format(run_id), json={"webhook_url": world.receiver.url(place)}
    )
    assert b"NaN" not in reply.body
    assert reply.json()["payload"]["big"] == 123456789012345678901234567890
    assert at(world, place)[0].body == body
    preview = await shop.get(
        PREVIEW.format(run_id), params={"webhook_url": world.receiver.url(place)}
    )
    assert preview["payload"].encode() == body


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


# --------------------------------------------------------------------------------------- preview

HEADERS = [
    {"name": "x-team", "value": "billing"},
    {"name": "x-token", "valueFrom": {"secretKeyRef": {"name": "signing", "key": "secret"}}},
    {"name": "user-agent", "value": "ours/2"},
]


@pytest.mark.parametrize("scheme", ["Skyvern", "SkyvernHex", "StandardWebhooks"])
@pytest.mark.parametrize("headers", [[], HEADERS])
async def test_a_preview_is_the_replay_without_sending(
    world: World, shop: Tenant, scheme: str, headers: list[Any]
) -> None:
    place = f"ok200/seen-{shop.namespace}"
    await shop.subscribe(
        "only",
        world.receiver.url(place) + "?token=secret",
        endpoint={"headers": headers},
        signing={"scheme": scheme, "secretRefs": [{"name": "signing", "key": "secret"}]},
    )
    await shop.report("tsk_1", output={"price": 1})
    await shop.delivery("tsk_1", state="delivered")
    preview = await shop.get(PREVIEW.format("tsk_1"))
    assert len(at(world, place)) == 1
    assert len((await shop.get("/v1/deliveries"))["items"]) == 1
    answer = await shop.post(PREVIEW.format("tsk_1"))
    assert sorted(preview) == sorted(answer)
    for name in ("run_id", "run_type", "default_webhook_url", "target_webhook_url", "payload"):
        assert preview[name] == answer[name], name
    moving = {"X-Skyvern-Timestamp", "webhook-timestamp", "X-Hookgate-Delivery-Id"}
    assert list(preview["headers"]) == list(answer["headers"])
    for name, value in answer["headers"].items():
        assert preview["headers"][name] == value or name in moving, name
    signature = "webhook-signature" if scheme == "StandardWebhooks" else "X-Skyvern-Signature"
    assert preview["headers"][signature] == "***"
    assert preview["headers"].get("x-token", "***") == "***"
    assert SECRET.decode() not in str(preview)
    assert preview["status_code"] is preview["delivery_id"] is preview["error"] is None


async def test_a_url_from_a_secret_is_shown_by_its_host_alone(world: World, shop: Tenant) -> None:
    place = f"ok200/hunter2-{shop.namespace}"
    secrets = {"signing": {"secret": SECRET}, "place": {"url": world.receiver.url(place).encode()}}
    reference = {"urlFrom": {"secretKeyRef": {"name": "place", "key": "url"}}}
    await shop.subscribe("only", None, endpoint=reference, secrets=secrets)
    await shop.report("tsk_1")
    delivery = await shop.delivery("tsk_1", state="delivered")
    shown = {
        path: await shop.get(path)
        for path in (
            PREVIEW.format("tsk_1"),
            f"/v1/deliveries/{delivery['id']}",
            f"/v1/events/{delivery['event_id']}/explain",
            "/v1/runs/tsk_1",
            "/v1/subscriptions/only",
        )
    }
    shown["replay"] = await shop.post("/api/v1/runs/{}/webhook/replay".format("tsk_1"))
    shown["test"] = await shop.post("/v1/subscriptions/only/test")
    assert len(at(world, place)) == 3
    for path, answer in shown.items():
        assert "hunter2" not in str(answer), path
    url = world.receiver.url("…")
    assert shown["replay"]["target_webhook_url"] == url
    assert shown[PREVIEW.format("tsk_1")]["target_webhook_url"] == url
    assert shown[f"/v1/deliveries/{delivery['id']}"]["attempt_log"][0]["url"] == url


async def test_a_preview_elsewhere_and_of_what_cannot_be_sent(world: World, shop: Tenant) -> None:
    url = world.receiver.url("ok200") + "?token=mine"
    unknown = await shop.call("GET", PREVIEW.format("tsk_0"))
    assert (unknown.status, unknown.code) == (404, "not_found")
    await shop.report("tsk_1")
    nowhere = await shop.call("GET", PREVIEW.format("tsk_1"))
    assert (nowhere.status, nowhere.code) == (400, "nothing_to_send_to")
    there = await shop.get(PREVIEW.format("tsk_1") + "/", params={"override_webhook_url": url})
    assert there["target_webhook_url"].endswith("/ok200?…")
    odd = await shop.call("GET", PREVIEW.format("tsk_1"), params={"webhook_url": "x"})
    assert (odd.status, odd.code) == (422, "validation_failed")
    await shop.subscribe("held", world.receiver.url("ok200"), suspend=True)
    held = await shop.get(PREVIEW.format("tsk_1"), params={"subscription": "held"})
    assert held["error"] == "the subscription is held: Suspended"
    assert (held["headers"], held["target_webhook_url"]) == ({}, None)


# ------------------------------------------------------------------------ test of a subscription


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("body", [None, {}, {"run_type": None, "unknown": 1}])
async def test_a_subscription_is_tested_as_it_is_declared(
    world: World, shop: Tenant, slash: str, body: Any
) -> None:
    place = f"ok200/tested-{shop.namespace}"
    await shop.subscribe("hook", world.receiver.url(place), endpoint={"headers": HEADERS})
    answer = await shop.post(f"/v1/subscriptions/hook/test{slash}", body)
    assert (answer["status_code"], answer["error"]) == (200, None)
    assert answer["headers_sent"]["X-Hookgate-Test"] == "1"
    assert answer["headers_sent"]["x-token"] == "***"
    [request] = at(world, place)
    assert_signed(request, SECRET)
    assert request.header("x-token") == SECRET.decode()
    payload = json.loads(request.body)
    assert (payload["run_type"], payload["test"]) == ("task_v2", True)
    assert (await shop.get("/v1/events"))["items"] == []


@pytest.mark.parametrize(
    ("asked", "expected", "shown"),
    [
        (None, ["workflow_run", "ui_tars"], "ui_tars"),
        (None, ["workflow_run", "task_v2"], "task_v2"),
        ("task", ["workflow_run"], "task_v2"),
        ("workflow_run", [], "workflow_run"),
    ],
)
async def test_the_sample_is_of_a_type_that_it_would_get(
    world: World, shop: Tenant, asked: str | None, expected: list[str], shown: str
) -> None:
    place = f"ok200/typed-{shop.namespace}"
    await shop.subscribe("hook", world.receiver.url(place), match={"runTypes": expected})
    await shop.post("/v1/subscriptions/hook/test", {"run_type": asked})
    assert json.loads(at(world, place)[0].body)["run_type"] == shown


async def test_what_a_test_of_a_subscription_can_say(world: World, shop: Tenant) -> None:
    path = "/v1/subscriptions/hook/test"
    assert (await shop.call("POST", path)).status == 404
    await shop.subscribe("hook", world.receiver.url("ok200?status=500"), suspend=True)
    failed = await shop.post(path)  # a hold keeps deliveries back, not a test
    assert (failed["status_code"], failed["error"]) == (500, "the receiver answered 500")
    odd = await shop.call("POST", path, json={"run_type": "nothing"})
    assert (odd.status, odd.code) == (422, "validation_failed")
    await shop.subscribe(
        "hook",
        world.receiver.url("ok200"),
        signing={"secretRefs": [{"name": "absent", "key": "secret"}]},
    )
    unresolved = await shop.post(path)
    assert unresolved["status_code"] is None
    assert unresolved["error"] == "the subscription is held: Unresolved"
    await world.delete_subscription(shop.namespace, "hook")
    assert (await shop.call("POST", path)).status == 404
