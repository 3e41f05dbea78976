"""A request that is sent again makes nothing new."""

import asyncio
from typing import Any

import pytest

from hookgate_gateway.api import idempotency
from tests.gateway.api.world import Reply, Tenant, World

pytestmark = pytest.mark.asyncio(loop_scope="module")

ROUTES = [
    ("/v1/run/tasks", {"prompt": "buy", "webhook_url": "https://a.example/"}),
    ("/api/v1/tasks", {"prompt": "buy", "webhook_url": "https://a.example/"}),
    ("/v1/run/workflows", {"workflow_id": "wpid_1", "parameters": {"a": 1, "b": 2}}),
    ("/v1/run/agents", {"workflow_id": "wpid_1", "parameters": {"a": 1, "b": 2}}),
    ("/api/v1/workflows/wpid_1/run", {"parameters": {"a": 1, "b": 2}}),
]


async def ask(shop: Tenant, path: str, body: Any, key: str) -> Reply:
    return await shop.call("POST", path, json=body, headers={"Idempotency-Key": key})


@pytest.mark.parametrize(("path", "body"), ROUTES)
async def test_the_same_again_is_answered_as_before(
    shop: Tenant, path: str, body: dict[str, Any]
) -> None:
    first = await ask(shop, path, body, "k-1")
    assert first.status == 200
    assert "Idempotent-Replayed" not in first.headers
    run_id = first.json()["run_id"]
    await shop.report(run_id, "completed", output={"new": 1}, workflow_id="wpid_other")
    for again in (path, f"{path}/"):
        reply = await ask(shop, again, body, "k-1")
        assert (reply.status, reply.body) == (200, first.body)
        assert reply.headers["Idempotent-Replayed"] == "true"
    assert len(await shop.get("/v1/runs")) == 1
    other = await ask(shop, path, {**body, "title": "other"}, "k-1")
    assert (other.status, other.code) == (409, "idempotency_key_reused")
    fresh = await ask(shop, path, body, "k-2")
    assert fresh.json()["run_id"] != run_id


async def test_another_spelling_is_the_same_request_another_kind_is_not(shop: Tenant) -> None:
    first = await ask(shop, "/v1/run/tasks", {"prompt": "a", "webhook_url": "http://a/", "x": None}, "k")  # fmt: skip
    again = await ask(shop, "/v1/run/tasks", {"webhook_callback_url": " http://a/", "user_prompt": "a"}, "k")  # fmt: skip
    assert again.body == first.body
    flow = await ask(shop, "/v1/run/workflows", {"workflow_id": "w"}, "flow")
    for path, body in (("/v1/run/agents", {"agent_id": "w"}), ("/api/v1/workflows/w/run", {})):
        assert (await ask(shop, path, body, "flow")).body == flow.body
    older = await ask(shop, "/api/v1/tasks", {"prompt": "a", "webhook_url": "http://a/"}, "k")
    assert older.status == 409
    assert (await ask(shop, "/v1/run/workflows", {"workflow_id": "w"}, "k")).status == 409


async def test_of_twins_one_runs(shop: Tenant) -> None:
    body = {"prompt": "buy", "x": 10**30}
    replies = await asyncio.gather(*(ask(shop, "/v1/run/tasks", body, "k") for _ in range(10)))
    assert {reply.status for reply in replies} == {200}
    assert len({reply.body for reply in replies}) == 1
    assert sum("Idempotent-Replayed" not in reply.headers for reply in replies) == 1
    assert len(await shop.get("/v1/runs")) == 1


async def test_keys_are_a_tenants_own(world: World, shop: Tenant) -> None:
    other = await world.tenant()
    first = await ask(shop, "/v1/run/tasks", {"prompt": "a"}, "k")
    second = await ask(other, "/v1/run/tasks", {"prompt": "b"}, "k")
    assert first.json()["run_id"] != second.json()["run_id"]


@pytest.mark.parametrize("key", ["", "x" * 256, "é", "a\tb"])
async def test_keys_that_cannot_be_kept(shop: Tenant, key: str) -> None:
    reply = await ask(shop, "/v1/run/tasks", {"prompt": "a"}, key)
    assert (reply.status, reply.code) == (422, "validation_failed")
    assert reply.json()["detail"][0]["loc"] == ["header", "Idempotency-Key"]
    assert await shop.get("/v1/runs") == []


async def test_a_refused_request_uses_up_no_key(shop: Tenant) -> None:
    assert (await ask(shop, "/v1/run/tasks", {}, "k")).status == 422
    assert (await ask(shop, "/v1/run/tasks", {"prompt": "a"}, "k")).status == 200


async def test_a_request_is_what_it_asks_for() -> None:
    def sha256(scope: str, document: dict[str, Any]) -> bytes:
        return idempotency.once("k", scope, document, 0.0).request_sha256

    assert sha256("a", {"x": 1, "y": 2}) == sha256("a", {"y": 2, "x": 1})
    assert sha256("a", {"x": 10**30, "y": 2}) == sha256("a", {"y": 2, "x": 10**30})
    assert sha256("a", {"x": 1}) != sha256("b", {"x": 1})
    assert idempotency.once("k", "a", {}, 100_000.0).since == 13_600.0
