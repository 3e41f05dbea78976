"""Real answers have the shapes that the document tells of."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio
from pydantic import TypeAdapter

from tests.gateway.api.test_openapi import TOLD
from tests.gateway.api.world import Tenant, World

pytestmark = pytest.mark.asyncio(loop_scope="module")

Ask = Callable[..., Awaitable[Any]]


def valid(method: str, path: str, status: int, body: Any) -> None:
    """The answer is one that the document tells of, and has its shape."""
    operation = next(o for m, p, o in TOLD if (m, p) == (method, path))
    returns = operation.returns[status]
    if returns.model is not None:
        kind: Any = list[returns.model] if returns.many else returns.model  # type: ignore[name-defined]
        TypeAdapter(kind).validate_python(body, strict=False)


@pytest_asyncio.fixture(loop_scope="module")
async def ask(shop: Tenant) -> Ask:
    async def asked(method: str, path: str, body: Any = None, **names: str) -> Any:
        options = {} if body is None else {"json": body}
        reply = await shop.call(method, path.format(**names), **options)
        valid(method, path, reply.status, reply.json())
        SEEN.add((method, path))
        return reply.json()

    return asked


SEEN: set[tuple[str, str]] = set()


async def test_runs(ask: Ask) -> None:
    for path in ("/v1/run/tasks", "/api/v1/tasks"):
        run_id = (await ask("POST", path, {"prompt": "a"}))["run_id"]
        cancel = (
            "/v1/runs/{run_id}/cancel" if "api" not in path else "/api/v1/tasks/{run_id}/cancel"
        )
        await ask("POST", cancel, run_id=run_id)
    for path in ("/v1/run/workflows", "/v1/run/agents"):
        await ask("POST", path, {"workflow_id": "w"})
    await ask("POST", "/api/v1/workflows/{workflow_id}/run", {}, workflow_id="w")
    await ask("POST", "/v1/runs/cancel", {"run_ids": ["tsk_unknown"]})
    for kind in ("v1/runs", "api/v1/runs", "api/v1/tasks", "api/v2/tasks"):
        await ask("GET", f"/{kind}/{{run_id}}", run_id=run_id)
    await ask("GET", "/v1/runs")


async def test_events_and_deliveries(world: World, shop: Tenant, ask: Ask) -> None:
    hook = world.receiver.url("ok200")
    await shop.subscribe("hook", hook)
    run_id = (await shop.post("/v1/run/tasks", {"prompt": "a", "webhook_url": hook}))["run_id"]
    payload = {"run_id": run_id, "status": "completed", "output": [1], "downloaded_files": ["a"]}
    event_id = (await ask("POST", "/v1/events", payload))["event_id"]
    assert (await ask("POST", "/v1/events", payload))["duplicate"]
    delivery = await shop.delivery(run_id, state="delivered")
    await ask("GET", "/v1/events")
    for path in ("/v1/events/{id}", "/v1/events/{id}/body", "/v1/events/{id}/explain"):
        await ask("GET", path, id=event_id)
    await ask("GET", "/v1/deliveries")
    await ask("GET", "/v1/deliveries/{id}", id=delivery["id"])
    await ask("POST", "/v1/deliveries/{id}/replay", id=delivery["id"])
    replay = "/v1/internal/runs/{run_id}/test-webhook"
    await ask("GET", replay, run_id=run_id)
    for path in (replay, "/api/v1/runs/{run_id}/webhook/replay", "/v1/runs/{run_id}/retry_webhook"):
        await ask("POST", path, run_id=run_id)
    await ask("GET", "/v1/runs/{run_id}", run_id=run_id)


async def test_what_is_held(world: World, shop: Tenant, ask: Ask) -> None:
    await shop.subscribe("hook", world.receiver.url("ok200"), suspend=True)
    held = await shop.report("tsk_held")
    await ask("GET", "/v1/events/{id}/explain", id=held["event_id"])
    await ask("GET", "/v1/deliveries")
    await ask("GET", "/v1/runs/{run_id}", run_id="tsk_held")
    item = await shop.delivery("tsk_held", state="held")
    await ask("POST", "/v1/deliveries/{id}/cancel", id=item["id"])
    await ask("GET", "/v1/subscriptions")
    await ask("GET", "/v1/subscriptions/{name}", name="hook")
    await ask("POST", "/v1/subscriptions/{name}/resume", name="hook")
    await ask("POST", "/v1/subscriptions/{name}/test", name="hook")


async def test_bulk_replays_and_cancels(world: World, shop: Tenant, ask: Ask) -> None:
    await shop.subscribe("hook", world.receiver.url("ok200"), suspend=True)
    await shop.report("tsk_bulk")
    await ask("POST", "/v1/replays", {"filter": {}, "dry_run": True})
    replay = await ask("POST", "/v1/replays", {"filter": {"subscription": "hook"}})
    for what in ("pause", "resume", "cancel"):
        await ask("POST", f"/v1/replays/{{id}}/{what}", id=replay["id"])
    await ask("GET", "/v1/replays/{id}", id=replay["id"])
    await ask("GET", "/v1/replays")
    await ask("POST", "/v1/deliveries/cancel", {"filter": {}, "dry_run": True})
    await ask("POST", "/v1/deliveries/cancel", {"filter": {}})


async def test_tests_and_what_anybody_may_know(world: World, ask: Ask) -> None:
    body = {"webhook_url": world.receiver.url("ok200")}
    for path in (
        "api/v1/webhooks/test",
        "v1/internal/test-webhook",
        "api/v1/internal/test-webhook",
    ):
        await ask("POST", f"/{path}", body)
    for path in ("/v1/version", "/api/v1/heartbeat", "/openapi.json"):
        await ask("GET", path)


async def test_no_route_was_left_out() -> None:
    ingest = ("POST", "/v1/ingest/{namespace}/{source}")  # its answer is that of events
    assert {(m, p) for m, p, _ in TOLD} == SEEN | {ingest}
