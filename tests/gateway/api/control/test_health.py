"""Waiting for changes of health, over sockets with real deliveries."""

import asyncio
from typing import Any

import pytest

from tests.gateway.api.control.world import OWNER, Control, subscription

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def changes(control: Control, since: str = "", timeout: int = 10, **query: Any) -> Any:
    params = "".join(f"&{name}={value}" for name, value in query.items())
    return await control.get(f"health?since={since}&timeout={timeout}{params}")


async def flip(
    control: Control, token: str, namespace: str, wanted: dict[str, Any]
) -> tuple[dict[str, Any], str]:
    """The subscription's item, as soon as its health has these values; the token to go on with."""
    async with asyncio.timeout(10):
        while True:
            told = await changes(control, token)
            assert not told["full"]
            token = told["token"]
            for item in told["items"]:
                fits = all(item["health"][name] == value for name, value in wanted.items())
                if item["namespace"] == namespace and fits:
                    return item, token


async def test_deliveries_flip_it_and_the_waiting_are_told(
    control: Control, namespace: str
) -> None:
    tenant = await control.tenant(namespace)
    receiver = control.world.receiver
    url = receiver.url(f"switch/{namespace}?times=9")
    body = subscription(namespace, url=url, delivery={"retryDelaysSeconds": []})
    await control.put(f"{namespace}/subscriptions/invoices", body)
    token = (await changes(control))["token"]

    receiver.script[namespace] = "ok200"
    await tenant.report("tsk_1")
    item, token = await flip(control, token, namespace, {"state": "healthy"})
    assert item["health"]["last_success_at"].endswith("Z")
    assert item["health"]["last_failure"] is None
    assert item["hold"] is None

    receiver.script[namespace] = "fail-then-ok"
    await tenant.report("tsk_2")
    item, token = await flip(control, token, namespace, {"state": "failing"})
    failure = item["health"]["last_failure"]
    assert (failure["outcome"], failure["status_code"]) == ("server_error", 500)
    assert set(failure) == {"at", "outcome", "status_code"}  # never a receiver's words
    assert item["health"]["consecutive_failures"] == 1

    receiver.script[namespace] = "gone"
    await tenant.report("tsk_3")
    async with asyncio.timeout(10):
        while not item["hold"]:
            told = await changes(control, token)
            token = told["token"]
            item = next((i for i in told["items"] if i["namespace"] == namespace), item)
    assert item["hold"]["reason"] == "Gone"
    assert "reason" not in item["health"]


async def test_without_a_token_or_with_a_strange_one_everything_is_told(
    control: Control, namespace: str
) -> None:
    await control.put(f"{namespace}/subscriptions/invoices", subscription(namespace))
    life = control.feed._life
    for token in ("", "another-life-7", f"{life}-99999", f"{life}-x", f"{life}-{'9' * 30}", "%2B"):
        told = await changes(control, token)
        assert told["full"], token
        assert [i for i in told["items"] if i["namespace"] == namespace]


async def test_nothing_new_is_an_empty_answer_in_time(control: Control) -> None:
    control.feed.publish()
    token = (await changes(control))["token"]
    told = await changes(control, token, timeout=1)
    while told["items"]:  # times of the tests before
        told = await changes(control, told["token"], timeout=1)
    assert (told["full"], told["items"], told["removed"]) == (False, [], [])


async def test_a_deleted_subscription_is_told_as_removed(control: Control, namespace: str) -> None:
    await control.put(f"{namespace}/subscriptions/invoices", subscription(namespace))
    token = (await changes(control))["token"]
    await control.delete(f"{namespace}/subscriptions/invoices")
    gone = {"namespace": namespace, "name": "invoices"}
    async with asyncio.timeout(10):
        while gone not in (told := await changes(control, token))["removed"]:
            token = told["token"]
    assert gone not in (await changes(control))["items"]


async def test_only_what_an_owner_has(control: Control, namespace: str) -> None:
    other = control.namespace()
    mine = subscription(namespace) | {"owner": "mine"}
    await control.put(f"{namespace}/subscriptions/invoices", mine)
    await control.put(f"{other}/subscriptions/invoices", subscription(other))
    told = await changes(control, owner="mine")
    assert [item["namespace"] for item in told["items"]] == [namespace]
    assert other in [item["namespace"] for item in (await changes(control, owner=OWNER))["items"]]


async def test_hundreds_may_wait(control: Control, namespace: str) -> None:
    await control.put(f"{namespace}/subscriptions/invoices", subscription(namespace))
    control.feed.publish()
    token = (await changes(control))["token"]
    waiting = [asyncio.create_task(changes(control, token)) for _ in range(90)]
    body = subscription(namespace, suspend=True) | {"fingerprint": "f-2"}
    await control.put(f"{namespace}/subscriptions/invoices", body)
    for told in await asyncio.gather(*waiting):
        assert namespace in [item["namespace"] for item in told["items"]]
