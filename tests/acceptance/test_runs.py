"""Runs by both dialects, their own webhooks, cancelling, lists, and tenants that see nothing of each other."""

import json

import pytest

from tests.acceptance.harness import Gateway, arrivals, at, eventually, report, run_id
from tests.acceptance.manifests import API_KEY
from tests.acceptance.signatures import assert_skyvern
from tests.receivers import Receiver

OTHER_KEY = "key-of-another-tenant-0123456789"


@pytest.mark.parametrize(
    ("route", "body", "run_type"),
    [
        ("/api/v1/tasks", {"prompt": "buy", "webhook_url": None}, "task_v2"),
        ("/v1/run/tasks", {"prompt": "buy", "engine": "skyvern-1.0", "webhook_url": None}, "task_v1"),
        ("/v1/run/workflows", {"workflow_id": "wpid_1", "webhook_url": None}, "workflow_run"),
        ("/api/v1/workflows/wpid_1/run", {"webhook_callback_url": None}, "workflow_run"),
    ],
)  # fmt: skip
async def test_a_runs_own_webhook_is_signed_with_the_key_that_created_it(
    idle: Gateway, receiver: Receiver, route: str, body: dict[str, object], run_type: str
) -> None:
    await idle.start()
    url = receiver.url("ok200/own")
    asked = {name: url if value is None else value for name, value in body.items()}
    created = await idle.call("POST", route, json=asked)
    assert created.status == 200, created
    run = created.json()["run_id"]
    assert created.json()["run_type"] == run_type
    await idle.accepted(report(run, run_type=run_type))
    [request] = await arrivals(receiver, 1, "/ok200/own")
    assert_skyvern(request, API_KEY)

    async def told() -> bool:
        shown = await idle.get(f"/api/v1/runs/{run}")
        return bool(shown["status"] == "completed" and shown["webhook_failure_reason"] is None)

    await eventually(told)
    listed = (await idle.call("GET", "/v1/runs")).json()
    assert [item["run_id"] for item in listed] == [run]


async def test_a_failing_own_webhook_is_the_runs_webhook_failure_reason(
    idle: Gateway, receiver: Receiver
) -> None:
    await idle.start()
    asked = {"prompt": "buy", "webhook_url": receiver.url("ok200?status=500")}
    run = (await idle.call("POST", "/api/v1/tasks", json=asked)).json()["run_id"]
    await idle.accepted(report(run))

    async def reason() -> str:
        return str((await idle.get(f"/v1/runs/{run}"))["webhook_failure_reason"] or "")

    assert "500" in await eventually(reason)


async def test_cancelling_a_run_sends_its_webhook(hooked: Gateway, receiver: Receiver) -> None:
    created = await hooked.call("POST", "/v1/run/tasks", json={"prompt": "buy"})
    run = created.json()["run_id"]
    assert (await hooked.call("POST", f"/v1/runs/{run}/cancel")).status == 200
    [request] = await arrivals(receiver, 1)
    assert b'"canceled"' in request.body
    assert (await hooked.get(f"/v1/runs/{run}"))["status"] == "canceled"


async def test_a_cancelled_delivery_is_never_sent(hooked: Gateway, receiver: Receiver) -> None:
    url = receiver.url("switch/hook")
    hooked.manifests.subscription("hook", url, suspend=True)
    await hooked.held("hook", "Suspended")
    await hooked.accepted(report(first := run_id()))
    await hooked.accepted(report(second := run_id()))
    delivery = await hooked.delivery_of(first, state="held")
    reply = await hooked.call("POST", f"/v1/deliveries/{delivery['id']}/cancel")
    assert reply.status == 200, reply
    hooked.manifests.subscription("hook", url)
    await hooked.delivery_of(second, state="delivered")
    assert (await hooked.delivery_of(first))["state"] == "cancelled"
    assert len(at(receiver)) == 1


async def test_a_report_seen_before_is_answered_and_not_delivered_again(
    hooked: Gateway, receiver: Receiver
) -> None:
    body = report(run_id())
    first = await hooked.accepted(body)
    again = await hooked.report(body)
    assert again.status == 200
    assert again.json()["duplicate"] is True
    assert again.json()["event_id"] == first["event_id"]
    other = await hooked.accepted({**body, "output": {"price": 1}})
    assert other["event_id"] != first["event_id"]
    assert len(await arrivals(receiver, 2)) == 2


async def test_interim_reports_go_to_those_who_ask(idle: Gateway, receiver: Receiver) -> None:
    idle.manifests.subscription("final", receiver.url("ok200/final"))
    idle.manifests.subscription("all", receiver.url("ok200/all"), match={"interim": True})
    await idle.start()
    run = run_id()
    await idle.accepted(report(run, status="running"))
    await arrivals(receiver, 1, "/ok200/all")
    await idle.accepted(report(run, status="failed", retry_pending=True))
    await idle.accepted(report(run))
    await arrivals(receiver, 1, "/ok200/final")
    assert len(at(receiver, "/ok200/final")) == 1


async def test_tenants_see_nothing_of_each_other(hooked: Gateway, receiver: Receiver) -> None:
    hooked.manifests.api_key("other", OTHER_KEY)
    hooked.manifests.subscription("hook-other", receiver.url("ok200/other"), namespace="other")

    async def other_may() -> bool:
        return (await hooked.call("GET", "/v1/deliveries", key=OTHER_KEY)).status == 200

    await eventually(other_may)
    accepted = await hooked.accepted(report(run := run_id()))
    delivery = await hooked.delivery_of(run, state="delivered")
    for path in (
        f"/v1/runs/{run}",
        f"/v1/events/{accepted['event_id']}",
        f"/v1/events/{accepted['event_id']}/body",
        f"/v1/deliveries/{delivery['id']}",
        "/v1/subscriptions/hook",
    ):
        assert (await hooked.call("GET", path)).status == 200, path
        assert (await hooked.call("GET", path, key=OTHER_KEY)).status == 404, path
    for path in (
        f"/v1/deliveries/{delivery['id']}/replay",
        f"/v1/deliveries/{delivery['id']}/cancel",
        f"/api/v1/runs/{run}/webhook/replay",
        f"/v1/runs/{run}/cancel",
        "/v1/subscriptions/hook/resume",
    ):
        assert (await hooked.call("POST", path, key=OTHER_KEY)).status == 404, path
    assert await hooked.deliveries(key=OTHER_KEY) == []
    assert not at(receiver, "/ok200/other")


@pytest.mark.parametrize("key", [None, "wrong", "key-nobody-ever-handed-out-0123"])
async def test_without_a_key_nothing_is_told(idle: Gateway, key: str | None) -> None:
    await idle.start()
    for method, path in (("GET", "/v1/runs"), ("POST", "/v1/events"), ("GET", "/v1/events/evt_x")):
        reply = await idle.call(method, path, key=key)
        assert (reply.status, reply.json()["detail"]) == (403, "Invalid credentials")


async def test_reports_of_megabytes_arrive_whole(hooked: Gateway, receiver: Receiver) -> None:
    text = {"text": "é" * 2_500_000}
    body = json.dumps(report(run := run_id(), output=text), ensure_ascii=False).encode()
    await hooked.accepted(body)
    [request] = await arrivals(receiver, 1)
    assert request.body == body
    assert_skyvern(request)
    await hooked.delivery_of(run, state="delivered")


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{", {}, 400),
        (b"[]", {}, 422),
        (b'{"status": "completed"}', {}, 422),
        (b"{}", {"Content_Encoding": "gzip"}, 415),
        (b"{}", {"Content_Encoding": "br"}, 415),
        (b"{}", {"Content_Type": "text/plain"}, 415),
        (b'{"a": "' + b"x" * 9_000_000 + b'"}', {}, 413),
    ],
)
async def test_bad_reports_are_refused_in_one_sentence(
    hooked: Gateway, receiver: Receiver, body: bytes, headers: dict[str, str], status: int
) -> None:
    reply = await hooked.post("/v1/events", body, **headers)
    assert reply.status == status, reply
    assert reply.json()["detail"]
    assert "Traceback" not in hooked.log_text()
    assert not receiver.log
