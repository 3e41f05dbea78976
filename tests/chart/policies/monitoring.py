"""What Prometheus and Grafana are given: monitors that find their targets, rules, dashboards."""

import json
from collections.abc import Iterator

from tests.chart.releases import Release, told
from tests.chart.rendering import Object

LARGEST_CONFIG_MAP = 1024 * 1024


def every_service_monitor_finds_one_service(release: Release) -> Iterator[str]:
    for monitor in release.of("ServiceMonitor"):
        selector = monitor["spec"]["selector"]["matchLabels"]
        found = [
            s for s in release.of("Service") if selector.items() <= s["metadata"]["labels"].items()
        ]
        ports = {endpoint["port"] for endpoint in monitor["spec"]["endpoints"]}
        matching = [s for s in found if ports <= {port["name"] for port in s["spec"]["ports"]}]
        if len(matching) != 1:
            yield f"{told(monitor)}: {[told(s) for s in matching]} of {[told(s) for s in found]}"


def every_pod_monitor_finds_the_pods_of_one_component(release: Release) -> Iterator[str]:
    for monitor in release.of("PodMonitor"):
        selector = monitor["spec"]["selector"]["matchLabels"]
        found = [pod for pod in release.pods if pod.matched_by(selector)]
        ports = {endpoint["port"] for endpoint in monitor["spec"]["podMetricsEndpoints"]}
        if len(found) != 1 or not ports <= {port["name"] for port in found[0].ports}:
            yield f"{told(monitor)}: {[told(pod.owner) for pod in found]}, {ports}"


def every_component_is_scraped_once(release: Release) -> Iterator[str]:
    """A ServiceMonitor and a PodMonitor for the same pods would count everything twice."""
    monitors = release.of("ServiceMonitor", "PodMonitor")
    if monitors and len(monitors) != len(release.pods):
        yield f"{len(monitors)} monitors for {len(release.pods)} components"


def scraping_keeps_our_own_namespace_label(release: Release) -> Iterator[str]:
    """hookgate_deliveries_pending{namespace="shop"} is the tenant's, not the target's."""
    for monitor, endpoint in _endpoints(release):
        if endpoint.get("honorLabels") is not True:
            yield f"{told(monitor)}: {endpoint}"


def monitors_ask_for_metrics(release: Release) -> Iterator[str]:
    for monitor, endpoint in _endpoints(release):
        if (endpoint["port"], endpoint.get("path")) != ("metrics", "/metrics"):
            yield f"{told(monitor)}: {endpoint}"


def monitors_look_in_the_namespace_of_the_release(release: Release) -> Iterator[str]:
    for monitor in release.of("ServiceMonitor", "PodMonitor"):
        own = {"matchNames": [monitor["metadata"]["namespace"]]}
        looked = monitor["spec"].get("namespaceSelector", own)
        if looked != {"matchNames": [release.namespace]}:
            yield f"{told(monitor)}: {looked}"


def every_dashboard_fits_and_is_json(release: Release) -> Iterator[str]:
    for config_map in _dashboards(release):
        for name, text in config_map["data"].items():
            if len(text.encode()) >= LARGEST_CONFIG_MAP:
                yield f"{name}: {len(text.encode())} bytes"
            try:
                dashboard = json.loads(text)
            except ValueError as error:
                yield f"{name}: {error}"
                continue
            if not name.endswith(".json") or not dashboard.get("uid"):
                yield f"{name}: no uid"
            if dashboard.get("id") is not None:
                yield f"{name}: id is {dashboard['id']}"


def no_two_dashboards_have_one_uid(release: Release) -> Iterator[str]:
    uids = [
        json.loads(text)["uid"] for each in _dashboards(release) for text in each["data"].values()
    ]
    if len(set(uids)) < len(uids):
        yield f"{sorted(uids)}"


def _endpoints(release: Release) -> Iterator[tuple[Object, Object]]:
    for kind, key in (("ServiceMonitor", "endpoints"), ("PodMonitor", "podMetricsEndpoints")):
        for monitor in release.of(kind):
            for endpoint in monitor["spec"][key]:
                yield monitor, endpoint


def _dashboards(release: Release) -> list[Object]:
    return [
        each
        for each in release.of("ConfigMap")
        if "grafana_dashboard" in each["metadata"].get("labels", ())
    ]


POLICIES = (
    every_service_monitor_finds_one_service,
    every_pod_monitor_finds_the_pods_of_one_component,
    every_component_is_scraped_once,
    scraping_keeps_our_own_namespace_label,
    monitors_ask_for_metrics,
    monitors_look_in_the_namespace_of_the_release,
    every_dashboard_fits_and_is_json,
    no_two_dashboards_have_one_uid,
)
