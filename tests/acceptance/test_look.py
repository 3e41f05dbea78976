"""What people on call ask a real gateway: why, what would be sent, does it work, away with the rest."""

import json

from tests.acceptance.harness import Gateway, arrivals, at, report, run_id
from tests.acceptance.manifests import API_KEY, SIGNING_SECRET
from tests.acceptance.signatures import assert_skyvern
from tests.receivers import Receiver


async def test_why_each_subscription_got_it_or_did_not(hooked: Gateway, receiver: Receiver) -> None:
    url = receiver.url("ok200/other")
    hooked.manifests.subscription("failures", url, match={"statuses": ["failed"]})
    hooked.manifests.subscription("asleep", url, suspend=True)
    await hooked.held("asleep", "Suspended")
    event_id = (await hooked.accepted(report(run := run_id())))["event_id"]
    await arrivals(receiver, 1)

    async def explained() -> dict[str, tuple[str, list[str]]]:
        told = await hooked.get(f"/v1/events/{event_id}/explain")
        return {
            one["subscription"]: (one["why"], [d["state"] for d in one["deliveries"]])
            for one in told["subscriptions"]
        }

    hook = (await hooked.deliveries(f"?run_id={run}&subscription=hook"))[0]
    await hooked.delivery_by_id(hook["id"], state="delivered")
    before = await explained()
    assert before == {
        "asleep": ("matched", ["held"]),
        "failures": ("not_matched", []),
        "hook": ("matched", ["delivered"]),
    }
    hooked.kill()
    await hooked.start()
    assert await explained() == before


async def test_a_preview_shows_the_replay_and_sends_nothing(
    hooked: Gateway, receiver: Receiver
) -> None:
    await hooked.accepted(report(run := run_id()))
    await arrivals(receiver, 1)
    await hooked.delivery_of(run, state="delivered")
    path = f"/v1/internal/runs/{run}/test-webhook"
    preview = await hooked.get(path)
    assert preview["headers"]["X-Skyvern-Signature"] == "***"
    assert SIGNING_SECRET not in str(preview)
    assert (json.loads(preview["payload"])["run_id"], preview["status_code"]) == (run, None)
    sent = (await hooked.call("POST", path)).json()
    assert (sent["target_webhook_url"], sent["status_code"]) == (preview["target_webhook_url"], 200)
    assert len(at(receiver)) == 2  # the delivery and the replay


async def test_a_subscription_and_a_url_are_tested(hooked: Gateway, receiver: Receiver) -> None:
    answer = (await hooked.call("POST", "/v1/subscriptions/hook/test")).json()
    assert (answer["status_code"], answer["error"]) == (200, None)
    [request] = await arrivals(receiver, 1)
    assert_skyvern(request)
    assert request.header("x-hookgate-test") == "1"
    asked = {"webhook_url": receiver.url("ok200/mine"), "run_type": "task", "run_id": "tsk_test_1"}
    answer = (await hooked.call("POST", "/api/v1/webhooks/test", json=asked)).json()
    assert answer["status_code"] == 200
    [request] = await arrivals(receiver, 1, path="/ok200/mine")
    assert_skyvern(request, API_KEY)
    inside = {"webhook_url": "http://169.254.169.254/latest", "run_type": "task"}
    reply = await hooked.call("POST", "/v1/internal/test-webhook", json=inside)
    assert (reply.status, reply.json()["status_code"]) == (200, None)
    assert reply.json()["error"]
    assert (await hooked.get("/v1/events"))["items"] == []


async def test_what_waits_is_cancelled_at_once(idle: Gateway, receiver: Receiver) -> None:
    idle.manifests.subscription("asleep", receiver.url("switch/hook"), suspend=True)
    await idle.start()
    for status in ("failed", "failed", "completed"):
        await idle.accepted(report(run_id(), status=status))
    body = {"filter": {"subscription": "asleep", "status": "failed"}}
    path = "/v1/deliveries/cancel"
    counted = await idle.call("POST", path, json={**body, "dry_run": True})
    assert counted.json() == {"matched": 2}
    assert (await idle.call("POST", path, json=body)).json() == {"cancelled": 2}
    idle.kill()
    await idle.start()
    idle.manifests.subscription("asleep", receiver.url("switch/hook"))
    await idle.held("asleep", None)
    await arrivals(receiver, 1)
    states = sorted(item["state"] for item in await idle.deliveries())
    assert states in (
        ["cancelled", "cancelled", "delivered"],
        ["cancelled", "cancelled", "pending"],
    )
    assert len(at(receiver)) == 1


async def test_a_run_tells_of_its_webhook(idle: Gateway, receiver: Receiver) -> None:
    await idle.start()
    asked = {"prompt": "a", "webhook_url": receiver.url("fail-then-ok/own?status=503")}
    run = (await idle.call("POST", "/v1/run/tasks", json=asked)).json()["run_id"]
    assert (await idle.get(f"/v1/runs/{run}"))["webhook_delivery"] is None
    await idle.accepted(report(run))
    await idle.delivery_of(run, state="pending", attempts=1)
    shown = await idle.get(f"/v1/runs/{run}")
    told = shown["webhook_delivery"]
    assert (told["state"], told["attempts"], told["last_status_code"]) == ("pending", 1, 503)
    assert told["next_attempt_at"]
    assert "503" in shown["webhook_failure_reason"]
    assert (await idle.call("POST", f"/v1/runs/{run}/retry_webhook")).json()["status_code"] == 200
    shown = await idle.get(f"/v1/runs/{run}")
    assert (shown["webhook_delivery"]["state"], shown["webhook_failure_reason"]) == ("delivered", None)  # fmt: skip
