"""The dashboards of the chart: Grafana takes them, Prometheus takes their questions, and all that is asked exists."""

import json
import re
from collections import Counter

import pytest
import yaml
from generators.dashboards.__main__ import written
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard
from prometheus_client import CollectorRegistry, ProcessCollector

from hookgate_gateway.settings import SETTINGS
from tests.monitoring.dashboards import FOLDER, NAMES, RULES, dashboard, expressions, panels
from tests.monitoring.prometheus import prometheus
from tests.monitoring.promql import groupings, selectors
from tests.monitoring.promtool import gives
from tests.monitoring.registered import gateway_metrics, operator_metrics

DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
ALL = expressions(namespace="shop", subscription="invoices")
ALERTS = {"alertname", "alertstate", "severity", "namespace", "subscription"}
OF_TARGETS = {"cluster", "job", "instance"}
INSTALLATION = ("cluster", "job")
LABEL_VALUES = re.compile(r"label_values\((.*), (\w+)\)$")

each_dashboard = pytest.mark.parametrize("name", NAMES)
each_expression = pytest.mark.parametrize("asked", ALL, ids=lambda e: f"{e.dashboard}: {e.panel}")


def recorded() -> dict[str, set[str]]:
    """What the recording rules make, each with its labels."""
    groups = yaml.safe_load((RULES / "recording.yaml").read_text())["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    return {rule["record"]: set(groupings(rule["expr"])[0].labels) for rule in rules}


def of_processes() -> dict[str, set[str]]:
    """What every client of Prometheus has, on Linux."""
    families = ProcessCollector(registry=CollectorRegistry()).collect()
    return {sample.name: set() for family in families for sample in family.samples}


EXISTS = {
    **of_processes(),
    **{name: set(labels) for name, labels in {**gateway_metrics(), **operator_metrics()}.items()},
    **recorded(),
    "ALERTS": ALERTS,
}


# -------------------------------------------------------------------------------------- Grafana


def test_the_files_are_those_that_are_written():
    """`make generate` was run."""
    assert {path.name: path.read_text() for path in FOLDER.iterdir()} == written()


@each_dashboard
def test_grafana_knows_every_field_of_it(name):
    """Grafana's own types drop what they do not know, and refuse a value that is none."""
    register_default_plugins()
    ours = dashboard(name)
    theirs = json.loads(JSONEncoder(sort_keys=True).encode(Dashboard.from_json(ours)))
    assert list(_lost(ours, theirs)) == []


def _lost(ours, theirs, path=""):
    """The places of what is ours and not theirs; what theirs adds are defaults."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key, value in ours.items():
            yield from _lost(value, theirs.get(key, "missing"), f"{path}/{key}")
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for index, (one, other) in enumerate(zip(ours, theirs, strict=True)):
            yield from _lost(one, other, f"{path}[{index}]")
    elif ours != theirs:
        yield path, ours, theirs


@each_dashboard
def test_it_can_be_imported_everywhere(name):
    """No id of an installation, no datasource but the variable, and its name for good."""
    it = dashboard(name)
    assert it["uid"] == name
    assert not {"id", "__inputs", "__requires"} & it.keys()
    assert it["tags"] == ["hookgate"]
    assert it["links"][0]["tags"] == it["tags"], "the others are found by the tag"
    asking = [
        *panels(name),
        *(target for panel in panels(name) for target in panel["targets"]),
        *(v for v in it["templating"]["list"] if v["type"] == "query"),
    ]
    assert all(each["datasource"] == DATASOURCE for each in asking)
    (chosen,) = [v for v in it["templating"]["list"] if v["type"] == "datasource"]
    assert (chosen["name"], chosen["query"]) == ("datasource", "prometheus")


@each_dashboard
def test_every_panel_says_what_is_normal_and_has_a_unit(name):
    titles = Counter(panel["title"] for panel in panels(name))
    for panel in panels(name):
        assert panel["title"], panel
        assert len(panel["description"]) > 40, panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
        assert panel["targets"], panel["title"]
        if panel["type"] == "stat":
            assert panel["fieldConfig"]["defaults"]["noValue"], panel["title"]
    same = [panel["type"] for panel in panels(name) if titles[panel["title"]] > 1]
    assert set(same) in (set(), {"stat", "timeseries"}), "a title once, or now and over time"


@each_dashboard
def test_no_panel_lies_on_another(name):
    taken = Counter(
        (x, y)
        for place in (panel["gridPos"] for panel in dashboard(name)["panels"])
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    )
    assert max(taken.values()) == 1
    assert max(x for x, _ in taken) < 24
    ids = [panel["id"] for panel in dashboard(name)["panels"]]
    assert len(set(ids)) == len(ids)


@each_dashboard
def test_settings_that_are_named_exist(name):
    text = (FOLDER / f"{name}.json").read_text()
    assert set(re.findall(r"HOOKGATE_[A-Z_]+[A-Z]", text)) <= SETTINGS.known()


def test_links_lead_to_a_dashboard_and_its_variables():
    links = {
        link["url"]
        for name in NAMES
        for panel in panels(name)
        for link in panel["fieldConfig"]["defaults"].get("links", ())
    }
    for url in links:
        target = url.removeprefix("/d/").partition("?")[0]
        there = {variable["name"] for variable in dashboard(target)["templating"]["list"]}
        handed = set(re.findall(r"var-(\w+)=|\$\{(\w+):queryparam\}", url))
        assert {name or taken for name, taken in handed} == there


# ----------------------------------------------------------------------------------- Prometheus


async def test_prometheus_takes_every_question(tmp_path):
    async with prometheus(tmp_path, scrape_configs=[]) as it:
        for asked in ALL:
            assert "$" not in asked.expr, asked
            await it.parses(asked.expr)
        for name in NAMES:
            for values in variables(name):
                await it.parses(LABEL_VALUES.match(values)[1])


def variables(name):
    """What the variables ask, with those substituted that they need."""
    return [
        re.sub(r"\$(cluster|job)", ".*", variable["query"]["query"]).replace("$namespace", "shop")
        for variable in dashboard(name)["templating"]["list"]
        if variable["type"] == "query"
    ]


@each_expression
def test_every_series_and_label_exists(asked):
    found = selectors(asked.expr)
    assert found, asked
    labels = set(OF_TARGETS)
    for selector in found:
        assert selector.name in EXISTS, asked
        assert selector.matchers.keys() <= EXISTS[selector.name] | OF_TARGETS, asked
        labels |= EXISTS[selector.name]
    grouped = {label for grouping in groupings(asked.expr) for label in grouping.labels}
    assert grouped <= labels, asked
    named = set(re.findall(r"\{\{(\w+)\}\}", asked.legend)) | set(asked.columns) - {"Value"}
    assert named <= grouped | {"namespace"}, f"{asked}: not in the answer"


@each_dashboard
def test_every_variable_is_of_a_label_that_exists(name):
    for values in variables(name):
        asked, label = LABEL_VALUES.match(values).groups()
        (selector,) = selectors(asked)
        assert label in EXISTS[selector.name] | OF_TARGETS


@each_dashboard
def test_installations_are_chosen_first_and_all_of_them_are_whatever_there_is(name):
    """Also what has no such label: who has one cluster gives it no name."""
    cluster, job = [v for v in dashboard(name)["templating"]["list"] if v["name"] in INSTALLATION]
    assert (cluster["name"], job["name"]) == INSTALLATION
    for variable in (cluster, job):
        assert (variable["multi"], variable["includeAll"]) == (True, True)
        assert variable["allValue"] == ".*"
        assert variable["current"]["value"] == "$__all"


@each_expression
def test_every_series_is_of_what_was_chosen(asked):
    """Of the namespaces and installations that are chosen above; on one subscription's dashboard, of nothing else."""
    several = asked.dashboard != "hookgate-subscription"
    for selector in selectors(asked.asked):
        if selector.name == "ALERTS":  # of rules, which may be of none
            continue
        matchers, labels = selector.matchers, EXISTS[selector.name]
        if "namespace" in labels:
            chosen = ("=~", "$namespace") if several else ("=", "$namespace")
            assert matchers["namespace"] == chosen, asked
        for label in INSTALLATION:
            assert matchers[label] == ("=~", f"${label}"), asked
        assert "instance" not in matchers, f"{asked}: another one after each restart"
        if not several and "subscription" in labels:
            assert matchers["subscription"] == ("=", "$subscription"), asked


def test_what_a_full_backlog_refuses_says_whose_it_is(tmp_path):
    overview = expressions(rate_interval="5m", names=["hookgate-overview"])
    (expr,) = {one.expr for one in overview if one.panel == "Requests refused, by reason"}
    series = {
        'hookgate_requests_refused_total{reason="broken", namespace="hookgate"}': "0+60x20",
        'hookgate_requests_refused_total{reason="backlog_full", namespace="hookgate"}': "0+120x20",
        'hookgate_backlog_refusals_total{namespace="shop"}': "0+120x20",
        'hookgate_backlog_refusals_total{namespace="robots"}': "0x20",
    }
    answers = {'{reason="broken"}': 1, '{reason="backlog_full of shop", namespace="shop"}': 2}
    gives(expr, series, minute=10, answers=answers, home=tmp_path)


@each_expression
def test_rates_are_over_what_grafana_chooses(asked):
    assert set(re.findall(r"rate\([^\[]*\[(.*?)\]", asked.asked)) <= {"$__rate_interval"}
    assert set(re.findall(r"increase\([^\[]*\[(.*?)\]", asked.asked)) <= {"$__range"}


def test_alerts_are_found_by_their_names():
    """Every alert of the chart is one of those that the overview counts."""
    patterns = {
        selector.matchers["alertname"]
        for asked in ALL
        for selector in selectors(asked.expr)
        if selector.name == "ALERTS"
    }
    ((operator, pattern),) = patterns
    assert operator == "=~"
    rules = [
        rule
        for path in RULES.glob("*.yaml")
        for group in yaml.safe_load(path.read_text())["groups"]
        for rule in group["rules"]
    ]
    names = [rule["alert"] for rule in rules if "alert" in rule]
    assert all(re.fullmatch(pattern, name) for name in names), names


def test_every_recording_rule_is_asked_for():
    asked = {selector.name for one in ALL for selector in selectors(one.expr)}
    assert recorded().keys() <= asked
