"""Replays that an operator declares: begun once, paused by declaring it, cancelled by a delete."""

from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.gateway.api.control.world import OWNER, Control, subscription

pytestmark = pytest.mark.asyncio(loop_scope="module")

UID = "6f1c9c2e-0000-4000-8000-000000000001"


async def exhausted(control: Control, namespace: str, count: int = 3) -> str:
    """The path of a replay; so many deliveries of ``invoices`` failed, and its receiver is well again."""
    shop = await control.tenant(namespace)
    once = {"retryDelaysSeconds": [], "circuitBreaker": {"consecutiveFailures": 0}}
    path = f"{namespace}/subscriptions/invoices"
    down = control.world.receiver.url("nothing-is-here")
    await control.put(path, subscription(namespace, url=down, delivery=once))
    runs = [f"tsk_{namespace}_{n}" for n in range(count)]
    for run_id in runs:
        await shop.report(run_id)
    for run_id in runs:
        await shop.delivery(run_id, state="exhausted")
    well = control.world.receiver.url("ok200")
    await control.put(path, subscription(namespace, url=well, delivery=once))
    return f"{namespace}/replays/{UID}"


async def as_soon_as(control: Control, path: str, **wanted: Any) -> Any:
    async def found() -> Any:
        now = await control.get(f"namespaces/{path}")
        return now if all(now[name] == value for name, value in wanted.items()) else None

    return await control.world.eventually(found)


async def test_it_is_begun_once(control: Control, namespace: str) -> None:
    path = await exhausted(control, namespace)
    body = {"filter": {"subscription": "invoices"}}
    assert await control.put(path, {**body, "dry_run": True}) == {"matched": 3}
    await control.get(f"namespaces/{path}", 404)
    begun = await control.put(path, body)
    assert (begun["id"], begun["matched"]) == (UID, 3)
    await control.put(path, body)
    done = await as_soon_as(control, path, state="completed")
    assert (done["sent"], done["delivered"]) == (3, 3)
    assert await control.put(path, body) == done
    assert (await control.get(f"namespaces/{namespace}/replays"))["items"] == [done]


async def test_it_is_paused_and_resumed_by_declaring_it(control: Control, namespace: str) -> None:
    path = await exhausted(control, namespace)
    body = {"filter": {}, "rate_per_second": 0.01}
    await control.put(path, body)
    await as_soon_as(control, path, delivered=1)
    assert (await control.put(path, {**body, "paused": True}))["state"] == "paused"
    assert (await control.put(path, body))["state"] == "running"
    await control.delete(path)
    assert (await as_soon_as(control, path, state="cancelled"))["skipped"] >= 1
    assert (await control.put(path, body))["state"] == "cancelled"
    await control.delete(path)


async def test_one_that_is_declared_paused_never_ran(control: Control, namespace: str) -> None:
    path = await exhausted(control, namespace)
    with capture_logs() as told:
        begun = await control.put(path, {"filter": {}, "paused": True})
    assert (begun["state"], begun["sent"], begun["remaining"]) == ("paused", 0, begun["matched"])
    assert [line["event"] for line in told if line["event"].startswith("replay_")] == [
        "replay_created"
    ]


async def test_another_wish_under_its_uid_is_a_conflict(control: Control, namespace: str) -> None:
    path = await exhausted(control, namespace, 1)
    await control.put(path, {"filter": {}})
    for other in ({"filter": {"status": "failed"}}, {"filter": {}, "rate_per_second": 5}):
        assert (await control.put(path, other, 409))["code"] == "replay_differs"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, ["body", "filter"]),
        ({"filter": {"statsu": "failed"}}, ["body", "filter", "statsu"]),
        ({"filter": {"subscription": "none"}}, ["body", "filter", "subscription"]),
        ({"filter": {}, "to_subscription": "none"}, ["body", "to_subscription"]),
        ({"filter": {}, "paused": "perhaps"}, ["body", "paused"]),
    ],
)
async def test_mistakes_are_told_by_their_field(
    control: Control, namespace: str, body: Any, field: list[str]
) -> None:
    refused = await control.put(f"{namespace}/replays/{UID}", body, 422)
    assert [problem["loc"] for problem in refused["detail"]] == [field]


async def test_what_is_not_there(control: Control, namespace: str) -> None:
    await control.get(f"namespaces/{namespace}/replays/{UID}", 404)
    await control.delete(f"{namespace}/replays/{UID}")
    assert (await control.get(f"namespaces/{namespace}/replays"))["items"] == []
    reply = await control.call("GET", f"/control/v1/namespaces/{namespace}/replays", token="wrong")
    assert reply.status == 401


async def test_the_order_of_run_ids_means_nothing(control: Control, namespace: str) -> None:
    path = await exhausted(control, namespace)
    runs = [f"tsk_{namespace}_{n}" for n in (2, 0, 2, 1)]
    begun = await control.put(path, {"filter": {"run_ids": runs}, "paused": True})
    again = await control.put(path, {"filter": {"run_ids": runs[1:]}, "paused": True})
    assert (begun["matched"], again) == (3, begun)


async def test_only_its_owner_changes_it(control: Control, namespace: str) -> None:
    path = await exhausted(control, namespace, 1)
    mine = {"filter": {}, "paused": True, "owner": OWNER}
    assert (await control.put(path, mine))["owner"] == OWNER
    nobody = {"filter": {}, "paused": True}
    for other in (nobody, {**nobody, "owner": "operator/blue"}):
        refused = await control.put(path, other, 409)
        assert refused["code"] == "owned_by_another"
        assert OWNER in refused["detail"]
    await control.delete(path, "operator/blue", 409)
    reply = await control.call("DELETE", f"/control/v1/namespaces/{path}")
    assert (reply.status, reply.code) == (409, "owned_by_another")
    assert (await control.get(f"namespaces/{path}"))["state"] == "paused"
    await control.delete(path)
    assert (await control.get(f"namespaces/{path}"))["state"] == "cancelled"


async def test_what_nobody_owns_anybody_may_change(control: Control, namespace: str) -> None:
    path = await exhausted(control, namespace, 1)
    await control.put(path, {"filter": {}, "paused": True})
    told = await control.put(path, {"filter": {}, "paused": True, "owner": OWNER})
    assert told["owner"] is None
    await control.delete(path, "operator/blue")
    assert (await control.get(f"namespaces/{path}"))["state"] == "cancelled"


async def test_an_owner_finds_its_own_in_all_namespaces(control: Control, namespace: str) -> None:
    other = f"{namespace}-other"
    paths = [await exhausted(control, each, 1) for each in (namespace, other)]
    owner = f"operator/{namespace}"
    for path in paths:
        await control.put(path, {"filter": {}, "paused": True, "owner": owner})
    query = f"replays?owner={owner}&unfinished=true&limit=1"
    first = await control.get(query)
    then = await control.get(f"{query}&cursor={first['next_cursor']}")
    found = [(item["namespace"], item["id"]) for item in first["items"] + then["items"]]
    assert (found, then["next_cursor"]) == ([(namespace, UID), (other, UID)], None)
    await control.delete(paths[0], owner)
    await as_soon_as(control, paths[0], state="cancelled")
    assert [i["namespace"] for i in (await control.get(query))["items"]] == [other]
    everything = await control.get(f"replays?owner={owner}")
    assert [i["state"] for i in everything["items"]] == ["cancelled", "paused"]


@pytest.mark.parametrize("query", ["unfinished=perhaps", "limit=0", "cursor=mine"])
async def test_what_cannot_be_asked(control: Control, query: str) -> None:
    assert (await control.get(f"replays?{query}", 422))["code"] == "validation_failed"
