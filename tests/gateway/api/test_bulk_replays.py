"""Bulk replays and bulk cancels through the API: counted, begun, watched, ended; mistakes told by field."""

from typing import Any

import pytest

from tests.gateway.api.world import Tenant, World

pytestmark = pytest.mark.asyncio(loop_scope="module")

ONCE = {"retryDelaysSeconds": [], "circuitBreaker": {"consecutiveFailures": 0}}


async def outage(world: World, shop: Tenant, name: str, count: int = 5) -> list[str]:
    """So many runs whose deliveries to this subscription failed; then its receiver is well again."""
    await shop.subscribe(name, world.receiver.url("nothing-is-here"), delivery=ONCE)
    runs = [f"tsk_{name}_{shop.namespace}_{n}" for n in range(count)]
    for run_id in runs:
        await shop.report(run_id)
    for run_id in runs:
        await shop.delivery(run_id, state="exhausted")
    await shop.subscribe(name, world.receiver.url("ok200"), delivery=ONCE)
    return runs


async def as_soon_as(world: World, shop: Tenant, replay: Any, **wanted: Any) -> Any:
    async def found() -> Any:
        now = await shop.get(f"/v1/replays/{replay['id']}")
        return now if all(now[name] == value for name, value in wanted.items()) else None

    return await world.eventually(found)


def figures(replay: Any) -> tuple[int, ...]:
    names = ("matched", "sent", "delivered", "failed", "skipped", "remaining")
    return tuple(replay[name] for name in names)


async def test_an_outage_is_counted_and_replayed(world: World, shop: Tenant) -> None:
    runs = await outage(world, shop, "invoices")
    wanted = {"filter": {"subscription": "invoices", "state": "exhausted"}}
    assert await shop.post("/v1/replays", {**wanted, "dry_run": True}) == {"matched": 5}
    assert (await shop.get("/v1/replays"))["items"] == []
    replay = await shop.post("/v1/replays", wanted, 202)
    assert replay["id"].startswith("rpl_")
    assert (replay["matched"], replay["state"]) == (5, "running")
    done = await as_soon_as(world, shop, replay, state="completed")
    assert figures(done) == (5, 5, 5, 0, 0, 0)
    assert done["filter"] == wanted["filter"]
    sent = [r for r in world.receiver.log if r.header("x-hookgate-replay") == "1"]
    assert sorted(run for run in runs for r in sent if run.encode() in r.body) == runs
    assert (await shop.get("/v1/replays"))["items"] == [done]
    again = {"filter": {**wanted["filter"], "not_replayed": True}, "dry_run": True}
    assert await shop.post("/v1/replays", again) == {"matched": 0}


async def test_to_another_subscription(world: World, shop: Tenant) -> None:
    await outage(world, shop, "invoices", 3)
    await shop.subscribe("archive", world.receiver.url("ok200"), suspend=True)
    replay = await shop.post("/v1/replays", {"filter": {}, "to_subscription": "archive"}, 202)
    await shop.subscribe("archive", world.receiver.url("ok200"))
    done = await as_soon_as(world, shop, replay, state="completed")
    assert figures(done) == (3, 3, 3, 0, 0, 0)


async def test_pause_resume_cancel(world: World, shop: Tenant) -> None:
    await outage(world, shop, "invoices", 4)
    replay = await shop.post("/v1/replays", {"filter": {}, "rate_per_second": 0.01}, 202)
    path = f"/v1/replays/{replay['id']}"
    await as_soon_as(world, shop, replay, delivered=1)
    assert (await shop.post(f"{path}/pause"))["state"] == "paused"
    assert (await shop.post(f"{path}/pause"))["state"] == "paused"
    assert (await shop.post(f"{path}/resume"))["state"] == "running"
    await as_soon_as(world, shop, replay, delivered=2)  # a resumed one begins with a full bucket
    cancelled = await shop.post(f"{path}/cancel")
    assert cancelled["state"] == "cancelled"
    assert figures(cancelled) == (4, 2, 2, 0, 2, 0)
    assert (await shop.post(f"{path}/cancel"))["state"] == "cancelled"
    reply = await shop.call("POST", f"{path}/resume")
    assert (reply.status, reply.code) == (409, "replay_over")


async def test_what_is_still_owed_has_to_be_asked_for(world: World, shop: Tenant) -> None:
    runs = await outage(world, shop, "invoices", 2)
    down = world.receiver.url("ok200?status=503")
    patient = {"retryDelaysSeconds": [3600], "circuitBreaker": {"consecutiveFailures": 0}}
    await shop.subscribe("patient", down, delivery=patient)
    await shop.subscribe("held", world.receiver.url("ok200"), suspend=True)
    await shop.subscribe("invoices", world.receiver.url("ok200"), suspend=True)
    await shop.subscribe("standby", world.receiver.url("ok200"), match={"workflowIds": ["none"]})
    await shop.report("tsk_owed")
    await shop.delivery("tsk_owed", state="pending", attempts=1)

    async def matched(**wanted: Any) -> int:
        answer = await shop.post("/v1/replays", {"filter": wanted, "dry_run": True})
        return int(answer["matched"])

    assert await matched() == len(runs)
    assert await matched(subscription="patient") == 0
    assert await matched(outcome="server_error") == 0
    assert await matched(state="pending") == 3
    assert await matched(state="pending", outcome="server_error") == 1
    body = {
        "filter": {"state": "pending", "outcome": "server_error"},
        "to_subscription": "standby",
    }
    replay = await shop.post("/v1/replays", body, 202)
    done = await as_soon_as(world, shop, replay, state="completed")
    assert figures(done) == (1, 1, 1, 0, 0, 0)


async def test_what_ended_a_moment_before_is_counted(world: World, shop: Tenant) -> None:
    """The receiver has answered, the store is still being told."""
    down = world.receiver.url(f"nothing-is-here/{shop.namespace}")
    await shop.subscribe("invoices", down, delivery=ONCE)
    for n in range(20):
        await shop.report(f"tsk_moment_{n}")

    async def asked() -> bool:
        await shop.get("/v1/replays")
        return sum(shop.namespace in r.target for r in world.receiver.log) >= 10

    await world.eventually(asked)
    replay = await shop.post("/v1/replays", {"filter": {"outcome": "client_error"}}, 202)
    done = await as_soon_as(world, shop, replay, state="completed")
    assert done["matched"] == replay["matched"]


async def test_another_namespace_sees_nothing_of_it(world: World, shop: Tenant) -> None:
    await outage(world, shop, "invoices", 1)
    replay = await shop.post("/v1/replays", {"filter": {}}, 202)
    bank = await world.tenant()
    for method, tail in (("GET", ""), ("POST", "/pause"), ("POST", "/resume"), ("POST", "/cancel")):
        reply = await bank.call(method, f"/v1/replays/{replay['id']}{tail}")
        assert reply.status == 404
    assert (await bank.get("/v1/replays"))["items"] == []
    assert await bank.post("/v1/replays", {"filter": {}, "dry_run": True}) == {"matched": 0}


async def test_the_same_key_makes_one(world: World, shop: Tenant) -> None:
    await outage(world, shop, "invoices", 1)
    headers = {"Idempotency-Key": "outage-1"}
    body = {"filter": {"subscription": "invoices"}}
    first = await shop.call("POST", "/v1/replays", json=body, headers=headers)
    second = await shop.call(
        "POST", "/v1/replays", json={**body, "to_subscription": None}, headers=headers
    )
    assert (first.status, second.status) == (202, 202)
    assert first.json()["id"] == second.json()["id"]
    assert second.headers["Idempotent-Replayed"] == "true"
    other = await shop.call("POST", "/v1/replays", json={"filter": {}}, headers=headers)
    assert other.status == 409
    assert len((await shop.get("/v1/replays"))["items"]) == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, ["body", "filter"]),
        ({"filter": None}, ["body", "filter"]),
        ({"filter": []}, ["body", "filter"]),
        ({"filter": {"subscriptoin": "a"}}, ["body", "filter", "subscriptoin"]),
        ({"filter": {"state": "held"}}, ["body", "filter", "state"]),
        ({"filter": {"outcome": "sad"}}, ["body", "filter", "outcome"]),
        ({"filter": {"run_ids": "tsk_1"}}, ["body", "filter", "run_ids"]),
        ({"filter": {"run_ids": ["x"] * 1001}}, ["body", "filter", "run_ids"]),
        ({"filter": {"subscription": "a\x00"}}, ["body", "filter", "subscription"]),
        ({"filter": {"since": "yesterday"}}, ["body", "filter", "since"]),
        ({"filter": {"since": 5}}, ["body", "filter", "since"]),
        (
            {"filter": {"since": "2024-03-02T00:00:00Z", "until": "2024-03-01T00:00:00Z"}},
            ["body", "filter"],
        ),
        ({"filter": {}, "rate_per_second": 0}, ["body", "rate_per_second"]),
        ({"filter": {}, "rate_per_second": "fast"}, ["body", "rate_per_second"]),
        ({"filter": {}, "rate_per_second": 1e9}, ["body", "rate_per_second"]),
        ({"filter": {}, "to_subscription": ""}, ["body", "to_subscription"]),
    ],
)
async def test_mistakes_are_told_by_their_field(shop: Tenant, body: Any, field: list[str]) -> None:
    reply = await shop.call("POST", "/v1/replays", json=body)
    assert reply.status == 422
    assert [problem["loc"] for problem in reply.json()["detail"]] == [field]


@pytest.mark.parametrize("path", ["/v1/replays", "/v1/deliveries/cancel"])
@pytest.mark.parametrize("body", [{}, {"filter": None}, {"dry_run": True}])
async def test_a_filter_that_was_forgotten_selects_nothing_and_is_asked_for(
    shop: Tenant, path: str, body: Any
) -> None:
    reply = await shop.call("POST", path, json=body)
    assert reply.status == 422
    assert reply.json()["detail"] == [
        {
            "loc": ["body", "filter"],
            "msg": 'is required: say which deliveries, such as {"subscription": "invoices"}; {} is for all',
            "type": "missing_filter",
        }
    ]


@pytest.mark.parametrize(
    "body", [{"filter": {"subscription": "none"}}, {"filter": {}, "to_subscription": "none"}]
)
async def test_an_unknown_subscription(shop: Tenant, body: Any) -> None:
    for dry_run in (True, False):
        reply = await shop.call("POST", "/v1/replays", json={**body, "dry_run": dry_run})
        assert (reply.status, reply.json()["detail"]) == (404, "subscription not found")


async def test_nulls_are_left_out_and_further_fields_accepted(shop: Tenant) -> None:
    body = {
        "filter": {"subscription": None, "run_ids": None, "not_replayed": None},
        "rate_per_second": None,
        "dry_run": None,
        "comment": "after the outage",
    }
    await shop.post("/v1/replays", body, 202)


async def test_many_pending_ones_are_cancelled(world: World, shop: Tenant) -> None:
    await shop.subscribe("held", world.receiver.url("ok200"), suspend=True)
    await shop.subscribe("other", world.receiver.url("ok200"), suspend=True)
    for n in range(6):
        await shop.report(f"tsk_many_{n}", "failed" if n % 2 else "completed")
    body = {"filter": {"subscription": "held", "status": "failed"}}
    path = "/v1/deliveries/cancel"
    assert await shop.post(path, {**body, "dry_run": True}) == {"matched": 3}
    assert await shop.post(path, body) == {"cancelled": 3}
    assert await shop.post(path, body) == {"cancelled": 0}
    left = await shop.get("/v1/deliveries", params={"state": "held"})
    assert len(left["items"]) == 9
    assert await shop.post(path, {"filter": {}}) == {"cancelled": 9}
    reply = await shop.call("POST", path, json={"filter": {"state": "delivered"}})
    assert reply.status == 422


async def test_what_waits_in_memory_is_forgotten(world: World, shop: Tenant) -> None:
    limit = {"maxInFlight": 1, "rateLimit": {"requestsPerSecond": 1, "burst": 1}}
    await shop.subscribe("slow", world.receiver.url("ok200"), delivery=limit)
    for n in range(5):
        await shop.report(f"tsk_slow_{shop.namespace}_{n}")
    await shop.delivery(f"tsk_slow_{shop.namespace}_0", state="delivered")
    assert (await shop.post("/v1/deliveries/cancel", {"filter": {}}))["cancelled"] >= 3
    lane = f"s/{shop.namespace}/slow"
    assert world.services.dispatch.lane_states()[lane].waiting == 0
