"""A running gateway and clients that speak broken HTTP: no 5xx, no stack trace, and it goes on answering."""

import asyncio
import base64
import contextlib
import os
import random
import re
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path

import pytest
import pytest_asyncio
from yarl import URL

from tests.acceptance.harness import Gateway, gateway, report
from tests.acceptance.manifests import API_KEY

pytestmark = [pytest.mark.acceptance, pytest.mark.asyncio(loop_scope="module")]

BODY = b'{"run_id": "tsk_raw", "status": "completed"}'
PATHS = [
    b"/v1/events",
    b"/v1/runs",
    b"/v1/run/tasks",
    b"/v1/ingest/default/skyvern",
    b"/v1/deliveries?limit=3",
]
PATHS += [
    b"/openapi.json",
    b"/v1/heartbeat",
    b"*",
    b"http://a.example/v1/runs",
    b"//",
    b"/%00",
    b"/v1/runs/%ff%2e%2e/",
]
METHODS = [
    b"GET",
    b"POST",
    b"PUT",
    b"HEAD",
    b"OPTIONS",
    b"CONNECT",
    b"PRI",
    b"G\x00T",
    b"\x80",
    b"get",
    b"X" * 9000,
]
VERSIONS = [
    b"HTTP/1.1",
    b"HTTP/1.0",
    b"HTTP/2.0",
    b"HTTP/0.9",
    b"HTTP/1.1 x",
    b"",
    b"HTTP/99999999999.1",
]
HEADERS = [
    *(b"Content-Length: 44", b"Content-Length: -1", b"Content-Length: 4, 4", b"Content-Length: 0x2c", b"Content-Length: 99999999999999999999"),
    *(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked, chunked", b"Transfer-Encoding:\x0bchunked", b"Transfer-Encoding: gzip"),
    *(b"Content-Encoding: br", b"Content-Encoding: gzip", b"Expect: 100-continue", b"Expect: something", b"Upgrade: websocket"),
    *(b"Connection: upgrade", b"Connection: close", b"Sec-WebSocket-Version: 13", b"Sec-WebSocket-Key: x", b"Content-Type: multipart/form-data"),
    *(b"Host:", b"Host: a\x00b", b"Host: a, b", b"X : y", b" folded: z", b"no colon", b": no name", b"X: \xff\xfe", b"X: " + b"z" * 9000),
    *(b"Cookie: " + b"a=b;" * 500, b"Range: bytes=0-0,-1", b"If-None-Match: *", b"x-api-key: wrong", b"Idempotency-Key: \x01"),
]  # fmt: skip
BODIES = [
    *(b"", BODY, BODY[:20], BODY * 3, b"\x1f\x8b\x08\x00garbage", b"[" * 3000, b'{"a":' * 3000),
    *(b"2c\r\n" + BODY + b"\r\n0\r\n\r\n", b"zz\r\n" + BODY, b"-1\r\n", b"FFFFFFFFFFFFFFFFF\r\nx", b"5;ext=\x00\r\nhello\r\n0\r\n\r\n"),
    *(b"2c\n" + BODY + b"\n0\n\n", b"2c\r\n" + BODY + b"\r\n0\r\nTrailer: x\r\nContent-Length: 9\r\n\r\n", b"0" * 5000 + b"1\r\nx\r\n0\r\n\r\n"),
]  # fmt: skip
GARBAGE = [b"\x16\x03\x01\x02\x00\x01", b"\x00" * 300, b"SSH-2.0-x\r\n", b"\r\n" * 2000, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"GET / HTTP/1.1\n\n"]  # fmt: skip

CONVERSATIONS = 400
AT_ONCE = 48
SILENCE = 0.25
"""Seconds after which a client thinks that no more comes."""


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="running")
async def _running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Gateway]:
    home: Path = tmp_path_factory.mktemp("broken-http")
    async with gateway(home) as it:
        await it.start()
        yield it


def one_request(chance: random.Random) -> bytes:
    """A request with a few things wrong in it, with a good key more often than not."""
    line = b" ".join([chance.choice(METHODS[:2] * 4 + METHODS), chance.choice(PATHS), chance.choice(VERSIONS[:1] * 6 + VERSIONS)])  # fmt: skip
    headers = chance.sample(HEADERS, chance.randint(0, 4))
    if chance.random() < 0.7:
        headers.append(b"x-api-key: " + API_KEY.encode())
    if chance.random() < 0.5:
        headers.append(b"Host: 127.0.0.1")
    if chance.random() < 0.2:
        headers += [b"X-%d: y" % n for n in range(chance.choice([10, 150, 2000]))]
    end = chance.choice([b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r"])
    return end.join([line, *headers]) + end * 2 + chance.choice(BODIES)


def conversation(chance: random.Random) -> list[bytes]:
    """What a client sends, in pieces: garbage, or requests one behind the other without waiting."""
    if chance.random() < 0.15:
        data = chance.choice(GARBAGE)
    else:
        data = b"".join(one_request(chance) for _ in range(chance.choice([1, 1, 1, 2, 5, 40])))
    if chance.random() < 0.3:
        at = chance.randrange(len(data))
        data = data[:at] + chance.randbytes(chance.randint(0, 4)) + data[at + 1 :]
    places = sorted(
        {0, len(data), *(chance.randrange(len(data)) for _ in range(chance.randint(0, 3)))}
    )
    return [data[a:b] for a, b in pairwise(places)]


async def converse(port: int, pieces: list[bytes], *, hurried: bool) -> bytes:
    """Send the pieces and read until nothing more comes; who is hurried leaves without reading."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answered = b""
    with contextlib.suppress(OSError):
        for piece in pieces:
            writer.write(piece)
        with contextlib.suppress(TimeoutError):
            while not hurried:
                async with asyncio.timeout(SILENCE):
                    data = await reader.read(65536)
                if not data:
                    break
                answered += data
    writer.transport.abort()
    return answered


def statuses(answered: bytes) -> list[int]:
    return [int(code) for code in re.findall(rb"(?:^|\r\n\r\n|\})HTTP/1\.[01] (\d{3}) ", answered)]


@pytest.mark.timeout(240)
@pytest.mark.parametrize("seed", range(int(os.environ.get("FUZZ_SEEDS", "3"))))
async def test_broken_http_breaks_nothing(running: Gateway, seed: int) -> None:
    chance = random.Random(seed)
    process = running.process
    room = asyncio.Semaphore(AT_ONCE)

    async def client() -> tuple[list[bytes], bytes]:
        pieces = conversation(chance)
        async with room:
            return pieces, await converse(running.port, pieces, hurried=chance.random() < 0.1)

    spoken = await asyncio.gather(*(client() for _ in range(CONVERSATIONS)))
    for pieces, answered in spoken:
        failed = [code for code in statuses(answered) if code >= 500 and code != 501]
        assert not failed, (failed, b"".join(pieces)[:2000], answered[:2000])
        assert b"Traceback" not in answered
    assert sum(bool(statuses(answered)) for _, answered in spoken) > CONVERSATIONS / 2
    assert (await running.accepted(report()))["run_id"]
    assert running.process is process
    assert "Traceback" not in running.log_text()
    assert [line for line in running.log() if line.get("level") in ("error", "critical")] == []


@pytest.mark.parametrize(
    "path",
    ["/v1/events", "/v1/run/tasks", "/v1/run/workflows", "/v1/replays", "/v1/deliveries/cancel", "/v1/runs/cancel"],
)  # fmt: skip
@pytest.mark.parametrize("depth", [200, 300, 700, 1000, 100_000])
async def test_no_depth_of_a_body_is_a_failure_of_ours(
    running: Gateway, path: str, depth: int
) -> None:
    for opening, closing in ((b"[", b"]"), (b'{"a":', b"}")):
        deep = opening * depth + b"1" + closing * depth
        run = b"tsk_deep_%d_%d" % (depth, len(opening))
        body = (
            b'{"run_id": "%b", "status": "completed", "prompt": "p", "workflow_id": "w", "run_ids": %b,'
            b' "filter": %b, "parameters": %b, "x": %b, "y": 99999999999999999999}'
        ) % (run, deep, deep, deep, deep)
        for sent in (deep, body, body.replace(b'"parameters"', b'"data"')):
            reply = await running.post(path, sent)
            assert reply.status < 500, (reply.status, reply.body[:300])


CURSORS = [b"[]", b"[1]", b'["x"]', b'[1e308,"x"]', b'[-1e308,""]', b'[1.5,"\\u0000"]', b'["' + b"z" * 2000 + b'"]', b"[null]", b"\xff"]  # fmt: skip
WORDS = ["", "%00", "%ff", "٣", "1e999", "-1", "0", "9" * 40, "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00%2B23:59", "2024-02-30", "'--", "*", "x" * 600]  # fmt: skip
PARAMETERS = ["limit", "page", "page_size", "cursor", "state", "subscription", "run_id", "outcome", "since", "until", "status", "run_type", "search_key"]  # fmt: skip
LISTS = ["/v1/runs", "/v1/deliveries", "/v1/events", "/v1/subscriptions", "/v1/replays"]


@pytest.mark.parametrize("path", LISTS)
async def test_any_query_has_an_answer(running: Gateway, path: str) -> None:
    await running.accepted(report())
    queries = [f"{name}={word}" for name in PARAMETERS for word in WORDS]
    queries += [f"cursor={base64.urlsafe_b64encode(inside).decode().rstrip('=')}" for inside in CURSORS]  # fmt: skip
    for query in queries:
        url = URL(running.url(f"{path}?{query}"), encoded=query.isascii())
        reply = await running.fetch("GET", str(url), headers={"x-api-key": API_KEY})
        assert reply.status < 500, (query, reply)


@pytest.mark.parametrize("depth", [200, 300, 700, 1000])
async def test_a_deep_report_can_be_looked_at(running: Gateway, depth: int) -> None:
    run = f"tsk_looked_at_{depth}"
    deep = b"[" * depth + b"NaN" + b"]" * depth
    body = b'{"run_id": "%b", "status": "completed", "output": %b}' % (run.encode(), deep)
    reply = await running.post("/v1/events", body)
    assert reply.status in (202, 400), reply
    if reply.status == 202:
        event = reply.json()["event_id"]
        assert (await running.call("GET", f"/v1/events/{event}/body")).body == body
        for path in (
            f"/v1/runs/{run}",
            "/v1/runs",
            f"/v1/events/{event}",
            f"/v1/events/{event}/explain",
        ):
            shown = await running.call("GET", path)
            assert shown.status == 200, (path, shown.status, shown.body[:300])
