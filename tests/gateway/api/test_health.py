"""The metrics listener."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as plain

from hookgate_gateway.api.health import Check, make_metrics_app, none_loaded, not_writable, stopping
from hookgate_gateway.observe import Observer
from hookgate_gateway.rules.delivery import Namespace
from tests.gateway.api.test_bodies import Nobody
from tests.gateway.api.world import listening


@asynccontextmanager
async def metrics(**checks: Check) -> AsyncIterator[tuple[aiohttp.ClientSession, str, Observer]]:
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
    async with metrics(other=well, this=check) as (session, url, _):
        async with session.get(f"{url}/readyz") as response:
            assert response.status == (200 if told is None else 503)
            body = await response.json()
        assert body == {
            "status": "ready" if told is None else "not ready",
            "checks": {"other": "ok", "this": told or "ok"},
        }
        async with session.get(f"{url}/healthz/") as response:
            assert (response.status, await response.json()) == (200, {"status": "ok"})


async def test_a_check_that_hangs_is_a_failed_check() -> None:
    async with metrics(this=never) as (session, url, _), session.get(f"{url}/readyz") as response:
        assert response.status == 503
        assert (await response.json())["checks"] == {"this": "no answer in time"}


async def test_nothing_else_is_there() -> None:
    async with metrics() as (session, url, _), session.get(f"{url}/v1/events") as response:
        assert response.status == 404
        assert (await response.json())["code"] == "no_such_route"
