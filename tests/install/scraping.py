"""
What the Prometheus operator makes of a ServiceMonitor and a PrometheusRule, for a Prometheus without it.

Targets are the endpoints of the namespaces' Services, with the `__meta_` labels that Prometheus' own discovery
gives them (Debian's Prometheus comes without it); what is kept of them and how it is labelled is Prometheus'
relabeling, with the operator's rules: namespace, service, pod, endpoint, and the Service's name as
`job`.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

Object = dict[str, Any]
_META = "__meta_kubernetes"
_UNDERSCORES = str.maketrans("./-", "___")


def scrape_configs(
    monitor: Object, services: Iterable[Object], slices: Iterable[Object]
) -> list[Object]:
    """One for each endpoint of a ServiceMonitor."""
    metadata, spec = monitor["metadata"], monitor["spec"]
    namespaces = spec.get("namespaceSelector", {}).get("matchNames", [metadata["namespace"]])
    found = [
        target
        for each in services
        if each["metadata"]["namespace"] in namespaces
        for target in _discovered(each, slices)
    ]
    return [
        {
            "job_name": f"serviceMonitor/{metadata['namespace']}/{metadata['name']}/{number}",
            "static_configs": found,
            "honor_labels": endpoint.get("honorLabels", False),
            "metrics_path": endpoint.get("path", "/metrics"),
            "scheme": endpoint.get("scheme", "http"),
            "relabel_configs": [
                *_selected(spec["selector"]["matchLabels"]),
                _keep(f"{_META}_endpointslice_port_name", endpoint["port"]),
                *_target_labels(),
                _replace("endpoint", endpoint["port"]),
                *map(_as_prometheus_has_it, endpoint.get("relabelings", ())),
            ],
            "metric_relabel_configs": [
                *map(_as_prometheus_has_it, endpoint.get("metricRelabelings", ()))
            ],
        }
        for number, endpoint in enumerate(spec["endpoints"])
    ]


def _discovered(service: Object, slices: Iterable[Object]) -> list[Object]:
    """A Service's endpoints, one target for each port: what discovery by EndpointSlices finds."""
    metadata = service["metadata"]
    labels = {
        f"{_META}_service_label_{name.translate(_UNDERSCORES)}": value
        for name, value in metadata["labels"].items()
    }
    return [
        {
            "targets": [f"{address}:{port['port']}"],
            "labels": {
                **labels,
                f"{_META}_namespace": metadata["namespace"],
                f"{_META}_service_name": metadata["name"],
                f"{_META}_pod_name": end["targetRef"]["name"],
                f"{_META}_endpointslice_port_name": port["name"],
            },
        }
        for each in slices
        if each["metadata"]["labels"]["kubernetes.io/service-name"] == metadata["name"]
        for port in each["ports"]
        for end in each["endpoints"]
        for address in end["addresses"]
    ]


def rule_file(rule: Object, path: Path) -> Path:
    """A PrometheusRule as the file that Prometheus loads."""
    path.write_text(yaml.safe_dump(rule["spec"]))
    return path


def hastened(rule: Object, seconds: int) -> Object:
    """A copy whose alerts wait at most so long, and whose groups are asked each second."""
    groups = [
        {
            **{key: value for key, value in group.items() if key != "interval"},
            "rules": [
                {**each, "for": f"{seconds}s"} if "for" in each else each for each in group["rules"]
            ],
        }
        for group in rule["spec"]["groups"]
    ]
    return {**rule, "spec": {**rule["spec"], "groups": groups}}


def _selected(labels: dict[str, str]) -> list[Object]:
    return [
        _keep(f"{_META}_service_label_{name.translate(_UNDERSCORES)}", value)
        for name, value in labels.items()
    ]


def _target_labels() -> list[Object]:
    named = {
        "namespace": "namespace",
        "service": "service_name",
        "pod": "pod_name",
        "job": "service_name",
    }
    return [
        {"source_labels": [f"{_META}_{meta}"], "target_label": label}
        for label, meta in named.items()
    ]


def _keep(label: str, value: str) -> Object:
    return {"source_labels": [label], "regex": value, "action": "keep"}


def _replace(label: str, value: str) -> Object:
    return {"target_label": label, "replacement": value}


def _as_prometheus_has_it(relabeling: Object) -> Object:
    """The operator's names of fields, as Prometheus'."""
    names = {"sourceLabels": "source_labels", "targetLabel": "target_label"}
    return {names.get(name, name): value for name, value in relabeling.items()}
