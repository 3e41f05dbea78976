"""Reports in: by API key, and by signature."""

import asyncio
import hashlib
import hmac
import json
from typing import Any

import pytest

from tests.gateway.api.world import MAX_BODY, Tenant, World

pytestmark = pytest.mark.asyncio(loop_scope="module")

JSON = {"Content-Type": "application/json"}
REPORT = {"run_id": "tsk_1", "status": "completed", "run_type": "task_v2"}


@pytest.mark.parametrize("path", ["/v1/events", "/v1/events/"])
async def test_accepted_once_and_known_after(shop: Tenant, path: str) -> None:
    first = await shop.call("POST", path, json=REPORT)
    again = await shop.call("POST", path, json=REPORT)
    other = await shop.call("POST", path, json={**REPORT, "output": 1})
    assert [first.status, again.status, other.status] == [202, 200, 202]
    assert first.json() == {
        "event_id": first.json()["event_id"],
        "run_id": "tsk_1",
        "deliveries": 0,
        "duplicate": False,
    }
    assert again.json() == {**first.json(), "duplicate": True}
    assert first.headers["Content-Type"] == "application/json"
    assert first.headers["Server"] == "hookgate"


BYTES = (
    b' {"run_id":"tsk_b", "status" : "completed","n":NaN,"i":-Infinity,\n'
    b'"big":123456789012345678901234567890,"s":"\\ud800","u":"\xc3\xa9","e":1.0E+2}\r\n'
)


async def test_the_bytes_stay_as_they_came(shop: Tenant) -> None:
    accepted = await shop.call("POST", "/v1/events", data=BYTES, headers=JSON)
    assert accepted.status == 202
    body = await shop.call("GET", f"/v1/events/{accepted.json()['event_id']}/body")
    assert body.body == BYTES
    assert body.headers["Content-Type"] == "application/json"
    shown = await shop.get("/v1/runs/tsk_b")
    assert shown["status"] == "completed"


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        (b"", JSON, 400, "invalid_json"),
        (b"{", JSON, 400, "invalid_json"),
        (b"\xff\xfe{\x00}\x00", JSON, 400, "invalid_json"),
        (b'{"run_id": "a\xff", "status": "completed"}', JSON, 400, "invalid_json"),
        (b"[" * 200_000, JSON, 400, "invalid_json"),
        (b'{"a":' * 100_000, JSON, 400, "invalid_json"),
        (b'{"n":' + b"9" * 10_000 + b',"x":NaN}', JSON, 400, "invalid_json"),
        (b"[]", JSON, 422, "validation_failed"),
        (b"null", JSON, 422, "validation_failed"),
        (b"7", JSON, 422, "validation_failed"),
        (b"{}", JSON, 422, "validation_failed"),
        (b'{"run_id": 5, "status": "completed"}', JSON, 422, "validation_failed"),
        (b'{"run_id": "a\\u0000", "status": "completed"}', JSON, 422, "validation_failed"),
        (b'{"run_id": "a", "status": ["completed"]}', JSON, 422, "validation_failed"),
        (b'{"run_id": "\\ud800", "status": "x"}', JSON, 422, "validation_failed"),
        (b"{}", {"Content-Type": "text/plain"}, 415, "unsupported_media_type"),
        (b"a=1", {"Content-Type": "application/x-www-form-urlencoded"}, 415, "unsupported_media_type"),
        (b"{}", {**JSON, "Content-Encoding": "gzip"}, 415, "unsupported_encoding"),
        (b"{}", {**JSON, "Content-Encoding": "br"}, 415, "unsupported_encoding"),
        (b"{}", {**JSON, "Content-Encoding": "zstd, gzip"}, 415, "unsupported_encoding"),
        (b"x" * (MAX_BODY + 1), JSON, 413, "body_too_large"),
    ],
)  # fmt: skip
async def test_what_is_refused_says_why(
    shop: Tenant, body: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    reply = await shop.call("POST", "/v1/events", data=body, headers=headers)
    assert (reply.status, reply.code) == (status, code)
    assert reply.json()["detail"]
    if status == 422:
        assert {*reply.json()["detail"][0]} == {"loc", "msg", "type"}
    assert (await shop.get("/v1/events"))["items"] == []
    facts = {"namespace": shop.namespace, "run_type": "other", "status": "other"}
    counted = shop.world.observer.registry.get_sample_value(
        "hookgate_webhooks_received_total", {**facts, "result": "rejected"}
    )
    assert counted == 1


@pytest.mark.parametrize(
    "kind", ["application/json; charset=utf-8", "Application/JSON", "application/problem+json"]
)
async def test_json_by_any_of_its_names(shop: Tenant, kind: str) -> None:
    data = json.dumps(REPORT).encode()
    reply = await shop.call("POST", "/v1/events", data=data, headers={"Content-Type": kind})
    assert reply.status == 202


async def test_identity_is_no_encoding(shop: Tenant) -> None:
    headers = {**JSON, "Content-Encoding": "identity"}
    data = json.dumps(REPORT).encode()
    assert (await shop.call("POST", "/v1/events", data=data, headers=headers)).status == 202


async def _chunks(body: bytes, size: int) -> Any:
    for start in range(0, len(body), size):
        yield body[start : start + size]


async def test_chunked_bodies_are_read_whole_and_no_further_than_the_limit(shop: Tenant) -> None:
    body = json.dumps({**REPORT, "output": "x" * 300_000}).encode()
    reply = await shop.call("POST", "/v1/events", data=_chunks(body, 9_999), headers=JSON)
    assert reply.status == 202
    stored = await shop.call("GET", f"/v1/events/{reply.json()['event_id']}/body")
    assert stored.body == body
    large = await shop.call("POST", "/v1/events", data=_chunks(b" " * (MAX_BODY + 9), 65_536), headers=JSON)  # fmt: skip
    assert (large.status, large.code) == (413, "body_too_large")


async def test_a_client_that_expects_a_100_gets_it(shop: Tenant) -> None:
    reply = await shop.call("POST", "/v1/events", json=REPORT, expect100=True)
    assert reply.status == 202
    odd = await shop.call("POST", "/v1/events", json=REPORT, headers={"Expect": "a-miracle"})
    assert (odd.status, odd.code) == (417, "expectation_failed")


async def test_reports_of_many_callers_at_once(shop: Tenant) -> None:
    replies = await asyncio.gather(
        *(shop.call("POST", "/v1/events", json={**REPORT, "run_id": f"r{n}"}) for n in range(50))
    )
    assert {reply.status for reply in replies} == {202}
    assert len({reply.json()["event_id"] for reply in replies}) == 50


# ------------------------------------------------------------------------------------- ingest

KEY = b"key-of-the-skyvern-server"


def signed(body: bytes, prefix: str = "", key: bytes = KEY) -> dict[str, str]:
    signature = prefix + hmac.new(key, body, hashlib.sha256).hexdigest()
    return {**JSON, "X-Skyvern-Signature": signature, "X-Skyvern-Timestamp": "1709294400"}


@pytest.mark.parametrize("prefix", ["", "sha256="])
@pytest.mark.parametrize("slash", ["", "/"])
async def test_a_source_is_known_by_its_signature(
    world: World, shop: Tenant, prefix: str, slash: str
) -> None:
    await shop.source("upstream", KEY)
    path, body = f"/v1/ingest/{shop.namespace}/upstream{slash}", json.dumps(REPORT).encode()
    replies = [
        await world.call("POST", path, data=body, headers=signed(body, prefix)) for _ in range(3)
    ]
    assert [reply.status for reply in replies] == [200, 200, 200]
    assert [reply.json()["duplicate"] for reply in replies] == [False, True, True]
    [event] = (await shop.get("/v1/events"))["items"]
    assert event["origin"] == "source:upstream"


async def test_a_strangers_word_is_not_taken(world: World, shop: Tenant) -> None:
    await shop.source("upstream", KEY)
    path, body = f"/v1/ingest/{shop.namespace}/upstream", json.dumps(REPORT).encode()
    for headers in (JSON, signed(body, key=b"another"), signed(body + b" "), signed(body, "md5=")):
        reply = await world.call("POST", path, data=body, headers=headers)
        assert (reply.status, reply.code) == (401, "invalid_signature")
    for other in ("nobody", "%00", "x" * 600, "%FF%FE"):
        reply = await world.call(
            "POST", f"/v1/ingest/{shop.namespace}/{other}", data=body, headers=signed(body)
        )
        assert reply.status in (401, 404)
    assert (await shop.get("/v1/events"))["items"] == []


async def test_our_own_delivery_is_refused(world: World, shop: Tenant) -> None:
    await shop.source("upstream", KEY)
    body = json.dumps(REPORT).encode()
    reply = await world.call(
        "POST",
        f"/v1/ingest/{shop.namespace}/upstream",
        data=body,
        headers={**signed(body), "X-Hookgate-Delivery-Id": "dlv_1"},
    )
    assert (reply.status, reply.code) == (400, "delivery_loop")


async def test_a_signed_report_that_is_none_is_refused(world: World, shop: Tenant) -> None:
    await shop.source("upstream", KEY)
    reply = await world.call(
        "POST", f"/v1/ingest/{shop.namespace}/upstream", data=b"[]", headers=signed(b"[]")
    )
    assert reply.status == 422
