"""Declaring, taking away, listing and watching resources of a real gateway."""

import asyncio
from pathlib import Path

import pytest

from hookgate_operator.gateway_client.client import GatewayClient
from hookgate_operator.ports import (
    EndpointStanding,
    GatewayRefused,
    Held,
    HeldKind,
    OwnedByAnother,
)
from tests.controlplane.gateway_client.world import (
    Watcher,
    client_of,
    declaration,
    key_secret,
    order,
)
from tests.gateway.api.control.world import OWNER, Control

pytestmark = pytest.mark.asyncio(loop_scope="module")

SUBSCRIPTION = HeldKind.SUBSCRIPTION


async def test_what_is_put_stands(client: GatewayClient, namespace: str, watcher: Watcher) -> None:
    standing = await client.put(declaration(namespace))
    assert (standing.fingerprint, standing.resolved, standing.reasons) == ("f-1", True, ())
    (key,) = standing.keys
    assert (key.secret, key.key, len(key.fingerprint or "")) == ("hook", "secret", 16)
    assert standing.endpoint == EndpointStanding(True)
    assert (standing.health.hold, standing.health.state) == (None, "unknown")
    assert await client.put(declaration(namespace)) == standing
    assert watcher.codes == {"200": 2}


async def test_what_is_missing_is_told(client: GatewayClient, namespace: str) -> None:
    missing = await client.put(declaration(namespace, secret=None))
    assert missing.resolved is False
    assert any("hook" in reason for reason in missing.reasons)
    assert [key.fingerprint for key in missing.keys] == [None]
    assert (missing.health.hold, missing.endpoint.allowed) == ("Unresolved", None)
    assert missing.health.hold_message


async def test_api_keys_and_sources(client: GatewayClient, namespace: str) -> None:
    value = f"key-of-{namespace}-0123456789abcdef".encode()
    labels = {"hookgate.dev/api-key": "true"}
    key = key_secret(namespace, HeldKind.API_KEY, "client", labels, api_key=value)
    labels = {"hookgate.dev/source": "skyvern"}
    source = key_secret(namespace, HeldKind.SOURCE, "skyvern", labels, key=b"source-key-0123456789")
    for each in (key, source):
        standing = await client.put(each)
        assert standing.resolved
        assert len(standing.keys) == 1
    held = [each for each in await client.held() if each.namespace == namespace]
    assert held == [
        Held(HeldKind.API_KEY, namespace, "secret-client", OWNER, "f-1"),
        Held(HeldKind.SOURCE, namespace, "skyvern", OWNER, "f-1"),
    ]
    await client.remove(HeldKind.SOURCE, namespace, "skyvern")
    assert [each for each in await client.held() if each.namespace == namespace] == held[:1]


async def test_a_refusal_has_a_sentence_for_each_problem_and_no_values(
    client: GatewayClient, namespace: str
) -> None:
    wrong = declaration(namespace, url="ftp://s3cret.example", delivery={"maxInFlite": 3})
    with pytest.raises(GatewayRefused) as raised:
        await client.put(wrong)
    first, second = sorted(raised.value.problems)
    assert first.startswith("spec.delivery.maxInFlite: is not a known field")
    assert second.startswith("spec.endpoint.url: ")
    assert "s3cret" not in str(raised.value)
    labels = {"hookgate.dev/api-key": "true"}
    short = key_secret(namespace, HeldKind.API_KEY, "client", labels, api_key=b"s3cret")
    with pytest.raises(GatewayRefused, match=r"^secrets\.secret-client: ") as raised:
        await client.put(short)
    assert "s3cret" not in str(raised.value)


async def test_what_is_too_large_is_refused_not_retried(
    client: GatewayClient, namespace: str
) -> None:
    with pytest.raises(GatewayRefused, match="larger than 4194304 bytes"):
        await client.put(declaration(namespace, secret=b"x" * 8_000_000))


async def test_somebody_elses(
    client: GatewayClient, control: Control, namespace: str, tmp_path: Path
) -> None:
    await client.put(declaration(namespace))
    async with client_of(control, tmp_path, owner="operator/blue") as other:
        with pytest.raises(OwnedByAnother, match="operator/default"):
            await other.put(declaration(namespace))
        with pytest.raises(OwnedByAnother, match="operator/default"):
            await other.remove(SUBSCRIPTION, namespace, "invoices")
        assert await other.held() == []


async def test_taking_away_what_is_not_there_is_nothing(
    client: GatewayClient, namespace: str
) -> None:
    await client.remove(SUBSCRIPTION, namespace, "invoices")
    await client.put(declaration(namespace))
    await client.remove(SUBSCRIPTION, namespace, "invoices")
    await client.remove(SUBSCRIPTION, namespace, "invoices")
    assert not [each for each in await client.held() if each.namespace == namespace]


async def test_every_page_of_what_it_holds(
    control: Control, namespace: str, tmp_path: Path
) -> None:
    async with client_of(control, tmp_path, owner=f"operator/{namespace}") as client:
        names = [f"s-{number:03d}" for number in range(401)]
        await asyncio.gather(*(client.put(declaration(namespace, name)) for name in names))
        held = await client.held()
    assert [(each.namespace, each.name) for each in held] == [(namespace, name) for name in names]


async def test_health_is_told_in_full_then_as_it_changes(
    control: Control, namespace: str, tmp_path: Path
) -> None:
    place, owner = (namespace, "invoices"), f"operator/{namespace}"
    async with client_of(control, tmp_path, owner=owner, wait=1) as client:
        await client.put(declaration(namespace))
        everything = await client.health(None)
        assert (everything.full, everything.readings.keys()) == (True, {place})
        token = everything.token
        await client.put(declaration(namespace, suspend=True))
        control.feed.touched([place])
        changes = await client.health(token)
        while not changes.readings:
            changes = await client.health(changes.token)
        assert (changes.full, changes.readings[place].hold) == (False, "Suspended")
        await client.remove(SUBSCRIPTION, *place)
        control.feed.touched([place])
        while place not in changes.removed:
            changes = await client.health(changes.token)
        assert (await client.health("of-another-process")).full is True
        nothing = await client.health(changes.token)
        assert (nothing.full, nothing.readings, nothing.removed) == (False, {}, frozenset())


async def test_reachable(client: GatewayClient) -> None:
    await client.reachable()


async def test_of_other_namespaces_nothing_is_told(
    control: Control, namespace: str, tmp_path: Path
) -> None:
    """A gateway has more: a folder's manifests, another operator's. RBAC hides all of it from this one."""
    ours, theirs = namespace, control.namespace()
    owner = f"operator/{namespace}"
    async with (
        client_of(control, tmp_path, owner=owner) as everywhere,
        client_of(control, tmp_path, owner=owner, namespaces=(ours,), wait=1) as client,
    ):
        for each in (ours, theirs):
            await everywhere.put(declaration(each))
            await everywhere.put_replay(order(each, paused=True))
        assert {each.namespace for each in await client.held()} == {ours}
        assert await client.replays() == [(ours, "uid-1")]
        changes = await client.health(None)
        assert changes.readings.keys() == {(ours, "invoices")}
        for each in (theirs, ours):
            await everywhere.remove(SUBSCRIPTION, each, "invoices")
            control.feed.touched([(each, "invoices")])
        removed: set[tuple[str, str]] = set()
        while (ours, "invoices") not in removed:
            changes = await client.health(changes.token)
            removed |= set(changes.removed)
        assert removed == {(ours, "invoices")}
