"""Runs of clients by a Skyvern server: created, reported, seen, cancelled; and what happens without it."""

import asyncio
import itertools
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from aiohttp import web

from hookgate_gateway.observe import Observer
from hookgate_gateway.store.sqlite.store import SqliteStore
from hookgate_gateway.upstream.client import MAX_ANSWER, UpstreamClient
from hookgate_gateway.upstream.engine import RunOwners, Upstream
from hookgate_process.watched_files import SecretWords
from tests.gateway.api.world import Reply, Tenant, World, open_world
from tests.gateway.upstream.skyvern import KEY, Skyvern, hang, skyvern

PUBLIC = "http://gateway.example/hooks"
ROUTES = [
    ("/v1/run/tasks", {"prompt": "buy"}, "/v1/run/tasks"),
    ("/api/v1/tasks", {"navigation_goal": "buy", "x": 1}, "/v1/run/tasks"),
    ("/v1/run/workflows", {"workflow_id": "wpid_1", "data": {"q": 1}}, "/v1/run/workflows"),
    ("/v1/run/agents", {"agent_id": "wpid_1"}, "/v1/run/workflows"),
    ("/api/v1/workflows/wpid_1/run", {}, "/v1/run/workflows"),
]
SPELLINGS = ("webhook_url", "webhook_callback_url", "webhookUrl", "webhookCallbackUrl")


@asynccontextmanager
async def forwarding(
    folder: Path, url: str, deadline: float = 10.0, answer_bytes: int = 64 << 20
) -> AsyncIterator[World]:
    """A gateway with that upstream."""
    file = folder / "upstream-key"
    file.write_text(f"{KEY}\n")
    async with AsyncExitStack() as stack:
        keys = SecretWords(file, "key", changed=print, refused=print)
        client = await stack.enter_async_context(
            UpstreamClient(url, keys, deadline=deadline, answer_bytes=answer_bytes)
        )

        def made(owners: RunOwners, observer: Observer) -> Upstream:
            return Upstream(
                client=client, keys=keys, public_url=PUBLIC, owners=owners, observer=observer
            )

        yield await stack.enter_async_context(open_world(folder, upstream=made))


def _observer() -> Observer:
    from prometheus_client import CollectorRegistry

    return Observer(CollectorRegistry())


@pytest.fixture(name="server")
async def _server() -> AsyncIterator[Skyvern]:
    async with skyvern() as it:
        yield it


@pytest.fixture(name="world")
async def _world(tmp_path: Path, server: Skyvern) -> AsyncIterator[World]:
    async with forwarding(tmp_path, server.url) as it:
        yield it


@pytest.fixture(name="shop")
async def _shop(world: World) -> Tenant:
    return await world.tenant()


def ingest(tenant: Tenant) -> str:
    """Where the upstream reports, as it is told."""
    return f"{PUBLIC}/v1/ingest/{tenant.namespace}/upstream"


def bare(url: str) -> str:
    """Without what says which request it was: that is of this request alone."""
    url, _, asked = url.partition("?asked=")
    assert asked.startswith("ask_")
    return url


def reached(tenant: Tenant) -> str:
    """The same, as the tests reach it."""
    return f"http://127.0.0.1:{tenant.world.port}/v1/ingest/{tenant.namespace}/upstream"


def hook(world: World, path: str = "own") -> str:
    return world.receiver.url(f"ok200/{path}")


def arrived(world: World, path: str = "own") -> list[Any]:
    return [r for r in world.receiver.log if r.path == f"/ok200/{path}"]


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route[0])
async def test_creation_is_forwarded_with_our_url(
    world: World, server: Skyvern, shop: Tenant, route: tuple[str, dict[str, Any], str]
) -> None:
    path, body, forwarded = route
    asked = {**body, "webhook_callback_url": hook(world), "unknown": {"kept": 1}, "url": None}
    reply = await shop.call("POST", path, json=asked, headers={"x-max-steps-override": "7"})
    assert reply.status == 200
    [(method, where, sent, headers)] = server.requests
    assert (method, where) == ("POST", forwarded)
    assert bare(sent["webhook_url"]) == ingest(shop)
    assert sent["unknown"] == {"kept": 1}
    assert not {"webhook_callback_url", "url"} & sent.keys()
    assert (headers["x-api-key"], headers["x-max-steps-override"]) == (KEY, "7")
    created = reply.json()
    assert created["run_id"] in server.runs
    assert created["app_url"].endswith(created["run_id"])
    assert created["run_request"]["webhook_url"] == hook(world)
    assert created["of_the_future"] == {"callback": hook(world)}
    for shown in (reply, await shop.call("GET", f"/v1/runs/{created['run_id']}")):
        assert b"/v1/ingest/" not in shown.body
        assert shown.json()["status"] == "queued"


@pytest.mark.parametrize("spelling", SPELLINGS)
async def test_no_spelling_of_the_url_goes_out(
    world: World, server: Skyvern, shop: Tenant, spelling: str
) -> None:
    await shop.post("/v1/run/tasks", {"prompt": "a", spelling: hook(world)})
    [(_, sent)] = server.asked("POST")
    assert {**sent, "webhook_url": bare(sent["webhook_url"])} == {
        "prompt": "a",
        "webhook_url": ingest(shop),
    }


async def test_a_report_reaches_the_clients_url_and_the_subscriptions(
    world: World, server: Skyvern, shop: Tenant
) -> None:
    await shop.subscribe("all", hook(world, "all"))
    run_id = (await shop.post("/v1/run/tasks", {"prompt": "a", "webhook_url": hook(world)}))["run_id"]  # fmt: skip
    assert await server.report(run_id, to=reached(shop)) == [200, 200, 200]
    await shop.delivery(run_id, state="delivered", subscription=None)
    await shop.delivery(run_id, state="delivered", subscription="all")
    assert [len(arrived(world, path)) for path in ("own", "all")] == [1, 1]
    shown = await shop.get(f"/v1/runs/{run_id}")
    assert (shown["status"], shown["webhook_delivery"]["state"]) == ("completed", "delivered")
    server.runs.clear()  # the upstream has forgotten it: what it reported is still known
    shown = await shop.call("GET", f"/v1/runs/{run_id}")
    assert shown.json()["run_request"]["webhook_url"] == hook(world)
    assert b"/v1/ingest/" not in shown.body
    assert shown.json()["output"] == {"price": 9}


@pytest.mark.parametrize("status", ["running", "completed"])
async def test_it_may_report_before_it_has_answered(
    world: World, server: Skyvern, shop: Tenant, status: str
) -> None:
    async def report(run_id: str) -> None:
        assert await server.report(run_id, status, to=reached(shop)) == [200, 200, 200]

    server.before = report
    run_id = (await shop.post("/v1/run/tasks", {"prompt": "a", "webhook_url": hook(world)}))["run_id"]  # fmt: skip
    if status == "running":
        await server.report(run_id, to=reached(shop))
    await shop.delivery(run_id, state="delivered")
    [request] = arrived(world)
    assert request.header("x-skyvern-signature").startswith("sha256=")


async def test_a_run_of_another_namespace_is_refused(
    world: World, server: Skyvern, shop: Tenant
) -> None:
    other = await world.tenant()
    run_id = (await shop.post("/v1/run/tasks", {"prompt": "a"}))["run_id"]
    assert await server.report(run_id, to=reached(other)) == [404, 404, 404]
    assert await server.report(run_id, to=reached(shop), key="k" * 30) == [401, 401, 401]
    assert (await shop.get("/v1/events"))["items"] == []
    assert (await other.get("/v1/events"))["items"] == []
    await other.report(run_id, "running")  # says that it is its own: it is not shown the upstream's
    looks = len(server.asked("GET"))
    shown = await other.get(f"/v1/runs/{run_id}")
    assert (shown["status"], shown["app_url"]) == ("running", None)
    cancelled = await other.post(f"/v1/runs/{run_id}/cancel")
    assert cancelled["status"] == "canceled"
    assert server.runs[run_id]["status"] == "completed"
    assert (len(server.asked("GET")), len(server.asked("POST"))) == (looks, 1)
    assert await server.report(run_id, to=reached(shop)) == [200, 200, 200]


async def test_a_declared_source_of_that_name_is_one_more(
    world: World, server: Skyvern, shop: Tenant
) -> None:
    await shop.source("upstream", b"key-of-another-skyvern-server")
    run_id = (await shop.post("/v1/run/tasks", {"prompt": "a"}))["run_id"]
    for key in ("key-of-another-skyvern-server", KEY):
        assert await server.report(run_id, to=reached(shop), key=key, times=1) == [200]


async def test_cancel_is_forwarded_and_its_event_is_the_upstreams(
    world: World, server: Skyvern, shop: Tenant
) -> None:
    asked = {"prompt": "a", "webhook_url": hook(world)}
    first, second = [(await shop.post("/v1/run/tasks", asked))["run_id"] for _ in range(2)]
    cancelled = await shop.post(f"/v1/runs/{first}/cancel")
    assert (cancelled["status"], server.runs[first]["status"]) == ("canceled", "canceled")
    assert (await shop.post(f"/v1/runs/{first}/cancel"))["status"] == "canceled"
    assert (await shop.get("/v1/events"))["items"] == []
    many = await shop.post("/v1/runs/cancel", {"run_ids": [second, "tsk_unknown"]})
    assert (many["cancelled"], many["failed"]) == ([second], ["tsk_unknown"])
    await server.report(first, "canceled", to=reached(shop))
    await shop.delivery(first, state="delivered")
    assert len(arrived(world)) == 1
    assert len([path for path, _ in server.asked("POST") if path.endswith("/cancel")]) == 2


async def test_what_the_upstream_does_not_know_is_ended_here(
    world: World, server: Skyvern, shop: Tenant
) -> None:
    run_id = (await shop.post("/v1/run/tasks", {"prompt": "a", "webhook_url": hook(world)}))["run_id"]  # fmt: skip
    server.runs.clear()
    assert (await shop.post(f"/v1/runs/{run_id}/cancel"))["status"] == "canceled"
    await shop.delivery(run_id, state="delivered")


# ---------------------------------------------------------------------------------- refusals, outages


def answering(server: Skyvern, status: int, text: str, **headers: str) -> None:
    async def answer() -> web.Response:
        return web.Response(status=status, text=text, headers=headers)

    server.answer = answer


async def ask(shop: Tenant, key: str | None = None) -> Reply:
    headers = {"Idempotency-Key": key} if key else {}
    body = {"prompt": "a", "webhook_url": hook(shop.world)}
    return await shop.call("POST", "/v1/run/tasks", json=body, headers=headers)


async def test_a_refusal_is_passed_on_with_the_clients_url(server: Skyvern, shop: Tenant) -> None:
    answering(server, 402, '{"detail": "no credits"}')
    reply = await ask(shop)
    assert (reply.status, reply.json()) == (402, {"detail": "no credits", "code": "upstream_refused"})  # fmt: skip
    quoted = '{"detail": [{"loc": ["body"], "msg": "blocked: %s", "input": "%s"}]}'
    answering(server, 422, quoted % (ingest(shop), ingest(shop)))
    reply = await ask(shop)
    assert reply.status == 422
    own = hook(shop.world)
    assert reply.json()["detail"] == [{"loc": ["body"], "msg": f"blocked: {own}", "input": own}]
    answering(server, 429, "slow down", **{"Retry-After": "7"})
    reply = await ask(shop)
    assert (reply.status, reply.headers["Retry-After"]) == (429, "7")
    assert await shop.get("/v1/runs") == []


@pytest.mark.parametrize(
    ("status", "text", "code"),
    [
        (500, "boom", "upstream_failed"),
        (503, "", "upstream_failed"),
        (302, "", "upstream_failed"),
        (403, '{"detail": "Invalid credentials"}', "upstream_key_refused"),
        (200, "<html>", "upstream_unreadable"),
        (200, "[]", "upstream_unreadable"),
        (200, '{"status": "queued"}', "upstream_unreadable"),
        (200, '{"run_id": "a", "status": "b", "x": ' + "[" * 990 + "]" * 990 + "}", "upstream_unreadable"),
    ],
)  # fmt: skip
async def test_no_usable_answer_is_502(
    server: Skyvern, shop: Tenant, status: int, text: str, code: str
) -> None:
    answering(server, status, text, Location="/elsewhere")
    reply = await ask(shop)
    assert (reply.status, reply.code) == (502, code)
    assert KEY.encode() not in reply.body
    assert await shop.get("/v1/runs") == []


async def test_large_answers_wait_for_room(tmp_path: Path, server: Skyvern) -> None:
    """Each is larger than a namespace's half, and all of them come. One that is out of all measure does not."""
    async with forwarding(tmp_path, server.url, answer_bytes=3_000_000) as world:
        shop = await world.tenant()
        run_id = (await ask(shop)).json()["run_id"]
        server.runs[run_id]["output"] = "x" * 2_000_000
        asked = [shop.call("GET", f"/v1/runs/{run_id}") for _ in range(4)]
        replies = await asyncio.gather(*asked)
        assert {len(reply.json()["output"]) for reply in replies} == {2_000_000}
        server.runs[run_id]["output"] = "x" * MAX_ANSWER
        assert (await shop.get(f"/v1/runs/{run_id}"))["output"] is None, "as it is stored"


async def test_none_in_time_is_504_and_none_at_all_502(tmp_path: Path, server: Skyvern) -> None:
    async def never() -> None:
        await hang()

    async with forwarding(tmp_path, server.url, deadline=0.2) as world:
        shop = await world.tenant()
        server.answer = never
        reply = await ask(shop, "k")
        assert (reply.status, reply.code) == (504, "upstream_timeout")
        server.answer = None
        again = await ask(shop, "k")  # it may have been carried out: it is not sent again
        assert (again.status, again.code) == (409, "idempotency_key_in_use")
        run_id = (await ask(shop)).json()["run_id"]
        server.answer = never
        assert (await shop.get(f"/v1/runs/{run_id}"))["status"] == "queued"
        reply = await shop.call("POST", f"/v1/runs/{run_id}/cancel")
        assert reply.status == 504
        assert (await shop.get(f"/v1/runs/{run_id}"))["status"] == "queued"


async def drops(request: web.Request) -> web.Response | None:
    assert request.transport is not None
    request.transport.abort()
    return None


async def breaks_off(request: web.Request) -> web.Response | None:
    """Half an answer, and the end of the connection."""
    response = web.StreamResponse(headers={"Content-Length": "1000"})
    await response.prepare(request)
    await response.write(b'{"run_id": ')
    return await drops(request)


async def fails(_: web.Request) -> web.Response:
    return web.Response(status=500, text="boom")


async def mumbles(_: web.Request) -> web.Response:
    return web.Response(text="<html>")


async def never(_: web.Request) -> None:
    await hang()


@pytest.mark.parametrize(
    ("after", "code"),
    [
        (drops, "upstream_unreachable"),
        (breaks_off, "upstream_unreachable"),
        (fails, "upstream_failed"),
        (mumbles, "upstream_unreadable"),
        (never, "upstream_timeout"),
    ],
)
async def test_a_run_that_nobody_knew_of_is_known_by_its_report(
    tmp_path: Path, server: Skyvern, after: Any, code: str
) -> None:
    async with forwarding(tmp_path, server.url, deadline=0.5) as world:
        shop = await world.tenant()
        server.after = after
        assert (await ask(shop, "k")).code == code
        assert (await ask(shop, "k")).code == "idempotency_key_in_use"
        assert await shop.get("/v1/runs") == []
        [run_id] = server.runs
        assert await server.report(run_id, to=reached(shop)) == [200, 200, 200]
        await shop.delivery(run_id, state="delivered", subscription=None)
        [request] = arrived(world)
        assert request.header("x-skyvern-signature").startswith("sha256=")
        again = await ask(shop, "k")
        assert (again.status, again.json()["run_id"]) == (200, run_id)
        assert again.headers["Idempotent-Replayed"] == "true"
        assert len(server.runs) == 1
        server.after = None
        assert (await shop.get(f"/v1/runs/{run_id}"))["run_request"]["webhook_url"] == hook(world)


@pytest.mark.parametrize("asked", ["", "ask_nobody", "%00", "%ff", "%F0%9F%98%80", "a" * 5000])
async def test_what_asked_says_is_anybodys_text(
    world: World, server: Skyvern, shop: Tenant, asked: str
) -> None:
    run_id = (await shop.post("/v1/run/tasks", {"prompt": "a", "webhook_url": hook(world)}))["run_id"]  # fmt: skip
    told = server.runs[run_id]["run_request"]
    told["webhook_url"] = f"{bare(told['webhook_url'])}?asked={asked}"
    assert await server.report(run_id, to=reached(shop)) == [200, 200, 200]
    await shop.delivery(run_id, state="delivered", subscription=None)


async def test_a_store_that_fails_after_the_answer_loses_no_webhook(
    world: World, server: Skyvern, shop: Tenant
) -> None:
    store = cast(SqliteStore, world.services.runs)

    async def stop(_: web.Request) -> None:
        assert store.link.process is not None
        store.link.process.send_signal(signal.SIGSTOP)

    server.after = stop
    reply = await ask(shop, "k")
    assert (reply.status, reply.code) == (503, "store_unavailable")
    assert int(reply.headers["Retry-After"]) > 0
    assert store.link.process is not None
    store.link.process.kill()  # with the adoption unread: what nobody waits for is not sent again
    [run_id] = server.runs
    assert await shop.get("/v1/runs") == []

    async def is_taken() -> bool:
        return await server.report(run_id, to=reached(shop), times=1) == [200]

    await world.eventually(is_taken)  # a Skyvern server repeats it as well
    await shop.delivery(run_id, state="delivered", subscription=None)
    assert len(arrived(world)) == 1
    assert (await ask(shop, "k")).json()["run_id"] == run_id


async def test_nobody_there(tmp_path: Path, unused_tcp_port: int) -> None:
    async with forwarding(tmp_path, f"http://127.0.0.1:{unused_tcp_port}") as world:
        shop = await world.tenant()
        for _ in range(2):  # nothing was sent, so the key is free
            reply = await ask(shop, "k")
            assert (reply.status, reply.code) == (502, "upstream_unreachable")


async def test_a_key_makes_one_run(server: Skyvern, shop: Tenant) -> None:
    answering(server, 402, '{"detail": "no credits"}')
    assert (await ask(shop, "k")).status == 402
    server.answer = None
    first = await ask(shop, "k")
    again = await ask(shop, "k")
    assert (again.status, again.body) == (200, first.body)
    assert again.headers["Idempotent-Replayed"] == "true"
    await server.report(first.json()["run_id"], to=reached(shop))
    assert (await ask(shop, "k")).body == first.body
    other = await shop.call("POST", "/v1/run/tasks", json={"prompt": "b"}, headers={"Idempotency-Key": "k"})  # fmt: skip
    assert (other.status, other.code) == (409, "idempotency_key_reused")
    assert len(server.runs) == 1


async def test_what_only_pythons_json_takes_goes_through(server: Skyvern, shop: Tenant) -> None:
    body, headers = {"prompt": "a", "n": 10**30, "title": "\ud800"}, {"Idempotency-Key": "k"}
    replies = [
        await shop.call("POST", "/v1/run/tasks", json=body, headers=headers) for _ in range(2)
    ]
    asked = [reply.json()["run_request"] for reply in replies] + [server.asked("POST")[0][1]]
    assert [(each["n"], each["title"]) for each in asked] == [(10**30, "\ud800")] * 3
    assert len(server.runs) == 1


async def test_of_twins_one_is_forwarded(server: Skyvern, shop: Tenant) -> None:
    replies = await asyncio.gather(*(ask(shop, "k") for _ in range(8)))
    assert len(server.runs) == 1
    assert {r.status for r in replies} <= {200, 409}
    assert {r.code for r in replies if r.status == 409} <= {"idempotency_key_in_use"}
    assert sum(r.status == 200 and "Idempotent-Replayed" not in r.headers for r in replies) == 1


async def test_an_id_that_is_taken_is_told_in_the_log_too(
    world: World, server: Skyvern, shop: Tenant
) -> None:
    await ask(shop)
    server.numbers = itertools.count(1)
    reply = await shop.call("POST", "/v1/run/tasks", json={"prompt": "another"})
    assert (reply.status, reply.code) == (409, "run_exists")
