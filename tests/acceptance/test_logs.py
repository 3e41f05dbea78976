"""The log after an eventful hour: every line an event, and no secret or payload in any of them."""

import asyncio
import json

from tests.acceptance.harness import API_KEY, Gateway, arrivals, leaks, report, run_id
from tests.acceptance.manifests import SIGNING_SECRET, secret, source, subscription
from tests.receivers import Receiver

PAYLOAD_WORD = "payload-word-of-nobodys-business"
HEADER_SECRET = "header-secret-of-nobodys-business"
QUERY_TOKEN = "query-token-of-nobodys-business"
SOURCE_KEY = "source-key-of-nobodys-business"
STRANGER_KEY = "strangers-key-of-nobodys-business"


async def test_no_secret_and_no_payload_in_any_line(idle: Gateway, receiver: Receiver) -> None:
    header = {"name": "x-token", "valueFrom": {"secretKeyRef": {"name": "token", "key": "t"}}}
    idle.manifests.write("token", secret("token", t=HEADER_SECRET))
    idle.manifests.write("source", source("upstream", SOURCE_KEY))
    for name, path in (
        ("good", "ok200/good"),
        ("bad", "ok200/bad?status=500&"),
        ("odd", "garbage?"),
    ):
        url = receiver.url(f"{path}{'' if path.endswith(('?', '&')) else '?'}token={QUERY_TOKEN}")
        options = {"retry": (1,), "endpoint": {"headers": [header]}}
        idle.manifests.write(f"sub-{name}", subscription(name, url, **options))
    await idle.start()
    run = run_id()
    await idle.accepted(report(run, output={"word": PAYLOAD_WORD}))
    await arrivals(receiver, 1, "/ok200/good")
    await arrivals(receiver, 2, "/ok200/bad")
    await _misbehave(idle)
    idle.manifests.text("token", f"kind: Secret\nstringData: [{HEADER_SECRET}\n")
    for pid in idle.writer_pids():
        assert pid
    assert await idle.stop() == 0
    assert idle.log()
    words = (PAYLOAD_WORD, HEADER_SECRET, QUERY_TOKEN, SOURCE_KEY, STRANGER_KEY)
    assert leaks(idle.log_text(), *words, API_KEY, SIGNING_SECRET) == []
    assert "Traceback" not in idle.log_text()


async def test_a_stop_and_a_start_are_told(hooked: Gateway) -> None:
    assert await hooked.stop() == 0
    events = [line["event"] for line in hooked.log()]
    assert "listening" in events
    assert len(events) == len([line for line in hooked.log() if "timestamp" in line])


async def _misbehave(gateway: Gateway) -> None:
    """Everything a stranger can throw at the front door."""
    bad = json.dumps({"run_id": 1, "secret": PAYLOAD_WORD}).encode()
    for data in (bad, bad[:-5], PAYLOAD_WORD.encode()):
        assert (await gateway.post("/v1/events", data)).status >= 400
    stranger = await gateway.call("GET", "/v1/runs", key=STRANGER_KEY)
    assert stranger.status == 403
    signature = {"X_Skyvern_Signature": f"sha256={STRANGER_KEY}", "X_Skyvern_Timestamp": "1"}
    refused = await gateway.post("/v1/ingest/default/upstream", bad, key=None, **signature)
    assert refused.status == 401
    broken = f"GET /v1/runs?{QUERY_TOKEN} HTTP/9.9\r\nx-api-key: {STRANGER_KEY}\r\n\r\n"
    await _raw(gateway.port, broken.encode())
    await _raw(gateway.port, b"\x16\x03\x01" + STRANGER_KEY.encode() + b"\r\n\r\n")


async def _raw(port: int, data: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(data)
    await asyncio.wait_for(reader.read(), 10)
    writer.close()
    await writer.wait_closed()
