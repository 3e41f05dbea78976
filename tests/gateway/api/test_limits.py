"""What a key, a namespace and a body may be: refused with a word, a time to come again, and a count."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hookgate_gateway.api.bodies import BodyReader
from hookgate_gateway.api.errors import Refusal
from hookgate_gateway.api.rates import KeyRates
from hookgate_gateway.catalogue.snapshot import Caller
from hookgate_gateway.contract import ApiKey, KeyLimits, ResourceKind
from hookgate_gateway.intake.quota import BacklogQuota
from hookgate_gateway.rules.delivery import Namespace
from tests.gateway.api.test_bodies import connected, echo, head
from tests.gateway.api.world import Tenant, World, open_world


class Watch:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def caller(name: str = "team", *, fingerprint: str = "now", rate: float | None = None) -> Caller:
    key = ApiKey(
        namespace=Namespace("shop"),
        secret=name,
        values=(("now", b"a"), ("before", b"b")),
        limits=KeyLimits(requests_per_second=rate),
    )
    return Caller(key=key, fingerprint=fingerprint)


def passes(rates: KeyRates, who: Caller, times: int = 1000) -> int:
    """How many requests go through at once."""
    for done in range(times):
        try:
            rates.spend(who)
        except Refusal:
            return done
    return times


def test_without_a_rate_nobody_is_refused() -> None:
    assert passes(KeyRates(Watch()), caller()) == 1000


def test_a_key_has_its_burst_and_then_its_rate() -> None:
    watch = Watch()
    rates = KeyRates(watch, 10.0)
    assert passes(rates, caller()) == 20
    watch.seconds += 0.5
    assert passes(rates, caller()) == 5
    watch.seconds += 3600
    assert passes(rates, caller()) == 20
    assert passes(KeyRates(watch, 10.0, 3), caller()) == 3
    assert passes(KeyRates(watch, 0.1), caller()) == 1


def test_both_values_of_a_secret_count_together_and_others_alone() -> None:
    rates = KeyRates(Watch(), 10.0)
    assert passes(rates, caller(), 12) == 12
    assert passes(rates, caller(fingerprint="before")) == 8
    assert passes(rates, caller("other")) == 20


def test_a_secret_lowers_its_rate_and_never_raises_it() -> None:
    assert passes(KeyRates(Watch(), 10.0), caller(rate=2.0)) == 4
    assert passes(KeyRates(Watch(), 10.0), caller(rate=1000.0)) == 20
    assert passes(KeyRates(Watch()), caller(rate=2.0)) == 4


def test_thousands_of_keys_are_forgotten_once_they_are_quiet() -> None:
    watch = Watch()
    rates = KeyRates(watch, 10.0)
    for number in range(5000):
        watch.seconds += 1
        assert passes(rates, caller(f"team-{number}"), 1) == 1
    assert len(rates._buckets) < 4200


# ------------------------------------------------------------------------------- over the wire


@pytest.fixture(name="narrow")
async def _narrow(tmp_path: Path) -> AsyncIterator[World]:
    async with open_world(tmp_path, rate=0.5, quota=BacklogQuota(2)) as world:
        yield world


def refused(world: World, reason: str) -> float | None:
    return world.observer.registry.get_sample_value(
        "hookgate_requests_refused_total", {"reason": reason}
    )


def backlog_refusals(world: World, namespace: str) -> float | None:
    return world.observer.registry.get_sample_value(
        "hookgate_backlog_refusals_total", {"namespace": namespace}
    )


async def test_a_key_that_calls_too_often_is_told_when_to_come_again(narrow: World) -> None:
    tenant, other = await narrow.tenant(), await narrow.tenant()
    assert (await tenant.call("GET", "/v1/events")).status == 200
    reply = await tenant.call("GET", "/v1/runs")
    assert (reply.status, reply.code) == (429, "too_many_requests")
    assert reply.headers["Retry-After"] == "2"
    assert refused(narrow, "key_rate") == 1
    assert (await other.call("GET", "/v1/events")).status == 200
    assert (await narrow.call("GET", "/v1/events")).status == 403, "nobody's rate"


async def test_a_full_backlog_is_told_with_its_numbers(tmp_path: Path) -> None:
    async with open_world(tmp_path, quota=BacklogQuota(2)) as world:
        tenant = await world.tenant()
        await tenant.subscribe("hung", world.receiver.url("hang"))
        await tenant.report("tsk_1")
        await tenant.report("tsk_2")
        reply = await tenant.call(
            "POST", "/v1/events", json={"run_id": "tsk_3", "status": "completed"}
        )
        assert (reply.status, reply.code) == (429, "backlog_full")
        assert (reply.json()["pending"], reply.json()["limit"]) == (2, 2)
        assert int(reply.headers["Retry-After"]) >= 1
        assert refused(world, "backlog_full") == 1
        assert backlog_refusals(world, tenant.namespace) == 1
        assert (await tenant.call("GET", "/v1/events/evt_none")).status == 404, "nothing else stops"


async def test_a_stranger_is_refused_before_a_namespace_is_counted(tmp_path: Path) -> None:
    """Else everybody could make series by the namespaces that he names."""
    quota = BacklogQuota(1)
    quota.added(Namespace("full"), 1)
    async with open_world(tmp_path, quota=quota) as world:
        headers = {"X-Skyvern-Signature": "0" * 64}
        reply = await world.call("POST", "/v1/ingest/full/skyvern", headers=headers, json={})
        assert reply.status == 401
        assert refused(world, "backlog_full") == 0
        assert backlog_refusals(world, "full") is None


async def test_a_replay_is_one_more_that_waits(tmp_path: Path) -> None:
    async with open_world(tmp_path, quota=BacklogQuota(2)) as world:
        tenant = await world.tenant()
        await tenant.subscribe("hung", world.receiver.url("hang"))
        await tenant.report("tsk_1")
        [delivery] = (await tenant.get("/v1/deliveries"))["items"]
        again = f"/v1/deliveries/{delivery['id']}/replay"
        await tenant.post(again, status=202)
        reply = await tenant.call("POST", again)
        assert (reply.status, reply.code) == (429, "backlog_full")
        assert backlog_refusals(world, tenant.namespace) == 1
        reply = await tenant.call("POST", "/v1/deliveries/dlv_none/replay")
        assert reply.status == 404
        assert len((await tenant.get("/v1/deliveries"))["items"]) == 2


async def test_a_secret_lowers_what_its_key_may_send(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        tenant = Tenant(world, Namespace("small"), "key-of-a-small-namespace")
        annotations = {"hookgate.dev/max-body-bytes": "100"}
        document = {"metadata": {"annotations": annotations}}
        secrets = {"team": {"api-key": tenant.key.encode()}}
        await world.put(ResourceKind.API_KEY, tenant.namespace, "team", document, secrets)
        await tenant.report("tsk_1")
        reply = await tenant.call(
            "POST",
            "/v1/events",
            json={"run_id": "tsk_2", "status": "completed", "output": "x" * 100},
        )
        assert (reply.status, reply.code) == (413, "body_too_large")
        assert "larger than 100 bytes" in reply.json()["detail"]
        assert refused(world, "body_too_large") == 1


async def test_one_namespace_holds_half_of_what_unfinished_bodies_may() -> None:
    """All without a key count together, as one namespace does."""
    async with echo(BodyReader(1000, budget=1900)) as port, connected(port) as (reader, writer):
        writer.write(head(1000) + b"x" * 960)
        answer = await asyncio.wait_for(reader.readuntil(b"}"), 5)
        assert answer.startswith(b"HTTP/1.1 503 ")
