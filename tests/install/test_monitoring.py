"""The standing release as Prometheus sees it, by the ServiceMonitors, the rules and the dashboards of the chart."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.acceptance.harness import eventually
from tests.cluster.installation import Team
from tests.install.release import WITHIN, Release
from tests.install.scraping import hastened, rule_file, scrape_configs
from tests.monitoring.dashboards import expressions, unanswered
from tests.monitoring.prometheus import Prometheus, prometheus

HEALTHY_FOR = 3  # seconds for which an alert of the copied rules has to hold


@asynccontextmanager
async def watching(standing: Release, home: Path) -> AsyncIterator[Prometheus]:
    """A Prometheus with what the chart has installed, whose alerts wait for seconds."""
    monitors = await standing.kubectl.items("servicemonitors")
    (rules,) = await standing.kubectl.items("prometheusrules")
    services = await standing.kubectl.items("services")
    slices = await standing.kubectl.items("endpointslices")
    configs = [each for one in monitors for each in scrape_configs(one, services, slices)]
    files = [rule_file(hastened(rules, HEALTHY_FOR), home / "rules.yaml")]
    async with prometheus(home / "prometheus", scrape_configs=configs, rule_files=files) as it:
        yield it


async def traffic(team: Team) -> None:
    """Runs that end, one after the other, for ever."""
    while True:
        await team.post()
        await asyncio.sleep(0.2)


async def test_scraped_healthy_and_not(standing, hookgate, kubectl, tmp_path):
    team = await hookgate.settled(kubectl)
    posting = asyncio.create_task(traffic(team))
    try:
        async with watching(standing, tmp_path) as it:
            await all_up(it, standing)
            await metrics_have_their_labels(it, team)
            await nothing_fires(it)
            await dashboards_answer(it)
            await one_fires(it, team)
    finally:
        posting.cancel()
        await asyncio.gather(posting, return_exceptions=True)


async def all_up(it: Prometheus, standing: Release) -> None:
    """A target for each pod, by the names that they have."""
    names = {pod["metadata"]["name"] for pod in await standing.pods()}
    up = await it.until("up == 1", lambda found: len(found) == len(names), within=WITHIN)
    assert {sample.labels["pod"] for sample in up} == names
    assert {sample.labels["job"] for sample in up} == {
        "hookgate-gateway-metrics",
        "hookgate-operator-metrics",
    }
    assert {sample.labels["namespace"] for sample in up} == {"standing"}
    assert all(target["health"] == "up" for target in await it.targets())


async def metrics_have_their_labels(it: Prometheus, team: Team) -> None:
    """A tenant's namespace stays; what knows none has the release's."""
    tenant = f'{{namespace="{team.namespace}"}}'
    for name in (
        "webhooks_received_total",
        "webhooks_delivered_total",
        "delivery_latency_seconds_bucket",
    ):
        await it.until(f"sum(rate(hookgate_{name}{tenant}[10s])) > 0", within=WITHIN)
    (pending,) = await it.query(f"hookgate_deliveries_pending{tenant}")
    assert pending.labels["subscription"] == "invoices"
    (oldest,) = await it.query("hookgate_oldest_due_delivery_age_seconds")
    assert oldest.labels["namespace"] == "standing"
    leaders = await it.query("hookgate_operator_leader")
    assert sorted(sample.value for sample in leaders) == [0, 1]


async def nothing_fires(it: Prometheus) -> None:
    """Every rule has been evaluated without an error, twice as long as an alert would need."""

    async def evaluated() -> bool:
        rules = [rule for group in await it.rules() for rule in group["rules"]]
        assert rules
        return all(rule["health"] == "ok" for rule in rules)

    await eventually(evaluated, within=WITHIN, what="all rules are evaluated")
    (began,) = await it.query("time()")
    await it.until(f"time() > {began.value + 2 * HEALTHY_FOR}", within=WITHIN)
    assert [told(alert) for alert in await it.alerts() if alert["state"] == "firing"] == []


def told(alert: dict[str, Any]) -> str:
    return f"{alert['labels']['alertname']}: {alert['annotations']['description']}"


async def dashboards_answer(it: Prometheus) -> None:
    found = await unanswered(it, expressions())
    assert [f"{one.dashboard}/{one.panel}" for one in found] == []


async def one_fires(it: Prometheus, team: Team) -> None:
    """A subscription whose Secret nobody has made."""
    await team.apply(team.subscription("orphan", secrets=("nowhere",)))
    (fired,) = await it.until(
        'ALERTS{alertname="HookgateSubscriptionNotReady", alertstate="firing"}', within=WITHIN
    )
    assert fired.labels["namespace"] == team.namespace
    annotations = next(
        alert["annotations"]
        for alert in await it.alerts()
        if alert["labels"]["alertname"] == "HookgateSubscriptionNotReady"
    )
    assert team.namespace in annotations["description"]
    assert annotations["runbook_url"].endswith("/HookgateSubscriptionNotReady.md")
