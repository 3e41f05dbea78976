"""Replays that an operator declares: begun once, paused by declaring it, cancelled by a delete."""

from typing import Any

import pytest

from tests.gateway.api.control.world import Control, subscription

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
