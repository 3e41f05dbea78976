"""The metrics listener."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import aiohttp
import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as plain

from hookgate_gateway.api.health import Check, make_metrics_app, none_loaded, not_writable, stopping
from hookgate_gateway.observe import Observer, ReadinessCheck
from hookgate_gateway.rules.delivery import Namespace
from tests.gateway.api.test_bodies import Nobody
from tests.gateway.api.world import listening

STORE, MANIFESTS = ReadinessCheck.STORE, ReadinessCheck.MANIFESTS
NOTHING: Mapping[ReadinessCheck, Check] = {}


@asynccontextmanager
async def metrics(
    checks: Mapping[ReadinessCheck, Check] = NOTHING,
) -> AsyncIterator[tuple[aiohttp.ClientSession, str, Observer]]:
    observer = Observer(CollectorRegistry())
    app = make_metrics_app(checks, Nobody(), observer, patience=0.05)
    async with listening(app) as port, aiohttp.ClientSession() as session:
        yield session, f"http://127.0.0.1:{port}", observer


@pytest.mark.parametrize(
    ("accept", "kind"),
    [(None, "text/plain"), ("application/openmetrics-text; version=1.0.0", "application/openmetrics-text")],
)  # fmt: skip
async def test_figures_in_the_format_asked_for(accept: str | None, kind: str) -> None:
    async with metrics() as (session, url, observer):
        observer.received(Namespace("shop"), "task_v2", "completed", "accepted")
        headers = {"Accept": accept} if accept else {}
        async with session.get(f"{url}/metrics", headers=headers) as response:
            assert response.headers["Content-Type"].startswith(kind)
            text = await response.text()
    parsed = (openmetrics if accept else plain)(text)
    samples = {sample.name: sample.value for family in parsed for sample in family.samples}
    assert samples["hookgate_webhooks_received_total"] == 1


async def well() -> str | None:
    return None


async def broken() -> str | None:
    raise OSError("secret")


async def never() -> str | None:
    await asyncio.Event().wait()
    return None


async def yes() -> bool:
    return True


async def no() -> bool:
    return False


@pytest.mark.parametrize(
    ("check", "told"),
    [
        (well, None),
        (not_writable(yes), None),
        (not_writable(no), "the store cannot be written to"),
        (none_loaded(lambda: True), None),
        (none_loaded(lambda: False), "no manifest could be loaded"),
        (stopping(lambda: False), None),
        (stopping(lambda: True), "the gateway is stopping"),
        (broken, "failed: OSError"),
    ],
)
async def test_ready_says_which_check_failed(check: Check, told: str | None) -> None:
    async with metrics({STORE: well, MANIFESTS: check}) as (session, url, _):
        async with session.get(f"{url}/readyz") as response:
            assert response.status == (200 if told is None else 503)
            body = await response.json()
        assert body == {
            "status": "ready" if told is None else "not ready",
            "checks": {"store": "ok", "manifests": told or "ok"},
        }
        assert await gauge(session, url) == {"store": 1, "manifests": 1 if told is None else 0}
        async with session.get(f"{url}/healthz/") as response:
            assert (response.status, await response.json()) == (200, {"status": "ok"})


async def gauge(session: aiohttp.ClientSession, url: str) -> dict[str, float]:
    """What a scrape says of readiness."""
    async with session.get(f"{url}/metrics") as response:
        families = plain(await response.text())
    samples = [sample for family in families for sample in family.samples]
    return {s.labels["check"]: s.value for s in samples if s.name == "hookgate_ready"}


async def test_a_check_that_hangs_is_a_failed_check() -> None:
    async with metrics({STORE: never}) as (session, url, _):
        async with session.get(f"{url}/readyz") as response:
            assert response.status == 503
            assert (await response.json())["checks"] == {"store": "no answer in time"}
        assert await gauge(session, url) == {"store": 0}


async def test_a_scrape_looks_for_itself_whether_or_not_anybody_asks_for_readiness() -> None:
    problem: list[str | None] = [None, "the store cannot be written to", None]

    async def check() -> str | None:
        return problem.pop(0)

    async with metrics({STORE: check}) as (session, url, _):
        assert [await gauge(session, url) for _ in range(3)] == [
            {"store": 1},
            {"store": 0},
            {"store": 1},
        ]


async def test_nothing_else_is_there() -> None:
    async with metrics() as (session, url, _), session.get(f"{url}/v1/events") as response:
        assert response.status == 404
        assert (await response.json())["code"] == "no_such_route"
