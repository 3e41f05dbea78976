"""Runs in both dialects: created, looked at, listed, cancelled."""

import asyncio
from typing import Any

import pytest

from tests.gateway.api.test_run_shapes import FIELDS
from tests.gateway.api.world import Tenant, World

pytestmark = pytest.mark.asyncio(loop_scope="module")

TASKS = ("/v1/run/tasks", "/api/v1/tasks")
WORKFLOWS = ("/v1/run/workflows", "/v1/run/agents", "/api/v1/workflows/wpid_1/run")
HOOK = "https://receiver.example/hook"


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("path", TASKS)
async def test_a_task_is_registered(shop: Tenant, path: str, slash: str) -> None:
    body = {"user_prompt": "buy", "webhook_callback_url": f" {HOOK} ", "url": None, "title": "t"}
    created = await shop.post(path + slash, body)
    assert created["run_id"].startswith("tsk_")
    assert created["run_type"] == "task_v2"
    assert created["status"] == "created"
    assert created["run_request"] == {"prompt": "buy", "webhook_url": HOOK, "title": "t"}
    shown = await shop.get(f"/v1/runs/{created['run_id']}")
    assert shown["run_request"] == created["run_request"]
    assert shown["webhook_failure_reason"] is None
    assert {*FIELDS} <= {*shown}


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("path", WORKFLOWS)
async def test_a_workflow_is_registered(shop: Tenant, path: str, slash: str) -> None:
    body: dict[str, Any] = {"data": {"q": 1}, "webhook_url": HOOK}
    if "wpid_1" not in path:
        body["agent_id"] = "wpid_1"
    created = await shop.post(path + slash, body)
    assert created["run_id"].startswith("wr_")
    assert created["run_type"] == "workflow_run"
    assert created["run_request"]["workflow_id"] == "wpid_1"
    assert created["run_request"]["parameters"] == {"q": 1}
    shown = await shop.get(f"/api/v1/runs/{created['run_id']}/")
    assert shown["run_request"] == created["run_request"]


async def test_a_workflow_by_its_path_needs_no_body(shop: Tenant) -> None:
    created = await shop.post("/api/v1/workflows/wpid_1/run")
    assert created["run_request"] == {"workflow_id": "wpid_1"}


@pytest.mark.parametrize(
    "path", ["/api/v1/tasks/{}", "/api/v2/tasks/{}", "/api/v1/tasks/{}/", "/api/v2/tasks/{}/"]
)
async def test_the_older_dialect_of_get(shop: Tenant, path: str) -> None:
    created = await shop.post("/api/v1/tasks", {"prompt": "buy", "webhook_url": HOOK})
    assert created["task_id"] == created["run_id"]
    shown = await shop.get(path.format(created["run_id"]))
    assert shown["task_id"] == created["run_id"]
    assert shown["webhook_callback_url"] == HOOK
    assert shown["request"]["webhook_callback_url"] == HOOK
    assert "webhook_failure_reason" in shown


@pytest.mark.parametrize(
    ("path", "body", "loc"),
    [
        ("/v1/run/tasks", {}, ["body", "prompt"]),
        ("/v1/run/tasks", {"prompt": None}, ["body", "prompt"]),
        ("/v1/run/tasks", {"prompt": "\ud800"}, ["body", "prompt"]),
        ("/api/v1/tasks", {"prompt": "a", "webhook_url": "a.example"}, ["body", "webhook_url"]),
        ("/api/v1/tasks", {"prompt": "a", "webhook_url": "https://u:hunter2@a.example"}, ["body", "webhook_url"]),
        ("/api/v1/tasks", {"prompt": "a", "webhookUrl": "https://a.example/" + "x" * 2100}, ["body", "webhook_url"]),
        ("/v1/run/tasks", {"prompt": "a", "engine": 3}, ["body", "engine"]),
        ("/v1/run/workflows", {}, ["body", "workflow_id"]),
        ("/v1/run/agents", {"agent_id": "a\u0000"}, ["body", "workflow_id"]),
        ("/api/v1/workflows/w/run", {"workflow_id": "v"}, ["body", "workflow_id"]),
    ],
)  # fmt: skip
async def test_what_is_wrong_is_told(
    shop: Tenant, path: str, body: dict[str, Any], loc: list[str]
) -> None:
    reply = await shop.call("POST", path, json=body)
    assert reply.status == 422, reply
    assert reply.json()["detail"][0]["loc"] == loc
    assert b"hunter2" not in reply.body
    assert await shop.get("/v1/runs") == []


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"", 400), (b"{", 400), (b"[]", 422), (b"null", 422), (b"[" * 100_000, 400)],
)  # fmt: skip
async def test_bodies_that_are_no_request(shop: Tenant, body: bytes, status: int) -> None:
    headers = {"Content-Type": "application/json"}
    reply = await shop.call("POST", "/v1/run/tasks", data=body, headers=headers)
    assert reply.status == status


async def test_a_request_nested_beyond_sense_is_refused(shop: Tenant) -> None:
    deep = b'{"prompt":"a","x":' + b"[" * 900 + b"]" * 900 + b"}"
    headers = {"Content-Type": "application/json"}
    reply = await shop.call("POST", "/v1/run/tasks", data=deep, headers=headers)
    assert (reply.status, reply.code) == (422, "validation_failed")


async def test_a_report_speaks_for_its_run(shop: Tenant) -> None:
    run_id = (await shop.post("/v1/run/tasks", {"prompt": "buy"}))["run_id"]
    await shop.report(run_id, "running")
    assert (await shop.get(f"/v1/runs/{run_id}"))["status"] == "running"
    await shop.report(
        run_id,
        output=7,
        downloaded_files=[{"file_name": "a", "presigned_url": "https://s3/a"}],
        created_at="2024-03-01T10:00:00",
    )
    shown = await shop.get(f"/v1/runs/{run_id}")
    assert shown["status"] == "completed"
    assert shown["output"] == "7"
    assert shown["downloaded_files"][0]["url"] == "https://s3/a"
    assert shown["created_at"] == "2024-03-01T10:00:00Z"
    assert shown["run_request"] == {"prompt": "buy"}


async def test_payloads_that_orjson_cannot_write_are_shown(shop: Tenant) -> None:
    deep = "[" * 300 + "]" * 300
    payload = (
        '{"run_id":"tsk_odd","status":"completed","errors":[NaN],"output":{"n":NaN,'
        f'"big":{"9" * 30},"s":"\\ud800","deep":{deep}}}}}'
    ).encode()
    headers = {"Content-Type": "application/json"}
    accepted = await shop.call("POST", "/v1/events", data=payload, headers=headers)
    assert accepted.status == 202, accepted
    shown = await shop.get("/v1/runs/tsk_odd")
    assert shown["output"]["n"] is None
    assert shown["output"]["big"] == int("9" * 30)
    assert shown["output"]["s"] == "\ud800"
    assert shown["errors"] == [None]


async def test_a_run_reported_beyond_showing_can_be_cancelled(shop: Tenant) -> None:
    deep = b'{"run_id":"tsk_deep","status":"running","output":' + b"[" * 990 + b"]" * 990 + b"}"
    headers = {"Content-Type": "application/json"}
    assert (await shop.call("POST", "/v1/events", data=deep, headers=headers)).status == 202
    assert (await shop.call("POST", "/v1/runs/tsk_deep/cancel")).status == 200
    assert (await shop.get("/v1/runs/tsk_deep"))["status"] == "canceled"


async def test_a_payload_too_deep_to_show_is_an_answer_too(shop: Tenant) -> None:
    deep = b'{"run_id":"tsk_deep","status":"completed","output":' + b"[" * 990 + b"]" * 990 + b"}"
    headers = {"Content-Type": "application/json"}
    accepted = await shop.call("POST", "/v1/events", data=deep, headers=headers)
    assert accepted.status == 202, accepted
    shown = await shop.call("GET", "/v1/runs/tsk_deep")
    assert shown.status == 200
    assert (await shop.call("GET", "/v1/runs")).status == 200
    body = await shop.call("GET", f"/v1/events/{accepted.json()['event_id']}/body")
    assert body.body == deep


# --------------------------------------------------------------------------------------- list


async def test_the_list_is_a_bare_array_newest_first_in_pages(shop: Tenant) -> None:
    ids = [(await shop.post("/v1/run/tasks", {"prompt": f"p{n}"}))["run_id"] for n in range(5)]
    newest_first = ids[::-1]
    first = await shop.call("GET", "/v1/runs", params={"page": "1", "page_size": "2"})
    assert [item["task_run_id"] for item in first.json()] == newest_first[:2]
    assert first.json()[0]["task_run_type"] == "task_v2"
    second = await shop.get("/v1/runs/", params={"page": "2", "page_size": "2"})
    third = await shop.get("/v1/runs", params={"page": "3", "page_size": "2"})
    assert [item["run_id"] for item in second + third] == newest_first[2:]
    assert await shop.get("/v1/runs", params={"page": "4", "page_size": "2"}) == []
    link = first.headers["Link"]
    assert link.endswith('; rel="next"')
    followed = await shop.call("GET", link[1 : link.index(">")])
    assert [item["run_id"] for item in followed.json()] == newest_first[2:4]
    narrowed = await shop.call(
        "GET", "/v1/runs", params={"search_key": "p>", "page_size": "1", "status": "created"}
    )
    assert narrowed.json() == []
    assert "Link" not in (await shop.call("GET", "/v1/runs")).headers


async def test_the_list_is_narrowed(shop: Tenant) -> None:
    task = (await shop.post("/v1/run/tasks", {"prompt": "buy milk"}))["run_id"]
    flow = (await shop.post("/v1/run/agents", {"agent_id": "wpid_7"}))["run_id"]
    await shop.report("tsk_failed", "failed")

    async def listed(*params: tuple[str, str]) -> set[str]:
        return {run["run_id"] for run in await shop.get("/v1/runs", params=[*params])}

    assert await listed(("status", "created")) == {task, flow}
    assert await listed(("status", "created"), ("status", "failed")) == {task, flow, "tsk_failed"}
    assert await listed(("run_type", "workflow_run")) == {flow}
    assert await listed(("search_key", "milk")) == {task}
    assert await listed(("search_key", "wpid_7")) == {flow}
    assert await listed(("search_key", "")) == {task, flow, "tsk_failed"}
    assert await listed(("status", "paused")) == set()


@pytest.mark.parametrize(
    "params",
    [
        {"page": "0"}, {"page": "-1"}, {"page": "x"}, {"page": "1.5"}, {"page": "9" * 40},
        {"page": "\u0661"}, {"page_size": "0"}, {"page_size": "201"}, {"cursor": "nonsense"},
        {"search_key": "x" * 600}, {"search_key": "\x00"}, {"status": "a\n"}, {"run_type": "x" * 600},
    ],
)  # fmt: skip
async def test_odd_pages_are_refused(shop: Tenant, params: dict[str, str]) -> None:
    reply = await shop.call("GET", "/v1/runs", params=params)
    assert (reply.status, reply.code) == (422, "validation_failed")
    assert reply.json()["detail"][0]["loc"][0] == "query"


# ------------------------------------------------------------------------------------- cancel


@pytest.mark.parametrize(
    "path",
    ["/v1/runs/{}/cancel", "/v1/runs/{}/cancel/", "/api/v1/tasks/{}/cancel", "/api/v1/tasks/{}/cancel/"],
)  # fmt: skip
async def test_a_cancelled_run_ends_with_an_event_and_its_webhook(
    world: World, shop: Tenant, path: str
) -> None:
    hook = world.receiver.url(f"ok200/{shop.namespace}")
    run_id = (await shop.post("/v1/run/tasks", {"prompt": "buy", "webhook_url": hook}))["run_id"]
    answer = await shop.post(path.format(run_id))
    assert answer["status"] == "canceled"
    assert (await shop.delivery(run_id, state="delivered"))["webhook_url"] == hook
    [event] = (await shop.get("/v1/events", params={"run_id": run_id}))["items"]
    assert (event["status"], event["final"], event["origin"]) == ("canceled", True, "gateway")
    [request] = [r for r in world.receiver.log if str(shop.namespace) in r.path]
    stored = await shop.call("GET", f"/v1/events/{event['id']}/body")
    assert request.body == stored.body
    assert stored.json()["status"] == "canceled"
    assert stored.json()["run_request"]["prompt"] == "buy"
    again = await shop.post(path.format(run_id))
    assert again["status"] == "canceled"
    assert len((await shop.get("/v1/events", params={"run_id": run_id}))["items"]) == 1


async def test_a_run_that_ended_is_not_cancelled_and_a_later_report_is_an_event(
    shop: Tenant,
) -> None:
    await shop.report("tsk_done")
    reply = await shop.call("POST", "/v1/runs/tsk_done/cancel")
    assert (reply.status, reply.code) == (409, "run_ended")
    run_id = (await shop.post("/v1/run/tasks", {"prompt": "buy"}))["run_id"]
    await shop.post(f"/v1/runs/{run_id}/cancel")
    await shop.report(run_id, "completed")
    events = (await shop.get("/v1/events", params={"run_id": run_id}))["items"]
    assert [event["status"] for event in events] == ["completed", "canceled"]


async def test_cancels_that_come_together_make_one_event(shop: Tenant) -> None:
    run_id = (await shop.post("/v1/run/tasks", {"prompt": "buy"}))["run_id"]
    path = f"/v1/runs/{run_id}/cancel"
    replies = await asyncio.gather(*(shop.call("POST", path) for _ in range(12)))
    assert {reply.status for reply in replies} == {200}
    assert {reply.json()["status"] for reply in replies} == {"canceled"}
    events = (await shop.get("/v1/events", params={"run_id": run_id}))["items"]
    assert [event["status"] for event in events] == ["canceled"]


@pytest.mark.parametrize("slash", ["", "/"])
async def test_many_are_cancelled_at_once(shop: Tenant, slash: str) -> None:
    ids = [(await shop.post("/v1/run/tasks", {"prompt": f"p{n}"}))["run_id"] for n in range(3)]
    await shop.report("tsk_done")
    wanted = [*ids, ids[0], "tsk_done", "tsk_unknown"]
    answer = await shop.post(f"/v1/runs/cancel{slash}", {"run_ids": wanted})
    assert answer["cancelled"] == ids
    assert answer["failed"] == ["tsk_done", "tsk_unknown"]
    assert {f["run_id"]: f["code"] for f in answer["failures"]} == {
        "tsk_done": "run_ended",
        "tsk_unknown": "not_found",
    }


@pytest.mark.parametrize(
    "run_ids", [None, [], "tsk_1", [1], [None], ["\u0000"], ["x"] * 201, {"a": 1}]
)
async def test_odd_lists_of_runs_are_refused(shop: Tenant, run_ids: Any) -> None:
    reply = await shop.call("POST", "/v1/runs/cancel", json={"run_ids": run_ids})
    assert (reply.status, reply.code) == (422, "validation_failed")
