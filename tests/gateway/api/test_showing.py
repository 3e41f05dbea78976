"""Large payloads that clients are shown: only so many bytes at once, and small ones always."""

import json
import tracemalloc
from pathlib import Path

import pytest

from hookgate_gateway.api.errors import Refusal
from hookgate_gateway.api.showing import Showing, parsed_size
from tests.gateway.api.world import open_world

KIB = 1024
ASKING = {
    "/v1/run/workflows": {"workflow_id": "wpid_1"},
    "/api/v1/workflows/wpid_1/run": {},
    "/v1/runs/cancel": {"run_ids": ["tsk_small"]},
    "/v1/replays": {"filter": {}},
    "/v1/deliveries/cancel": {"filter": {}},
    "/v1/runs/tsk_small/retry_webhook": {},
}
"""Whatever else takes a body that is parsed."""


def test_there_is_room_for_so_many_bytes_and_for_one_payload_of_any_size():
    showing = Showing(300 * KIB)
    with showing.room(200 * KIB), showing.room(100 * KIB), showing.room(64 * KIB):
        with pytest.raises(Refusal) as refused, showing.room(65 * KIB):
            pytest.fail("there was room")
        assert (refused.value.status, refused.value.code) == (503, "overloaded")
    with showing.room(1000 * KIB):
        assert not showing.hold(65 * KIB)
    assert showing.hold(300 * KIB)


@pytest.mark.parametrize(
    "body",
    [b'["%b"]' % (b"x" * 90_000), b"[%b0]" % (b"{}," * 30_000), b"[%b0]" % (b"1.5," * 30_000)],
)
def test_what_a_body_becomes_is_known_before_it_is_parsed(body: bytes) -> None:
    tracemalloc.start()
    try:
        document = json.loads(body)
        parsed, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert document
    assert len(body) + parsed * 0.7 < parsed_size(body) < (len(body) + parsed) * 2.5


async def test_whoever_asks_for_a_large_payload_meanwhile_comes_again(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        shop = await world.tenant()
        large = await shop.report("tsk_large", output="x" * 100_000)
        small = await shop.report("tsk_small")
        showing = world.services.showing
        assert showing.hold(1 << 30)
        for path in ("/v1/runs/tsk_large", f"/v1/events/{large['event_id']}/explain"):
            reply = await shop.call("GET", path)
            assert (reply.status, reply.code) == (503, "overloaded"), path
            assert reply.headers["Retry-After"] == "1"
        for more in ({"x": "x" * 100_000}, {"x": [{}] * 1000}):
            reply = await shop.call("POST", "/v1/run/tasks", json={"prompt": "buy", **more})
            assert (reply.status, reply.code) == (503, "overloaded")
        for path, asked in ASKING.items():
            reply = await shop.call("POST", path, json={**asked, "x": "x" * 100_000})
            assert (reply.status, reply.code) == (503, "overloaded"), path
        await shop.post("/v1/run/tasks", {"prompt": "buy"})
        for path in ("/v1/runs/tsk_small", f"/v1/events/{small['event_id']}/explain", "/v1/events"):
            await shop.get(path)
        showing.release(1 << 30)
        for path in ("/v1/runs/tsk_large", f"/v1/events/{large['event_id']}/explain"):
            await shop.get(path)
        assert showing.hold(1 << 30), "everything was given back"
