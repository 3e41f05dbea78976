"""
The run that the pictures show: two teams, an outage, a hold, a change of leader; each minute is as long as it is.

A minute of quiet traffic; then the receiver of `shop/invoices` closes its connections for two minutes and is well
again; `robots/alerts` is suspended for a minute and a half and resumed; `shop/legacy`, which redirected the few reports
that it wants to an address of old, is mended and what was given up is replayed; near the end the leader is stopped, and
its standby goes on. Somebody uses a key that nobody has, and sends what is no HTTP.
"""

import asyncio
import json
import math
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.acceptance.harness import report
from tests.cluster import programs
from tests.cluster.controlplane import OwnControlPlane
from tests.cluster.crds import install_crds
from tests.cluster.installation import Installation, Team, installation
from tests.cluster.planes import OperatorProcess, operator_settings
from tests.monitoring.dashboards import RULES
from tests.monitoring.prometheus import Prometheus, job, prometheus
from tests.monitoring.traffic import no_http

EVERY = 5.0  # seconds between scrapes
MINUTES = 8.0
REPORTS_PER_SECOND = 12
SHOP, ROBOTS = "shop", "robots"
DOWN, WELL, SUSPENDED, RESUMED, REPLAYED, LEADER_STOPS = 1.5, 3.5, 4.5, 6.0, 6.3, 6.9  # minutes


@dataclass(frozen=True, slots=True)
class Told:
    """The run as Prometheus knows it."""

    prometheus: Prometheus
    start: float
    end: float


@asynccontextmanager
async def run(home: Path, minutes: float = MINUTES) -> AsyncIterator[Told]:
    """Everything, from the API server on, until the story is over; then what was scraped can be asked."""
    where = home / "control-plane"
    await asyncio.to_thread(where.mkdir)
    plane = OwnControlPlane(programs.programs(), programs.kubectl(), where)
    try:
        plane.start()
        install_crds(plane)
        for name in (SHOP, ROBOTS):
            plane.admin.must("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
        leading = {"leader_election": "true", "lease_namespace": SHOP}
        async with installation(
            home, plane.kubeconfig, namespaces=f"{SHOP},{ROBOTS}", **leading
        ) as it:
            await it.start()
            standby = _standby(home, plane, it)
            standby.start()
            try:
                async with prometheus(
                    home / "prometheus", scrape_configs=_scraped(it, standby), rule_files=sorted(RULES.glob("*.yaml")), every=EVERY
                ) as asked:  # fmt: skip
                    shop, robots = (it.team(plane.kubectl(name)) for name in (SHOP, ROBOTS))
                    await _declare(shop, robots)
                    start = await _scraped_once(asked)
                    await _story(it, shop, robots, minutes)
                    yield Told(asked, start, time.time())  # noqa: TID251  # what Prometheus goes by
            finally:
                standby.stop()
    finally:
        plane.stop()


def _standby(home: Path, plane: OwnControlPlane, it: Installation) -> OperatorProcess:
    told = operator_settings(it.gateway, f"{SHOP},{ROBOTS}", lease_namespace=SHOP)
    return OperatorProcess(home / "standby", kubeconfig=plane.kubeconfig, **told)


def _scraped(it: Installation, standby: OperatorProcess) -> list[dict[str, Any]]:
    """As in a cluster: instances have the names of pods."""
    pods = {
        "hookgate-gateway-0": it.gateway.metrics_port,
        "hookgate-operator-a": it.operator.port,
        "hookgate-operator-b": standby.port,
    }
    return [
        {
            **job("hookgate"),
            "static_configs": [
                {"targets": [f"127.0.0.1:{port}"], "labels": {"instance": pod}}
                for pod, port in pods.items()
            ],
        }
    ]


async def _scraped_once(asked: Prometheus) -> float:
    await asked.until('min(up{job="hookgate"}) == 1', within=30)
    return time.time()  # noqa: TID251  # what Prometheus goes by


async def _declare(shop: Team, robots: Team) -> None:
    for team in (shop, robots):
        await team.settle()
    breaker = {"circuitBreaker": {"consecutiveFailures": 5, "openSeconds": 15}}
    slow = "?seconds=0.04"
    shop.on.receiver.script |= {
        f"{SHOP}/invoices": "slow",
        f"{SHOP}/crm": "slow",
        f"{SHOP}/legacy": "redirect",
        f"{ROBOTS}/alerts": "ok200",
    }
    invoices = shop.subscription("invoices", "switch", retry=(10, 20, 40, 80), delivery=breaker)
    invoices["spec"]["endpoint"]["url"] += slow
    crm = shop.subscription("crm", "switch", retry=(10, 20))
    crm["spec"]["endpoint"]["url"] += "?seconds=0.12"
    legacy = shop.subscription("legacy", "switch", match={"runTypes": ["workflow_run"]})
    await shop.apply(invoices, crm, legacy)
    await robots.apply(robots.subscription("alerts", "switch"), _unready(robots))
    await shop.ready("legacy")
    await robots.ready("alerts")


def _unready(team: Team) -> dict[str, Any]:
    return team.subscription("drafts", secrets=("not-made-yet",))


async def _story(it: Installation, shop: Team, robots: Team, minutes: float) -> None:
    traffic = [
        *(asyncio.create_task(_report(team)) for team in (shop, robots)),
        asyncio.create_task(_annoy(it)),
    ]
    suspended, resumed = (robots.subscription("alerts", "switch", suspend=s) for s in (True, False))

    async def leader_stops() -> None:
        it.operator.ask_to_stop()

    async def over() -> None:
        pass

    try:
        async with asyncio.TaskGroup() as scenes:
            for minute, scene in (
                (DOWN, lambda: _behaves(it, "close")),
                (WELL, lambda: _behaves(it, "slow")),
                (SUSPENDED, lambda: robots.apply(suspended)),
                (RESUMED, lambda: robots.apply(resumed)),
                (REPLAYED, lambda: _mended(it, shop)),
                (LEADER_STOPS, leader_stops),
                (MINUTES, over),
            ):
                scenes.create_task(_at(minute * minutes / MINUTES, scene))
    finally:
        for each in traffic:
            each.cancel()
            with suppress(asyncio.CancelledError):
                await each


async def _at(minute: float, scene: Callable[[], Awaitable[object]]) -> None:
    await asyncio.sleep(60 * minute)
    await scene()


async def _behaves(it: Installation, behaviour: str) -> None:
    it.receiver.script[f"{SHOP}/invoices"] = behaviour


async def _mended(it: Installation, shop: Team) -> None:
    it.receiver.script[f"{SHOP}/legacy"] = "ok200"
    wanted = {"filter": {"subscription": "legacy", "state": "exhausted"}, "rate_per_second": 2}
    reply = await it.gateway.post("/v1/replays", json.dumps(wanted).encode(), key=shop.key)
    assert reply.status == 202, reply


async def _report(team: Team) -> None:
    """Reports at a rate that comes and goes, one in forty of a workflow, one in fifty twice."""
    chance = random.Random(team.namespace)
    while True:
        wave = 1 + 0.4 * math.sin(time.monotonic() / 25)
        await asyncio.sleep(chance.expovariate(REPORTS_PER_SECOND * wave / 2))
        kind = "workflow_run" if chance.random() < 1 / 40 else "task_v2"
        body = report(f"tsk_{chance.getrandbits(64):016x}", run_type=kind)
        for _ in range(2 if chance.random() < 1 / 50 else 1):
            reply = await team.on.gateway.report(body, key=team.key)
            assert reply.status in (200, 202), reply


async def _annoy(it: Installation) -> None:
    """Now and then a wrong key and something that is no HTTP."""
    chance = random.Random("annoyance")
    while True:
        await asyncio.sleep(chance.expovariate(1 / 4))
        await it.gateway.call("GET", "/v1/runs", key="a-key-that-nobody-has-0123456789")
        await no_http(it.gateway.port)
