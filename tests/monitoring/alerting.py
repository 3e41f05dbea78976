"""
The alert rules as they are shipped, and the cases by which promtool tries them.

    for alert in ALERTS:
        alert.name, alert.severity, alert.expr, alert.waits, alert.annotations
    for case in CASES:            # one time at which one alert is looked at
        case.alert, case.severities   # those that fire; none: it is to be silent

An alert's name may be there twice, with two severities; `Alert.id` is unique.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.monitoring.dashboards import RULES

FILE = RULES / "alerts.yaml"
TESTS = sorted((Path(__file__).parent / "rules").glob("*.yaml"))


@dataclass(frozen=True, slots=True)
class Alert:
    """One alerting rule."""

    name: str
    expr: str
    waits: str
    """For how long it holds before somebody is told."""
    labels: Mapping[str, str]
    annotations: Mapping[str, str]

    @property
    def severity(self) -> str:
        return self.labels["severity"]

    @property
    def id(self) -> str:
        return f"{self.name}-{self.severity}"


@dataclass(frozen=True, slots=True)
class Case:
    """One look of promtool at one alert."""

    alert: str
    severities: frozenset[str]
    with_data: bool
    """Whether anything was scraped at all."""


def tried_files() -> list[dict[str, Any]]:
    """What promtool is given: series, and looks at alerts."""
    return [yaml.safe_load(path.read_text()) for path in TESTS]


def recording() -> list[dict[str, Any]]:
    """The recording rules that alerts are made of."""
    return [rule for rule in _rules() if "record" in rule]


def alerting(name: str) -> list[dict[str, Any]]:
    """The rules of one alert's name: one for each severity."""
    return [rule for rule in _rules() if rule.get("alert") == name]


def _rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load(FILE.read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def _alert(rule: Mapping[str, Any]) -> Alert:
    return Alert(rule["alert"], rule["expr"], rule["for"], rule["labels"], rule["annotations"])


def _cases(groups: Iterable[Mapping[str, Any]]) -> list[Case]:
    return [
        Case(
            look["alertname"],
            frozenset(expected["exp_labels"]["severity"] for expected in look["exp_alerts"]),
            bool(group.get("input_series")),
        )
        for group in groups
        for look in group["alert_rule_test"]
    ]


RECORDED = {rule["record"]: rule["expr"] for rule in recording()}
ALERTS = [_alert(rule) for rule in _rules() if "alert" in rule]
CASES = _cases(group for file in tried_files() for group in file["tests"])
