"""Rules and dashboards reach the cluster as the files that promtool and Grafana were shown."""

import json
import subprocess

import yaml

from tests.chart.combinations import release_of
from tests.chart.rendering import CHART, refuses, render
from tests.monitoring.prometheus import debian_program

FILES = CHART / "files"


def test_promtool_takes_the_rules(tmp_path):
    tool = debian_program("promtool")
    rules = release_of("everything").of("PrometheusRule")
    assert rules
    for number, rule in enumerate(rules):
        file = tmp_path / f"{number}.yaml"
        file.write_text(yaml.safe_dump(rule["spec"]))
        done = subprocess.run(
            [tool, "check", "rules", file], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_all_rules_are_there():
    files = [yaml.safe_load(path.read_text()) for path in sorted((FILES / "rules").glob("*.yaml"))]
    wanted = [group for file in files for group in file["groups"]]
    rules = release_of("monitored-elsewhere").of("PrometheusRule")
    found = [group for rule in rules for group in rule["spec"]["groups"]]
    assert sorted(found, key=_name) == sorted(wanted, key=_name)


def test_additional_labels_of_rules_reach_alerts_alone():
    """A label on a recording rule would make another series of it."""
    extra = {"additionalRuleLabels": {"team": "webhooks"}}
    objects = render({"metrics": {"prometheusRule": {"enabled": True} | extra}})
    rules = [
        rule
        for each in objects
        if each["kind"] == "PrometheusRule"
        for group in each["spec"]["groups"]
        for rule in group["rules"]
    ]
    alerts = [rule for rule in rules if "alert" in rule]
    assert alerts
    assert all(
        rule["labels"]["team"] == "webhooks" and "severity" in rule["labels"] for rule in alerts
    )
    assert not [rule for rule in rules if "record" in rule and "team" in rule.get("labels", {})]


def test_an_alert_can_be_left_out():
    values = {"prometheusRule": {"enabled": True, "disabledAlerts": ["HookgateBreakerOpen"]}}
    without = alerts(render({"metrics": values}))
    assert alerts(release_of("monitored-elsewhere").objects) - without == {"HookgateBreakerOpen"}
    assert without


def test_an_alert_that_is_not_there_cannot_be_left_out():
    said = refuses({"metrics": {"prometheusRule": {"enabled": True, "disabledAlerts": ["Open"]}}})
    assert "disabledAlerts names Open, and there is no such alert" in said
    assert "HookgateBreakerOpen" in said


def test_all_dashboards_are_there_unchanged():
    wanted = {path.name: path.read_text() for path in (FILES / "dashboards").glob("*.json")}
    found = {}
    for each in release_of("everything").of("ConfigMap"):
        if "grafana_dashboard" in each["metadata"].get("labels", ()):
            found |= each["data"]
    assert {name: json.loads(text) for name, text in found.items()} == {
        name: json.loads(text) for name, text in wanted.items()
    }
    assert len(wanted) == 3


def test_nothing_of_others_is_made_unless_asked_for():
    """A cluster without these definitions must take the defaults."""
    groups = {each["apiVersion"].partition("/")[0] for each in release_of("defaults").objects}
    assert groups <= {
        "apiextensions.k8s.io",
        "apps",
        "networking.k8s.io",
        "policy",
        "rbac.authorization.k8s.io",
        "v1",
    }


def alerts(objects):
    return {
        rule["alert"]
        for each in objects
        if each["kind"] == "PrometheusRule"
        for group in each["spec"]["groups"]
        for rule in group["rules"]
        if "alert" in rule
    }


def _name(group):
    return group["name"]
