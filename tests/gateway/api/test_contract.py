"""The contract with clients and receivers, line by line: each test quotes the line that it holds us to."""

import hashlib
import hmac
import json
import re
import time
from base64 import b64encode
from typing import Any

import pytest

from tests.gateway.api.world import SECRET, Tenant, World
from tests.receivers import Received

pytestmark = pytest.mark.asyncio(loop_scope="module")

RUN_FIELDS = [
    "run_id",
    "run_type",
    "status",
    "output",
    "downloaded_files",
    "recording_url",
    "screenshot_urls",
    "failure_reason",
    "created_at",
    "modified_at",
    "queued_at",
    "started_at",
    "finished_at",
    "app_url",
    "browser_session_id",
    "errors",
    "step_count",
    "run_request",
]
ZULU = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


def at(world: World, path: str) -> list[Received]:
    return [request for request in world.receiver.log if request.path == f"/{path}"]


async def arrival(world: World, path: str, count: int = 1) -> Received:
    """The count-th request at a path, as soon as it is there."""

    async def there() -> Any:
        await world.call("GET", "/v1/version")
        found = at(world, path)
        return found[count - 1 :][:1]

    return (await world.eventually(there))[0]  # type: ignore[no-any-return]


async def run_of(shop: Tenant, **body: Any) -> Any:
    return await shop.post("/v1/run/tasks", {"prompt": "buy", **body})


# ------------------------------------------------------------------------------- 1. general rules


async def test_unknown_fields_and_nulls(shop: Tenant) -> None:
    """Unknown JSON fields are accepted, and so is `null` for an unset option."""
    run = await run_of(shop, title=None, webhook_url=None, engine=None, never_heard_of={"a": 1})
    assert run["run_request"] == {"prompt": "buy", "never_heard_of": {"a": 1}}


@pytest.mark.parametrize(
    "spelling", ["webhook_url", "webhook_callback_url", "webhookUrl", "webhookCallbackUrl"]
)
@pytest.mark.parametrize("path", ["/v1/run/tasks", "/api/v1/tasks", "/v1/run/agents", "/v1/run/workflows", "/api/v1/workflows/w/run"])  # fmt: skip
async def test_webhook_urls_under_any_spelling(shop: Tenant, path: str, spelling: str) -> None:
    """A webhook URL under any known spelling is never silently dropped."""
    body = {"prompt": "a", "workflow_id": "w", spelling: "https://a.example/hook"}
    run = await shop.post(path, body)
    assert (await shop.get(f"/api/v1/tasks/{run['run_id']}"))["webhook_callback_url"] == (
        "https://a.example/hook"
    )


async def test_keys(world: World, shop: Tenant) -> None:
    """Missing or wrong: 403 `{"detail": "Invalid credentials"}`."""
    for headers in ({}, {"x-api-key": "wrong"}, {"Authorization": "Bearer wrong"}):
        reply = await world.call("GET", "/v1/runs", headers=headers)
        assert (reply.status, reply.json()["detail"]) == (403, "Invalid credentials")


@pytest.mark.parametrize(
    ("asked", "status", "code"),
    [
        (("GET", "/v1/runs/tsk_unknown", {}), 404, "not_found"),
        (("GET", "/v1/nothing", {}), 404, "no_such_route"),
        (("POST", "/v1/events", {"data": b"{", "headers": {"Content-Type": "application/json"}}), 400, "invalid_json"),
        (("POST", "/v1/events", {"json": {}}), 422, "validation_failed"),
        (("POST", "/v1/events", {"data": b"a=1", "headers": {"Content-Type": "text/plain"}}), 415, "unsupported_media_type"),
        (("POST", "/v1/events", {"data": b"x", "headers": {"Content-Encoding": "br", "Content-Type": "application/json"}}), 415, "unsupported_encoding"),
        (("POST", "/v1/events", {"json": {"run_id": "x" * 1_000_001}}), 413, "body_too_large"),
        (("POST", "/v1/run/tasks", {"json": {}}), 422, "validation_failed"),
    ],
)  # fmt: skip
async def test_errors(
    shop: Tenant, asked: tuple[str, str, dict[str, Any]], status: int, code: str
) -> None:
    """Errors are JSON `{"detail": …, "code": "machine_word"}`; validation 422 with `detail` a list."""
    method, path, options = asked
    reply = await shop.call(method, path, **options)
    assert (reply.status, reply.code) == (status, code)
    assert reply.headers["Content-Type"] == "application/json"
    detail = reply.json()["detail"]
    if status == 422:
        assert all({"loc", "msg", "type"} <= set(item) for item in detail)
    else:
        assert isinstance(detail, str)


async def test_timestamps(shop: Tenant) -> None:
    """Timestamps out: RFC 3339 UTC with `Z`. Both `Z` and naive UTC are accepted in."""
    times = {"created_at": "2024-03-01T10:00:00", "finished_at": "2024-03-01T12:00:00+02:00"}
    await shop.report("tsk_1", **times, queued_at="2024-03-01T10:00:01Z")
    run = await shop.get("/v1/runs/tsk_1")
    assert run["created_at"] == "2024-03-01T10:00:00Z"
    assert run["finished_at"] == "2024-03-01T10:00:00Z"
    assert run["queued_at"] == "2024-03-01T10:00:01Z"
    event = (await shop.get("/v1/events"))["items"][0]
    assert ZULU.fullmatch(event["received_at"])
    for since in ("2024-03-01T10:00:00", "2024-03-01T10:00:00Z"):
        assert len((await shop.get("/v1/events", params={"since": since}))["items"]) == 1


@pytest.mark.parametrize("path", ["/v1/events", "/v1/deliveries", "/v1/subscriptions"])
async def test_lists(shop: Tenant, path: str) -> None:
    """Lists: `{items, next_cursor}`, newest first, `limit` 1–200 (50; anything else 422)."""
    assert await shop.get(path) == {"items": [], "next_cursor": None}
    for limit, status in (("1", 200), ("200", 200), ("0", 422), ("201", 422), ("-1", 422), ("x", 422), ("1.0", 422)):  # fmt: skip
        assert (await shop.call("GET", path, params={"limit": limit})).status == status, limit


async def test_a_page_has_fifty(shop: Tenant) -> None:
    """Lists: newest first, `limit` (50)."""
    ids = [(await shop.report(f"tsk_{n}"))["event_id"] for n in range(51)]
    page = await shop.get("/v1/events")
    assert [item["id"] for item in page["items"]] == ids[:0:-1]
    rest = await shop.get("/v1/events", params={"cursor": page["next_cursor"]})
    assert ([item["id"] for item in rest["items"]], rest["next_cursor"]) == (ids[:1], None)


# ---------------------------------------------------------------------------------------- 2. runs


@pytest.mark.parametrize("path", ["/v1/run/tasks", "/api/v1/tasks"])
@pytest.mark.parametrize(
    ("spelling", "canonical", "value"),
    [
        ("prompt", "prompt", "buy"),
        ("user_prompt", "prompt", "buy"),
        ("navigation_goal", "prompt", "buy"),
        ("extracted_information_schema", "data_extraction_schema", {"type": "object"}),
        ("data_extraction_schema", "data_extraction_schema", {"type": "object"}),
        ("url", "url", "https://a.example/"),
    ],
)
async def test_spellings_of_a_task(
    shop: Tenant, path: str, spelling: str, canonical: str, value: Any
) -> None:
    """`prompt` = `user_prompt` = `navigation_goal`; `data_extraction_schema` = `extracted_information_schema`; `url`."""
    given = {spelling: value} if canonical == "prompt" else {"prompt": "a", spelling: value}
    assert (await shop.post(path, given))["run_request"][canonical] == value


@pytest.mark.parametrize(
    ("engine", "run_type"),
    [
        (None, "task_v2"), ("skyvern-1.0", "task_v1"), ("skyvern-2.0", "task_v2"), ("skyvern-3.0", "task_v3"),
        ("openai-cua", "openai_cua"), ("anthropic-cua", "anthropic_cua"), ("ui-tars", "ui_tars"),
        ("yutori-navigator", "yutori_navigator"),
    ],
)  # fmt: skip
async def test_engines(shop: Tenant, engine: str | None, run_type: str) -> None:
    """`engine` … → `run_type` `task_v1|task_v2|task_v3`, `openai_cua`, …; with no engine the seed's `task_v2`."""
    assert (await run_of(shop, engine=engine))["run_type"] == run_type


@pytest.mark.parametrize("path", ["/v1/run/workflows", "/v1/run/agents"])
@pytest.mark.parametrize("id_spelling", ["workflow_id", "agent_id"])
@pytest.mark.parametrize("data_spelling", ["parameters", "data"])
async def test_spellings_of_a_workflow(
    shop: Tenant, path: str, id_spelling: str, data_spelling: str
) -> None:
    """`workflow_id` = `agent_id`; `parameters` = `data`; `run_type` `workflow_run`; ids `wr_…` (tasks `tsk_…`)."""
    run = await shop.post(path, {id_spelling: "wpid_1", data_spelling: {"q": 1}})
    assert run["run_id"].startswith("wr_")
    assert run["run_type"] == "workflow_run"
    assert run["run_request"] == {"workflow_id": "wpid_1", "parameters": {"q": 1}}
    assert (await run_of(shop))["run_id"].startswith("tsk_")


@pytest.mark.parametrize("path", ["/v1/runs/{}", "/api/v1/runs/{}", "/v1/runs/{}/", "/api/v1/runs/{}/"])  # fmt: skip
async def test_get_tells_of_the_webhook(world: World, shop: Tenant, path: str) -> None:
    """The run response plus `webhook_failure_reason` and `webhook_delivery {state, attempts, last_status_code, next_attempt_at}`."""
    hook = world.receiver.url("ok200?status=500")
    run_id = (await run_of(shop, webhook_url=hook))["run_id"]
    fresh = await shop.get(path.format(run_id))
    assert {*RUN_FIELDS} <= {*fresh}
    assert fresh["webhook_failure_reason"] is fresh["webhook_delivery"] is None
    await shop.report(run_id)
    await shop.delivery(run_id, attempts=1)
    failing = await shop.get(path.format(run_id))
    assert "500" in failing["webhook_failure_reason"]
    delivery = failing["webhook_delivery"]
    assert (delivery["state"], delivery["attempts"], delivery["last_status_code"]) == (
        "pending",
        1,
        500,
    )
    assert ZULU.fullmatch(delivery["next_attempt_at"])


async def test_a_later_success_clears_the_failure(world: World, shop: Tenant) -> None:
    """(null when delivered or never tried; cleared by a later success)."""
    world.receiver.script[f"moody-{shop.namespace}"] = "fail-then-ok"
    hook = world.receiver.url(f"switch/moody-{shop.namespace}")
    run_id = (await run_of(shop, webhook_url=hook))["run_id"]
    await shop.report(run_id)
    await shop.delivery(run_id, attempts=1)
    shown = await shop.get(f"/v1/runs/{run_id}")
    assert "500" in shown["webhook_failure_reason"]
    world.receiver.script[f"moody-{shop.namespace}"] = "ok200"
    await shop.post(f"/v1/runs/{run_id}/retry_webhook")
    shown = await shop.get(f"/v1/runs/{run_id}")
    assert shown["webhook_failure_reason"] is None
    assert shown["webhook_delivery"]["state"] == "delivered"


async def test_without_an_own_target_the_subscriptions_speak(world: World, shop: Tenant) -> None:
    """Without one, of its subscriptions, `exhausted` before `pending` before `delivered`."""
    never = {"delivery": {"retryDelaysSeconds": []}}
    await shop.subscribe("good", world.receiver.url("ok200"))
    await shop.report("tsk_1")
    await shop.delivery("tsk_1", state="delivered")
    assert (await shop.get("/v1/runs/tsk_1"))["webhook_delivery"]["state"] == "delivered"
    await shop.subscribe("slow", world.receiver.url("ok200?status=500"))
    await shop.report("tsk_2")
    await shop.delivery("tsk_2", subscription="slow", attempts=1)
    assert (await shop.get("/v1/runs/tsk_2"))["webhook_delivery"]["state"] == "pending"
    await shop.subscribe("bad", world.receiver.url("ok200?status=500"), **never)
    await shop.report("tsk_3")
    await shop.delivery("tsk_3", subscription="bad", state="exhausted")
    assert (await shop.get("/v1/runs/tsk_3"))["webhook_delivery"]["state"] == "exhausted"


@pytest.mark.parametrize("path", ["/api/v1/tasks/{}", "/api/v2/tasks/{}"])
async def test_get_task(shop: Tenant, path: str) -> None:
    """Also `task_id`, `webhook_callback_url`, `request.webhook_callback_url`."""
    run_id = (await run_of(shop, webhook_url="https://a.example/"))["run_id"]
    task = await shop.get(path.format(run_id))
    assert task["task_id"] == run_id
    assert task["webhook_callback_url"] == task["request"]["webhook_callback_url"]
    assert task["webhook_callback_url"] == "https://a.example/"
    assert {"webhook_failure_reason", "webhook_delivery"} <= {*task}


async def test_list(shop: Tenant) -> None:
    """A bare array, whose items also carry `task_run_id` and `task_run_type`, with `page`/`page_size`; the cursor also in a `Link` header."""
    ids = [(await run_of(shop))["run_id"] for _ in range(3)]
    reply = await shop.call("GET", "/v1/runs", params={"page": "1", "page_size": "2"})
    assert [(r["task_run_id"], r["task_run_type"]) for r in reply.json()] == [
        (ids[2], "task_v2"),
        (ids[1], "task_v2"),
    ]
    assert "cursor=" in reply.headers["Link"]
    assert len(await shop.get("/v1/runs", params={"page": "2", "page_size": "2"})) == 1


@pytest.mark.parametrize("path", ["/v1/runs/{}/cancel", "/api/v1/tasks/{}/cancel"])
async def test_cancel(world: World, shop: Tenant, path: str) -> None:
    """With nothing running it, the gateway makes the event from the run response with status `canceled`; a later report is an event of its own."""
    place = f"ok200/cancel-{shop.namespace}"
    run_id = (await run_of(shop, webhook_url=world.receiver.url(place)))["run_id"]
    assert (await shop.post(path.format(run_id)))["status"] == "canceled"
    sent = json.loads((await arrival(world, place)).body)
    assert sent["status"] == "canceled"
    assert {*RUN_FIELDS} <= {*sent}
    await shop.report(run_id)
    assert len((await shop.get("/v1/events", params={"run_id": run_id}))["items"]) == 2


async def test_cancel_many(shop: Tenant) -> None:
    """`POST /v1/runs/cancel {run_ids}` → `{cancelled, failed}`."""
    run_id = (await run_of(shop))["run_id"]
    answer = await shop.post("/v1/runs/cancel", {"run_ids": [run_id, "tsk_unknown"]})
    assert (answer["cancelled"], answer["failed"]) == ([run_id], ["tsk_unknown"])


async def test_what_sdk_models_insist_on(shop: Tenant) -> None:
    """SDK models fail on: unknown `run_type`, `downloaded_files` items without `url`, `output` that is a number or bool, a task `run_request` without `prompt`."""
    seed = {"file_name": "a", "file_size": 1, "s3_uri": "s3://b/a", "presigned_url": "https://s3/a"}
    real = {"url": "https://s3/b", "filename": "b"}
    odd = {"run_type": "task_v9", "output": True, "run_request": {}, "downloaded_files": [seed, real]}  # fmt: skip
    event_id = (await shop.report("tsk_1", **odd))["event_id"]
    run = await shop.get("/v1/runs/tsk_1")
    assert (run["run_type"], run["output"]) == ("task_v1", "true")
    assert run["run_request"]["prompt"] == ""
    first, second = run["downloaded_files"]
    assert (first["url"], first["filename"]) == ("https://s3/a", "a")
    assert (second["presigned_url"], second["file_name"]) == ("https://s3/b", "b")
    stored = await shop.get(f"/v1/events/{event_id}/body")
    assert stored["downloaded_files"] == [seed, real]  # the stored bytes stay untouched


@pytest.mark.parametrize("status", ["completed", "failed", "terminated", "canceled", "timed_out"])
async def test_terminal_statuses(shop: Tenant, status: str) -> None:
    """Terminal: `completed, failed, terminated, canceled, timed_out`."""
    await shop.report("tsk_1", status)
    assert (await shop.get("/v1/events"))["items"][0]["final"]


@pytest.mark.parametrize("status", ["created", "queued", "running", "paused"])
async def test_statuses_on_the_way(shop: Tenant, status: str) -> None:
    """Statuses: `created, queued, running, paused`."""
    await shop.report("tsk_1", status)
    assert not (await shop.get("/v1/events"))["items"][0]["final"]


# ----------------------------------------------------------------------------------- 3. events in


async def test_report(world: World, shop: Tenant) -> None:
    """202 `{event_id, run_id, deliveries, duplicate}`; 200 with `duplicate: true` when seen before. A run nobody registered is registered from the payload."""
    await shop.subscribe("hook", world.receiver.url("ok200"))
    payload = {"run_id": "tsk_1", "status": "completed"}
    first = await shop.post("/v1/events", payload, 202)
    assert (first["run_id"], first["deliveries"], first["duplicate"]) == ("tsk_1", 1, False)
    again = await shop.post("/v1/events", payload, 200)
    assert again == {**first, "duplicate": True}
    run = await shop.get("/v1/runs/tsk_1")
    assert (run["status"], run["run_type"]) == ("completed", "task_v1")  # missing reads as task_v1


async def ingest(world: World, shop: Tenant, body: bytes, **headers: str) -> Any:
    path = f"/v1/ingest/{shop.namespace}/upstream"
    sent = {"Content-Type": "application/json", **headers}
    return await world.call("POST", path, data=body, headers=sent)


async def test_ingest(world: World, shop: Tenant) -> None:
    """Verified by `X-Skyvern-Signature` in either form with the source's keys; a bad or missing signature 401; duplicates are answered 200; a request that carries `X-Hookgate-Delivery-Id` is refused."""
    await shop.source("upstream", b"key-of-the-upstream-server")
    body = b'{"run_id":"tsk_1","status":"completed","run_type":"task_v2"}'
    signature = hmac.new(b"key-of-the-upstream-server", body, hashlib.sha256).hexdigest()
    wrong_clock = {"X-Skyvern-Timestamp": str(int(time.time()) - 5 * 3600)}  # noqa: TID251
    first = await ingest(world, shop, body, **{"X-Skyvern-Signature": signature}, **wrong_clock)
    assert (first.status, first.json()["duplicate"]) == (200, False)
    for value in (signature, f"sha256={signature}"):
        again = await ingest(world, shop, body, **{"X-Skyvern-Signature": value})
        assert (again.status, again.json()["duplicate"]) == (200, True)
    for headers in ({}, {"X-Skyvern-Signature": "0" * 64}):
        assert (await ingest(world, shop, body, **headers)).status == 401
    loop = {"X-Skyvern-Signature": signature, "X-Hookgate-Delivery-Id": "dlv_1"}
    refused = await ingest(world, shop, body, **loop)
    assert 400 <= refused.status < 500
    assert len((await shop.get("/v1/events"))["items"]) == 1


async def test_own_targets(world: World, shop: Tenant) -> None:
    """Only a URL given at creation is a run's own target; URLs inside reported payloads are data. A run's own target gets final events only."""
    place = f"ok200/own-{shop.namespace}"
    url = world.receiver.url(place)
    data = {"webhook_url": url, "run_request": {"prompt": "a", "webhook_url": url}}
    assert (await shop.report("tsk_reported", **data))["deliveries"] == 0
    run_id = (await run_of(shop, webhook_url=url))["run_id"]
    assert (await shop.report(run_id, "running"))["deliveries"] == 0
    assert (await shop.report(run_id, "failed", retry_pending=True))["deliveries"] == 0
    assert (await shop.report(run_id, "completed"))["deliveries"] == 1
    assert json.loads((await arrival(world, place)).body)["status"] == "completed"
    assert len(at(world, place)) == 1


@pytest.mark.parametrize(
    ("payload", "loc"),
    [({"status": "a"}, "run_id"), ({"run_id": "a"}, "status"), ({"run_id": 1, "status": "a"}, "run_id")],
)  # fmt: skip
async def test_required_in_a_payload(shop: Tenant, payload: Any, loc: str) -> None:
    """Required in a payload: an object with `run_id` and `status`."""
    reply = await shop.call("POST", "/v1/events", json=payload)
    assert (reply.status, reply.json()["detail"][0]["loc"]) == (422, ["body", loc])
    assert (await shop.call("POST", "/v1/events", json=[payload])).status == 422


# --------------------------------------------------------------------------- 4. what a receiver gets


@pytest.mark.parametrize("scheme", ["Skyvern", "SkyvernHex", "StandardWebhooks"])
async def test_what_a_receiver_gets(world: World, shop: Tenant, scheme: str) -> None:
    """`POST` with the stored bytes. Headers … and those of the scheme. The event id is the same over all retries and replays. The timestamp is made anew for each attempt."""
    place = f"ok200/got-{shop.namespace}"
    refs = [{"name": "signing", "key": "secret"}]
    signing = {"scheme": scheme, "secretRefs": refs}
    await shop.subscribe("hook", world.receiver.url(place), signing=signing)
    body = b'{ "run_id":"tsk_1", "status" : "completed" }'
    headers = {"Content-Type": "application/json"}
    event_id = (await shop.call("POST", "/v1/events", data=body, headers=headers)).json()[
        "event_id"
    ]
    first = await arrival(world, place)
    delivery = await shop.delivery("tsk_1", state="delivered")
    assert (first.method, first.body) == ("POST", body)
    for name, value in (
        ("Content-Type", "application/json"),
        ("User-Agent", "Skyvern-Webhook/1.0"),
        ("X-Hookgate-Event-Id", event_id),
        ("X-Hookgate-Delivery-Id", delivery["id"]),
        ("X-Hookgate-Attempt", "1"),
        ("X-Hookgate-Replay", None),
    ):
        assert first.header(name) == value
    hexadecimal = hmac.new(SECRET, body, hashlib.sha256).hexdigest()
    if scheme == "StandardWebhooks":
        assert first.header("webhook-id") == event_id
        signed = f"{event_id}.{first.header('webhook-timestamp')}.".encode() + body
        expected = b64encode(hmac.new(SECRET, signed, hashlib.sha256).digest()).decode()
        assert first.header("webhook-signature") == f"v1,{expected}"
        stamp = first.header("webhook-timestamp")
    else:
        prefix = "sha256=" if scheme == "Skyvern" else ""
        assert first.header("X-Skyvern-Signature") == prefix + hexadecimal
        stamp = first.header("X-Skyvern-Timestamp")
    assert stamp is not None
    assert abs(int(stamp) - first.at) < 5
    await shop.post("/v1/runs/tsk_1/retry_webhook")
    replayed = await arrival(world, place, 2)
    assert replayed.body == body
    assert replayed.header("X-Hookgate-Replay") == "1"
    assert replayed.header("X-Hookgate-Event-Id") == event_id


# --------------------------------------------------------------------------- 5. test, replay, look


@pytest.mark.parametrize(
    ("path", "task"),
    [("/api/v1/webhooks/test", "task_v2"), ("/v1/internal/test-webhook", "task_v1"), ("/api/v1/internal/test-webhook", "task_v1")],
)  # fmt: skip
async def test_test_a_url(world: World, shop: Tenant, path: str, task: str) -> None:
    """→ 200 `{status_code, latency_ms, response_body, headers_sent, error}`; `task` means task_v2 on the seed's route, task_v1 on the real ones; `"test": true`, header `X-Hookgate-Test: 1`, signed with the caller's key."""
    place = f"ok200/tried-{shop.namespace}"
    answer = await shop.post(path, {"webhook_url": world.receiver.url(place), "run_type": "task"})
    assert {*answer} == {"status_code", "latency_ms", "response_body", "headers_sent", "error"}
    [request] = at(world, place)
    payload = json.loads(request.body)
    assert (payload["run_type"], payload["test"]) == (task, True)
    assert request.header("X-Hookgate-Test") == "1"
    expected = hmac.new(shop.key.encode(), request.body, hashlib.sha256).hexdigest()
    assert request.header("X-Skyvern-Signature") == f"sha256={expected}"
    refused = await shop.post(path, {"webhook_url": "http://169.254.169.254/"})
    assert refused["status_code"] is None
    assert refused["error"]
    await shop.report("tsk_1")
    known = {"webhook_url": world.receiver.url(place), "run_id": "tsk_1"}
    assert (await shop.call("POST", path, json=known)).status == 400


@pytest.mark.parametrize("state", ["pending", "held", "delivered", "exhausted", "cancelled"])
async def test_deliveries(world: World, shop: Tenant, state: str) -> None:
    """`{id, event_id, run_id, subscription, state, outcome, attempts, next_attempt_at, hold}`; `state=pending` includes held ones, `state=held` selects them."""
    await shop.subscribe("held", world.receiver.url("ok200"), suspend=True)
    await shop.report("tsk_1")
    found = (await shop.get("/v1/deliveries", params={"state": state}))["items"]
    assert len(found) == (state in ("pending", "held"))
    for item in found:
        assert {*["id", "event_id", "run_id", "subscription", "state", "outcome", "attempts", "next_attempt_at", "hold"]} <= {*item}  # fmt: skip
        assert (item["state"], item["hold"], item["subscription"]) == ("held", "Suspended", "held")


async def test_deliveries_are_narrowed(world: World, shop: Tenant) -> None:
    """`GET /v1/deliveries` (`state, subscription, run_id, outcome, since, until`)."""
    await shop.subscribe("hook", world.receiver.url("ok200"))
    await shop.report("tsk_1")
    item = await shop.delivery("tsk_1", state="delivered")

    async def count(**params: str) -> int:
        return len((await shop.get("/v1/deliveries", params=params))["items"])

    for params in (
        {"state": "delivered", "subscription": "hook", "run_id": "tsk_1", "outcome": "success"},
        {"since": item["created_at"]},
        {"until": "2100-01-01T00:00:00Z"},
    ):
        assert await count(**params) == 1
    for params in ({"subscription": "x"}, {"run_id": "x"}, {"outcome": "gone"}, {"until": "2020-01-01T00:00:00"}):  # fmt: skip
        assert await count(**params) == 0
    assert (await shop.call("GET", "/v1/deliveries", params={"state": "x"})).status == 422


async def test_an_attempt(world: World, shop: Tenant) -> None:
    """An attempt: request headers without secrets, status, first 2 KiB of the answer, timing, error."""
    await shop.subscribe("hook", world.receiver.url("ok200?body=" + "x" * 10))
    await shop.report("tsk_1")
    item = await shop.delivery("tsk_1", state="delivered")
    [attempt] = (await shop.get(f"/v1/deliveries/{item['id']}"))["attempt_log"]
    assert attempt["request_headers"]["X-Skyvern-Signature"] == "***"
    assert (attempt["status_code"], attempt["outcome"], attempt["error"]) == (200, "success", None)
    assert attempt["duration_ms"] >= 0
    assert len(attempt["response_body"]) <= 2048


async def test_events_and_their_bytes(shop: Tenant) -> None:
    """`GET /v1/events`, `GET /v1/events/{id}`, `GET /v1/events/{id}/body` (the bytes)."""
    body = b'{"run_id" : "tsk_1", "status":"completed" , "n": 1.50 }'
    headers = {"Content-Type": "application/json"}
    event_id = (await shop.call("POST", "/v1/events", data=body, headers=headers)).json()[
        "event_id"
    ]
    assert (await shop.get(f"/v1/events/{event_id}"))["run_id"] == "tsk_1"
    assert (await shop.call("GET", f"/v1/events/{event_id}/body")).body == body


async def test_subscriptions(world: World, shop: Tenant) -> None:
    """Spec without secrets, lane state, `hold` `{reason, since}` or null, health."""
    await shop.subscribe("hook", world.receiver.url("ok200"))
    shown = await shop.get("/v1/subscriptions/hook")
    assert shown["spec"]["signing"]["secretRefs"] == [{"name": "signing", "key": "secret"}]
    assert SECRET.decode() not in str(shown)
    assert {"lane", "hold", "health"} <= {*shown}
    assert shown["hold"] is None
    assert shown["health"]["state"] == "unknown"
    await shop.report("tsk_1")
    await shop.delivery("tsk_1", state="delivered")
    health = (await shop.get("/v1/subscriptions/hook"))["health"]
    assert (health["state"], health["consecutive_failures"]) == ("healthy", 0)
    assert ZULU.fullmatch(health["last_success_at"])
    assert health["last_failure"] is None
    await shop.subscribe("hook", world.receiver.url("ok200"), suspend=True)
    held = await shop.get("/v1/subscriptions/hook")
    assert held["hold"]["reason"] == "Suspended"
    assert ZULU.fullmatch(held["hold"]["since"])
    assert (await shop.post("/v1/subscriptions/hook/resume"))["name"] == "hook"
