"""
Alerts: whole, about metrics that exist, and tried by promtool in both directions.

The cases are in `rules/`. That they would notice a mistake is shown as well: each alert is made wrong in every
way that changes its meaning, and promtool has to object each time.
"""

import re

import pytest
import yaml

from tests.acceptance.harness import eventually
from tests.monitoring.alerting import ALERTS, CASES, RECORDED, TESTS, recording, tried_files
from tests.monitoring.dashboards import RULES
from tests.monitoring.prometheus import prometheus
from tests.monitoring.promql import groupings, selectors
from tests.monitoring.promtool import promtool
from tests.monitoring.registered import gateway_metrics, operator_metrics
from tests.monitoring.wrong_rules import wrong_ones
from tests.test_metrics_reference import rows, words

OF_TARGETS = {"cluster", "job", "namespace", "instance"}
"""What a Prometheus adds; `cluster` where somebody has it so."""
REGISTERED = {name: set(of) for name, of in {**gateway_metrics(), **operator_metrics()}.items()}
EXISTS = REGISTERED | {name: set() for name in RECORDED}
RUNBOOK = "https://github.com/hookgate/hookgate/blob/main/docs/runbooks/{}.md"

each_alert = pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.id)


# ------------------------------------------------------------------------------------- promtool


@pytest.mark.parametrize("file", sorted(RULES.glob("*.yaml")), ids=lambda path: path.name)
def test_promtool_takes_the_rules(file):
    told = promtool("check", "rules", "--lint=all", "--lint-fatal", file)
    assert told.returncode == 0, told.stdout + told.stderr


@pytest.mark.parametrize("file", TESTS, ids=lambda path: path.name)
def test_alerts_fire_when_they_should_and_are_silent_when_they_should(file):
    told = promtool("test", "rules", file)
    assert told.returncode == 0, told.stdout + told.stderr


@each_alert
def test_each_is_tried_in_both_directions(alert):
    """It fires; it is silent about what is well, and about nothing at all."""
    cases = [case for case in CASES if case.alert == alert.name]
    assert [case for case in cases if alert.severity in case.severities]
    assert [case for case in cases if alert.severity not in case.severities and case.with_data]


def test_no_case_is_of_an_alert_that_is_not_there():
    """promtool is content with silence about it."""
    assert {case.alert for case in CASES} == {alert.name for alert in ALERTS}


def test_without_any_data_one_alert_says_so_and_no_other():
    told = {case.alert for case in CASES if not case.with_data and case.severities}
    assert told == {"HookgateMetricsMissing"}


@each_alert
def test_the_cases_would_notice_a_mistake(alert, tmp_path):
    """Every wrong one under a name of its own, with the cases of the right one; promtool names those that fail."""
    wrong = list(wrong_ones(alert))
    named = {f"{alert.name}{number}": what for number, (what, _) in enumerate(wrong)}
    changed = [
        rule | {"alert": name} for name, (_, it) in zip(named, wrong, strict=True) for rule in it
    ]
    tried = tmp_path / "rules.yaml"
    tried.write_text(
        yaml.safe_dump({"groups": [{"name": "wrong", "rules": [*recording(), *changed]}]})
    )
    noticed = set()
    for number, file in enumerate(tried_files()):
        groups = [_only(group, alert.name, named) for group in file["tests"]]
        asked = [group for group in groups if group["alert_rule_test"]]
        if asked:
            cases = tmp_path / f"{number}.yaml"
            cases.write_text(yaml.safe_dump(file | {"rule_files": [tried.name], "tests": asked}))
            told = promtool("test", "rules", cases)
            noticed |= set(re.findall(r"alertname: (\w+),", told.stdout + told.stderr))
    assert noticed <= named.keys()
    assert [what for name, what in named.items() if name not in noticed] == []


def _only(group, name, others):
    """The looks at one alert, as looks at each of the others."""
    looks = [look for look in group["alert_rule_test"] if look["alertname"] == name]
    return group | {
        "alert_rule_test": [look | {"alertname": other} for look in looks for other in others]
    }


# ----------------------------------------------------------------------------- what each one has


@each_alert
def test_each_says_how_soon_what_and_where_to_read_on(alert):
    assert re.fullmatch(r"Hookgate([A-Z][a-z]+)+", alert.name)
    assert alert.severity in {"critical", "warning", "info"}
    assert _seconds(alert.waits) >= 300, "two scrapes of a minute, and a restart"
    assert alert.annotations.keys() == {"summary", "description", "runbook_url"}
    assert alert.annotations["runbook_url"] == RUNBOOK.format(alert.name)
    summary = alert.annotations["summary"]
    assert summary.endswith(".")
    assert "{{" not in summary, "the same for all that are grouped by it"
    assert len(summary) < 90


@each_alert
def test_numbers_are_written_for_people(alert):
    text = alert.annotations["description"]
    for use in re.findall(r"\{\{[^}]*\$value[^}]*\}\}", text):
        assert re.search(r"\| (humanize\w*|printf \"%\.0f\") \}\}$", use), use


def test_a_name_twice_has_two_severities():
    """Alertmanager inhibits the lesser one by the name."""
    assert len({alert.id for alert in ALERTS}) == len(ALERTS)


@each_alert
def test_what_a_description_names_is_a_label_of_the_alert(alert):
    named = set(re.findall(r"\$labels\.(\w+)", alert.annotations["description"]))
    assert named <= _labels_of(alert)


def _labels_of(alert):
    """Those that its expression has on its left, where its value comes from."""
    recorded = [RECORDED[s.name] for s in selectors(alert.expr) if s.name in RECORDED]
    grouped = [g for expr in (alert.expr, *recorded) for g in groupings(expr) if g.word == "by"]
    return set(grouped[0].labels) if grouped else set()


# ------------------------------------------------------------------------------- what they ask


@pytest.mark.parametrize("expr", [*(alert.expr for alert in ALERTS), *RECORDED.values()])
def test_every_series_and_label_exists(expr):
    found = selectors(expr)
    assert found
    labels = OF_TARGETS.copy()
    for selector in found:
        assert selector.name in EXISTS, selector
        assert selector.matchers.keys() <= EXISTS[selector.name], selector
        labels |= EXISTS[selector.name]
    assert {label for grouping in groupings(expr) for label in grouping.labels} <= labels


@pytest.mark.parametrize("expr", [alert.expr for alert in ALERTS])
def test_every_value_of_a_label_is_one_that_it_has(expr):
    closed = {
        (metric, words(label)[0]): set(words(values))
        for metrics, label, values in rows("Values of labels")
        for metric in words(metrics)
    }
    for selector in selectors(expr):
        for label, (_, value) in selector.matchers.items():
            if value:
                assert set(value.split("|")) <= closed[selector.name, label], selector


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.id)
def test_ranges_have_four_scrapes_of_a_minute(alert):
    for length in re.findall(r"\[(\w+)\]", alert.expr):
        assert _seconds(length) >= 240, length


@each_alert
def test_nothing_depends_on_what_a_target_is_called(alert):
    """Jobs are named by whoever scrapes, and labels that come with a pod go with it."""
    asked = {label for selector in selectors(alert.expr) for label in selector.matchers}
    assert not asked & {"job", "instance", "pod", "service", "container"}
    assert "without" not in {grouping.word for grouping in groupings(alert.expr)}


async def test_a_real_prometheus_evaluates_them_all(tmp_path):
    async def all_rules():
        found = [rule for group in await it.rules() for rule in group["rules"]]
        return found if all(rule["health"] != "unknown" for rule in found) else []

    async with prometheus(tmp_path, scrape_configs=[], rule_files=sorted(RULES.glob("*"))) as it:
        found = await eventually(all_rules, within=20, what="every rule was evaluated")
    assert len([rule for rule in found if rule["type"] == "alerting"]) == len(ALERTS)
    assert [rule["name"] for rule in found if rule["health"] != "ok"] == []


def _seconds(duration):
    """`90m`, `1h`, `5m`."""
    number, unit = re.fullmatch(r"(\d+)([smhd])", duration).groups()
    return int(number) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[unit]
