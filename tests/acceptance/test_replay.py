"""Replay sends the same bytes again, under the same event id, freshly signed."""

import pytest

from tests.acceptance.harness import Gateway, arrivals, at, report, run_id
from tests.acceptance.manifests import API_KEY
from tests.acceptance.signatures import assert_skyvern
from tests.receivers import Receiver

ODD = (
    b'{ "run_id" : "tsk_odd", "status":"completed","run_type":"task_v2",'
    b' "nan": NaN, "inf":-Infinity, "big": 123456789012345678901234567890, "e": 1.0E+2,'
    b'\t"esc": "\\u00e9\\ud83d\\ude00\\/", "raw": "\xc3\xa9\xf0\x9f\x98\x80", "dup": 1, "dup": 2 }\r\n '
)


async def test_a_delivery_is_replayed_with_the_same_bytes(
    hooked: Gateway, receiver: Receiver
) -> None:
    await hooked.accepted(ODD)
    await arrivals(receiver, 1)
    original = await hooked.delivery_of("tsk_odd", state="delivered")
    reply = await hooked.call("POST", f"/v1/deliveries/{original['id']}/replay")
    assert reply.status in (200, 201, 202), reply
    first, second = await arrivals(receiver, 2)
    assert first.body == second.body == ODD
    assert second.header("x-hookgate-replay") == "1"
    assert second.header("x-hookgate-event-id") == first.header("x-hookgate-event-id")
    assert second.header("x-hookgate-delivery-id") != first.header("x-hookgate-delivery-id")
    assert_skyvern(second)
    stored = await hooked.call("GET", f"/v1/events/{first.header('x-hookgate-event-id')}/body")
    assert stored.body == ODD


@pytest.mark.parametrize(
    "route",
    [
        "/api/v1/runs/{}/webhook/replay",
        "/v1/runs/{}/retry_webhook",
        "/v1/internal/runs/{}/test-webhook/",
    ],
)
async def test_a_run_is_replayed_and_the_answer_says_how_it_went(
    hooked: Gateway, receiver: Receiver, route: str
) -> None:
    await hooked.accepted(report(run := run_id()))
    [first] = await arrivals(receiver, 1)
    reply = await hooked.call("POST", route.format(run))
    assert reply.status == 200, reply
    answer = reply.json()
    assert answer["run_id"] == run
    assert answer["status_code"] == 200
    assert answer["error"] is None
    assert answer["response_body"] == "ok"
    [_, second] = await arrivals(receiver, 2)
    assert second.body == first.body
    assert_skyvern(second)


async def test_a_run_is_replayed_elsewhere_signed_with_the_callers_key(
    hooked: Gateway, receiver: Receiver
) -> None:
    await hooked.accepted(report(run := run_id()))
    await arrivals(receiver, 1)
    elsewhere = receiver.url("ok200/elsewhere")
    reply = await hooked.call(
        "POST",
        f"/api/v1/runs/{run}/webhook/replay",
        json={"override_webhook_url": elsewhere},
    )
    assert reply.status == 200, reply
    assert reply.json()["target_webhook_url"] == elsewhere
    [request] = at(receiver, "/ok200/elsewhere")
    assert request.header("x-hookgate-replay") == "1"
    assert_skyvern(request, API_KEY)
    assert API_KEY not in reply.body.decode()


async def test_what_cannot_be_replayed_is_told(hooked: Gateway, receiver: Receiver) -> None:
    unknown = await hooked.call("POST", "/api/v1/runs/tsk_unknown/webhook/replay")
    assert unknown.status == 404
    created = await hooked.call(
        "POST", "/v1/run/tasks", json={"prompt": "buy", "url": "https://shop.example.com"}
    )
    run = created.json()["run_id"]
    pending = await hooked.call("POST", f"/api/v1/runs/{run}/webhook/replay")
    assert pending.status == 409


async def test_a_failed_replay_is_an_answer(hooked: Gateway, receiver: Receiver) -> None:
    await hooked.accepted(report(run := run_id()))
    await arrivals(receiver, 1)
    receiver.script["hook"] = "close"
    reply = await hooked.call("POST", f"/v1/runs/{run}/retry_webhook")
    assert reply.status == 200
    assert reply.json()["status_code"] is None
    assert reply.json()["error"]
