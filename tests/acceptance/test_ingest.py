"""Webhooks of a Skyvern server coming in, as that server really sends them."""

import hashlib
import hmac
import json
import time

import pytest

from tests.acceptance.harness import Gateway, Reply, arrivals, report, run_id
from tests.acceptance.manifests import source
from tests.receivers import Receiver

KEY = "key-of-the-skyvern-server-012345"


@pytest.fixture(name="fed")
async def _fed(idle: Gateway, receiver: Receiver) -> Gateway:
    idle.manifests.write("source", source("upstream", KEY))
    idle.manifests.subscription("hook", receiver.url("switch/hook"))
    await idle.start()
    return idle


async def _send(
    gateway: Gateway,
    body: bytes,
    prefix: str,
    *,
    key: str = KEY,
    path: str = "/v1/ingest/default/upstream",
    **headers: str,
) -> Reply:
    signature = prefix + hmac.new(key.encode(), body, hashlib.sha256).hexdigest()
    signed = {"X_Skyvern_Signature": signature, "X_Skyvern_Timestamp": "1709294400"}
    return await gateway.post(path, body, key=None, **(signed | headers))


@pytest.mark.parametrize("prefix", ["", "sha256="])
async def test_both_forms_of_the_signature_come_in_and_repeats_are_answered(
    fed: Gateway, receiver: Receiver, prefix: str
) -> None:
    body = json.dumps(report(run_id())).encode()
    replies = [await _send(fed, body, prefix) for _ in range(3)]
    assert {reply.status for reply in replies} == {200}
    [request] = await arrivals(receiver, 1)
    assert request.body == body
    assert await fed.total("hookgate_webhooks_received_total", result="duplicate") == 2


async def test_a_wrong_signature_is_401_and_counted_and_stored_nowhere(
    fed: Gateway, receiver: Receiver
) -> None:
    body = json.dumps(report(run := run_id())).encode()
    assert (await _send(fed, body, "", key="another-key")).status == 401
    assert (await _send(fed, body, "sha512=")).status == 401
    assert (await fed.call("GET", f"/v1/runs/{run}")).status == 404
    assert await fed.total("hookgate_webhooks_received_total", result="rejected") == 2
    assert await fed.total("hookgate_signature_failures_total", source="upstream") == 2
    assert not receiver.log


async def test_a_source_may_ask_for_fresh_timestamps(idle: Gateway, receiver: Receiver) -> None:
    idle.manifests.write("source", source("upstream", KEY, tolerance_seconds="300"))
    await idle.start()
    body = json.dumps(report()).encode()
    assert (await _send(idle, body, "")).status == 401  # its timestamp is of 2024
    now = str(int(time.time()))  # noqa: TID251  # the gateway's clock
    assert (await _send(idle, body, "", X_Skyvern_Timestamp=now)).status == 200


async def test_our_own_delivery_coming_back_is_refused(fed: Gateway, receiver: Receiver) -> None:
    body = json.dumps(report()).encode()
    reply = await _send(fed, body, "", X_Hookgate_Delivery_Id="dlv_0")
    assert 400 <= reply.status < 500
    assert not receiver.log


async def test_an_unknown_source_is_no_different_from_a_wrong_key(fed: Gateway) -> None:
    body = json.dumps(report()).encode()
    unknown = await _send(fed, body, "", path="/v1/ingest/default/nobody")
    wrong = await _send(fed, body, "", key="another-key")
    assert (unknown.status, unknown.body) == (wrong.status, wrong.body)
