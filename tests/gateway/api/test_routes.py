"""What holds for every route: a key, a tenant's own things only, slashes, methods, one shape of errors."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from hookgate_gateway.api.app import public_routes
from hookgate_gateway.api.routing import KeyedRoute, OpenRoute
from tests.gateway.api.world import Tenant, World

pytestmark = pytest.mark.asyncio(loop_scope="module")

OPEN = {"/openapi.json", "/v1/ingest/{namespace}/{source}", "/v1/version", "/api/v1/heartbeat"}
NAMELESS = {
    ("POST", "/v1/events"): 422, ("GET", "/v1/events"): 200, ("GET", "/v1/runs"): 200,
    ("POST", "/v1/run/tasks"): 422, ("POST", "/api/v1/tasks"): 422,
    ("POST", "/v1/run/workflows"): 422, ("POST", "/v1/run/agents"): 422,
    ("POST", "/api/v1/workflows/{workflow_id}/run"): 200, ("POST", "/v1/runs/cancel"): 422,
    ("GET", "/v1/deliveries"): 200, ("GET", "/v1/subscriptions"): 200,
    ("POST", "/api/v1/webhooks/test"): 422, ("POST", "/v1/internal/test-webhook"): 422,
    ("POST", "/api/v1/internal/test-webhook"): 422,
    ("POST", "/v1/replays"): 422, ("GET", "/v1/replays"): 200,
    ("POST", "/v1/deliveries/cancel"): 422,
}  # fmt: skip
"""Routes that name no stored thing, and what they answer to ``{}``."""


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="filled")
async def _filled(world: World) -> AsyncIterator[tuple[Tenant, dict[str, str]]]:
    """A tenant that has one of everything, and the names of it."""
    owner = await world.tenant()
    await owner.subscribe("hook", world.receiver.url("ok200"))
    event_id = (await owner.report("tsk_owned"))["event_id"]
    delivery = await owner.delivery("tsk_owned", state="delivered")
    nothing = {"filter": {"state": "cancelled"}}
    replay = await owner.post("/v1/replays", nothing, 202)
    yield (
        owner,
        {
            "run_id": "tsk_owned",
            "name": "hook",
            "workflow_id": "wpid_1",
            "namespace": str(owner.namespace),
            "source": "upstream",
            "deliveries": delivery["id"],
            "events": event_id,
            "replays": replay["id"],
        },
    )


def filled_in(path: str, names: dict[str, str]) -> str:
    return path.format(**names, id=names.get(path.split("/")[2], ""))


async def test_every_route_asks_for_a_key_but_these(world: World) -> None:
    routes = public_routes(world.services)
    assert {route.path for route in routes if isinstance(route, OpenRoute)} == OPEN
    names = {"run_id": "r", "name": "n", "workflow_id": "w", "deliveries": "d", "events": "e"}
    names["replays"] = "p"
    before = unauthenticated(world)
    asked = 0
    for route in (route for route in routes if isinstance(route, KeyedRoute)):
        for headers in (
            {},
            {"x-api-key": ""},
            {"x-api-key": "wrong"},
            {"x-api-key": "é" * 24},
            {"Authorization": "Bearer wrong"},
            {"Authorization": "Basic wrong"},
        ):
            path = filled_in(route.path, names)
            reply = await world.call(route.method, path, headers=headers, data=b"{}")
            assert reply.status == 403, (route.method, path, headers)
            assert reply.json() == {"detail": "Invalid credentials", "code": "invalid_credentials"}
            asked += 1
    assert unauthenticated(world) - before == asked


def unauthenticated(world: World) -> float:
    name, labels = "hookgate_authentication_failures_total", {"credential": "api_key"}
    count = world.observer.registry.get_sample_value(name, labels)
    assert count is not None
    return count


async def test_either_header_logs_in(world: World, shop: Tenant) -> None:
    for headers in (
        {"X-API-Key": shop.key},
        {"Authorization": f"Bearer {shop.key}"},
        {"authorization": f"bearer  {shop.key} "},
    ):
        assert (await world.call("GET", "/v1/runs", headers=headers)).status == 200


@pytest.mark.parametrize("slash", ["", "/"])
async def test_nobody_sees_or_touches_what_is_anothers(
    world: World, shop: Tenant, filled: tuple[Tenant, dict[str, str]], slash: str
) -> None:
    owner, names = filled
    seen = set()
    for route in public_routes(world.services):
        if not isinstance(route, KeyedRoute):
            continue
        path = filled_in(route.path, names) + slash
        options = {"json": {}} if route.method == "POST" else {}
        reply = await shop.call(route.method, path, **options)
        expected = NAMELESS.get((route.method, route.path), 404)
        assert reply.status == expected, (route.method, path, reply)
        seen.add((route.method, route.path))
        if expected == 404:
            assert reply.code == "not_found"
            unknown = filled_in(route.path, dict.fromkeys(names, "unknown")) + slash
            assert (await shop.call(route.method, unknown, **options)).body == reply.body
        assert b"tsk_owned" not in reply.body
    assert seen >= {*NAMELESS}
    assert (await owner.get("/v1/runs/tsk_owned"))["status"] == "completed"
    assert len((await owner.get("/v1/deliveries"))["items"]) == 1


@pytest.mark.parametrize("slash", ["", "/"])
async def test_the_owner_gets_through_by_every_path(
    world: World, filled: tuple[Tenant, dict[str, str]], slash: str
) -> None:
    owner, names = filled
    for route in public_routes(world.services):
        if isinstance(route, KeyedRoute) and route.method == "GET":
            path = filled_in(route.path, names) + slash
            assert (await owner.call("GET", path)).status == 200, path


@pytest.mark.parametrize("slash", ["", "/"])
async def test_what_anybody_may_know(world: World, slash: str) -> None:
    from hookgate.version import __version__

    version = await world.call("GET", f"/v1/version{slash}")
    assert version.json() == {"version": __version__}
    assert (await world.call("GET", f"/api/v1/heartbeat{slash}")).status == 200


async def test_unknown_paths_and_methods(world: World, shop: Tenant) -> None:
    for path in ("/", "/v1", "/v1/nothing", "/v1/events/a/b/c", "//v1/events", "/%2e%2e/x", "/v1/runs//cancel"):  # fmt: skip
        reply = await shop.call("GET", path)
        assert (reply.status, reply.code) == (404, "no_such_route"), path
    for method, path, allowed in (
        ("PUT", "/v1/events", "GET, POST"),
        ("DELETE", "/v1/runs/tsk_1/", "GET"),
        ("GET", "/v1/runs/tsk_1/cancel", "POST"),
        ("PATCH", "/api/v1/heartbeat", "GET"),
    ):
        reply = await world.call(method, path)
        assert (reply.status, reply.code) == (405, "method_not_allowed")
        assert reply.headers["Allow"] == allowed


@pytest.mark.parametrize(
    "name", ["%00", "a%0Ab", "%F0%9F%98%80", "x" * 600, "%ED%A0%80", "..%2f.."]
)
@pytest.mark.parametrize(
    "path",
    ["/v1/runs/{}", "/v1/events/{}", "/v1/deliveries/{}", "/v1/subscriptions/{}", "/v1/events/{}/body", "/v1/replays/{}"],
)  # fmt: skip
async def test_odd_names_are_unknown(shop: Tenant, path: str, name: str) -> None:
    from yarl import URL

    url = URL(f"http://127.0.0.1:{shop.world.port}{path.format(name)}", encoded=True)
    async with shop.world.session.get(url, headers={"x-api-key": shop.key}) as response:
        assert response.status == 404


async def raw(port: int, data: bytes, *, leave: bool = False) -> bytes:
    """What is answered to these bytes until the server closes; ``leave`` ends our side first."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(data)
    if leave:
        writer.write_eof()
    try:
        return await asyncio.wait_for(reader.read(), 10)
    finally:
        writer.close()
        await writer.wait_closed()


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /v1/runs HTTP/1.1\r\nx-api-key : a\r\n\r\n",
        b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\n\r\n",
        b"POST /v1/events HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"POST /v1/events HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET /v1/runs/\xff\xfe HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    ],
)
async def test_broken_http_is_answered_without_a_trace(
    world: World, data: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    answer = await raw(world.port, data)
    assert 400 <= int(answer.split()[1]) < 500
    assert b"Traceback" not in answer
    printed = capfd.readouterr()
    assert printed.out + printed.err == ""


@pytest.mark.parametrize(
    "target",
    [b"/v1/runs?status=\xff", b"/v1/runs?\xff=%FF&page_size=1", b"/v1/events?run_id=%ED%A0%80",
     b"/v1/deliveries?state=\xc3\xa9", b"/v1/runs/\xff", b"/v1/events/%FF/body", b"/v1/runs?search_key=%00"],
)  # fmt: skip
async def test_odd_bytes_in_a_target_are_no_internal_error(
    world: World, shop: Tenant, target: bytes
) -> None:
    await shop.report("tsk_1")
    await shop.report("tsk_2")
    head = b"GET %s HTTP/1.1\r\nHost: a\r\nx-api-key: %s\r\nConnection: close\r\n\r\n"
    answer = await raw(world.port, head % (target, shop.key.encode()))
    assert answer.split()[1] in (b"200", b"400", b"404", b"422")


@pytest.mark.parametrize("key", [b"\xff" * 24, b"\xed\xa0\x80", b"x" * 4000])
async def test_odd_bytes_in_a_key_are_no_key(world: World, key: bytes) -> None:
    head = b"GET /v1/runs HTTP/1.1\r\nHost: a\r\nx-api-key: %s\r\nConnection: close\r\n\r\n"
    assert (await raw(world.port, head % key)).split()[1] == b"403"


async def test_a_broken_body_is_a_bad_request(
    world: World, shop: Tenant, capfd: pytest.CaptureFixture[str]
) -> None:
    head = f"POST /v1/events HTTP/1.1\r\nHost: a\r\nx-api-key: {shop.key}\r\n".encode()
    chunked = b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n"
    answer = await raw(world.port, head + chunked)
    assert answer.split()[1] == b"400"
    cut = await raw(world.port, head + b"Content-Length: 100\r\n\r\n{}", leave=True)
    assert cut == b""
    printed = capfd.readouterr()
    assert printed.out + printed.err == ""
    assert (await shop.get("/v1/events"))["items"] == []
