"""The standing release as Prometheus sees it, by the ServiceMonitors, the rules and the dashboards of the chart."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.acceptance.harness import eventually
from tests.cluster.installation import API_KEY, Team
from tests.install.release import WITHIN, Release
from tests.install.scraping import hastened, rule_file, scrape_configs
from tests.monitoring.dashboards import expressions, unanswered
from tests.monitoring.prometheus import Prometheus, Sample, prometheus

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
            await one_fires(it, team)
            await dashboards_answer(it, team)
    finally:
        posting.cancel()
        await asyncio.gather(posting, return_exceptions=True)


async def all_up(it: Prometheus, standing: Release) -> None:
    """A target for each pod, by the names that they have."""
    names = {pod["metadata"]["name"] for pod in await standing.pods()}
    up = await it.until("up == 1", lambda found: len(found) == len(names), within=WITHIN)
    assert {sample.labels["pod"] for sample in up} == names
    assert {sample.labels["job"] for sample in up} == {"standing/hookgate"}
    assert {sample.labels["namespace"] for sample in up} == {"standing"}

    async def all_healthy() -> bool:
        return all(target["health"] == "up" for target in await it.targets())

    await eventually(all_healthy, within=WITHIN, what="every target answers within a second")


async def metrics_have_their_labels(it: Prometheus, team: Team) -> None:
    """A tenant's namespace stays; what knows none has the release's."""
    tenant = f'{{namespace="{team.namespace}"}}'
    for name in (
        "webhooks_received_total",
        "webhooks_delivered_total",
        "delivery_latency_seconds_bucket",
    ):
        await it.until(f"sum(rate(hookgate_{name}{tenant}[10s])) > 0", within=WITHIN)
    # A target that is slow once has no samples until the next scrape.
    (pending,) = await it.until(f"hookgate_deliveries_pending{tenant}", within=WITHIN)
    assert pending.labels["subscription"] == "invoices"
    (oldest,) = await it.until("hookgate_oldest_due_delivery_age_seconds", within=WITHIN)
    assert oldest.labels["namespace"] == "standing"
    await it.until("hookgate_operator_leader", one_of_two_leads, within=WITHIN)


def one_of_two_leads(leaders: list[Sample]) -> bool:
    return sorted(sample.value for sample in leaders) == [0, 1]


async def nothing_fires(it: Prometheus) -> None:
    """Every rule is evaluated without an error, and no alert holds once the start is over, not even pending."""

    async def evaluated() -> bool:
        rules = [rule for group in await it.rules() for rule in group["rules"]]
        assert rules
        return all(rule["health"] == "ok" for rule in rules)

    await eventually(evaluated, within=WITHIN, what="all rules are evaluated")
    last: list[str] = []

    async def quiet() -> bool:
        last[:] = [told(alert) for alert in await it.alerts()]
        return not last

    await it.until(f"vector(time()) > {time.time() + 2 * HEALTHY_FOR}", within=WITHIN)  # noqa: TID251
    try:
        await eventually(quiet, within=WITHIN)
    except AssertionError:
        raise AssertionError(f"alerts of a healthy release: {last}") from None


def told(alert: dict[str, Any]) -> str:
    return f"{alert['labels']['alertname']}: {alert['annotations']['description']}"


async def dashboards_answer(it: Prometheus, team: Team) -> None:
    """Every panel has something to show once there is something of everything."""
    await team.apply(*some_of_everything(team))
    left = expressions()

    async def all_answered() -> bool:
        gateway = team.on.gateway
        await gateway.call("GET", "/v1/runs", key="a-key-that-nobody-has-0123456789")
        await no_http(gateway.address(), 8080)
        ingest, unsigned = f"/v1/ingest/{team.namespace}/skyvern", "0" * 64
        await gateway.post(ingest, b"{}", key=None, X_Skyvern_Signature=unsigned)
        left[:] = await unanswered(it, left)
        return not left

    try:
        await eventually(all_answered, within=WITHIN)
    except AssertionError:
        panels = sorted({f"{one.dashboard}/{one.panel}" for one in left})
        raise AssertionError(f"panels without data: {panels}") from None


async def no_http(host: str, port: int) -> None:
    """Say something to a listener that is no HTTP, and hear it out."""
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(b"what?\r\n\r\n")
    await reader.read()
    writer.close()
    await writer.wait_closed()


def some_of_everything(team: Team) -> list[dict[str, Any]]:
    """What fails, what is held, what is refused, what is sent again."""
    breaker = {"circuitBreaker": {"consecutiveFailures": 2, "openSeconds": 2}}
    return [
        team.subscription("failing", "ok200/failing?status=500"),
        team.subscription("broken", "close/broken", delivery=breaker),
        team.subscription("held", suspend=True),
        team.secret(
            "source", {"hookgate.dev/source": "skyvern"}, key="key-of-a-skyvern-server-01234"
        ),
        team.secret("too-short", API_KEY, **{"api-key": "short"}),
        {
            "apiVersion": "hookgate.dev/v1alpha1",
            "kind": "WebhookReplay",
            "metadata": {"name": "again", "namespace": team.namespace},
            "spec": {"filter": {"subscription": "invoices", "state": "delivered"}},
        },
    ]


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
