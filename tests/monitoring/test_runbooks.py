"""Runbooks: a page for each alert and for nothing else, and what they tell somebody to type is real."""

import re
import subprocess
from collections import defaultdict
from pathlib import Path

import pytest
import yaml

from hookgate.resources import WebhookReplay
from hookgate_gateway.api.openapi.document import document
from hookgate_gateway.settings import SETTINGS as GATEWAY_SETTINGS
from hookgate_operator.keys.plan import API_KEY_LABEL, SOURCE_LABEL
from hookgate_operator.settings import SETTINGS as OPERATOR_SETTINGS
from tests.acceptance.harness import ROOT
from tests.chart.rendering import render
from tests.monitoring.alerting import ALERTS, RECORDED
from tests.monitoring.prometheus import prometheus
from tests.monitoring.promql import groupings, selectors
from tests.monitoring.registered import gateway_metrics, operator_metrics

FOLDER = ROOT / "docs/runbooks"
PAGES = {path.stem: path.read_text() for path in FOLDER.glob("*.md")}
INDEX = PAGES.pop("README")
SEVERITIES = defaultdict(list)
for _alert in ALERTS:
    SEVERITIES[_alert.name].append(_alert.severity)
HEADINGS = ["Meaning", "Impact", "Diagnosis", "Mitigation", "Tuning"]
METRICS = {**gateway_metrics(), **operator_metrics()}
OF_TARGETS = {"namespace", "le"}

PATHS = document()["paths"]
DEFINITIONS = [yaml.safe_load(path.read_text())["spec"] for path in (ROOT / "crds").glob("*.yaml")]
SUBSCRIPTION = next(
    it["versions"][0]["schema"]["openAPIV3Schema"]
    for it in DEFINITIONS
    if it["names"]["kind"] == "WebhookSubscription"
)
VALUES = yaml.safe_load((ROOT / "charts/hookgate/values.yaml").read_text())
SOURCES = "".join(
    path.read_text()
    for folder in ("gateway", "operator", "sdk")
    for path in (ROOT / folder).rglob("*.py")
)
KNOWN_LABELS = {
    "app.kubernetes.io/component",
    "app.kubernetes.io/name",
    "kubernetes.io/service-name",
    API_KEY_LABEL,
    SOURCE_LABEL,
}

CLUSTERS_OWN = {"events", "endpointslices", "lease", "node", "prometheus", "secret", "crd", "pod"}
"""What no chart of ours makes: it is the cluster's, a tenant's or another operator's."""
CHARTS_KINDS = {"deployment", "networkpolicy", "podmonitor", "pvc", "servicemonitor"}
PODS_AND_CLAIMS = {"hookgate-gateway-0", "store-hookgate-gateway-0"}
"""Made by the StatefulSet's controller."""
TENANTS = {"invoices", "after-the-outage", "production-server"}

each_page = pytest.mark.parametrize("name", [*PAGES, "README"])
each_alert = pytest.mark.parametrize("name", PAGES)


def text_of(name):
    return INDEX if name == "README" else PAGES[name]


def blocks(name, kind):
    return re.findall(rf"```{kind}\n(.*?)```", text_of(name), re.DOTALL)


def commands(name):
    """Single commands of the blocks of bash; what is fed into one by a here-document is left out."""
    for block in blocks(name, "bash"):
        without = re.sub(r"<<END\n.*?\nEND$", "", block, flags=re.DOTALL | re.MULTILINE)
        yield from (line for line in without.splitlines() if line)


# ---------------------------------------------------------------------------------- their shape


def test_every_alert_has_a_page_and_every_page_an_alert():
    assert PAGES.keys() == SEVERITIES.keys()


@each_alert
def test_a_page_names_its_alert_and_has_what_is_looked_for_at_night(name):
    lines = PAGES[name].splitlines()
    assert lines[0] == f"# {name}"
    assert re.findall(r"\*\*(\w+)\*\*", lines[2]) == SEVERITIES[name]
    assert re.findall(r"^## (.*)$", PAGES[name], re.MULTILINE) == HEADINGS
    assert len(PAGES[name].split()) < 420, "nobody reads more than that at night"


@each_alert
def test_a_diagnosis_has_something_to_type(name):
    told = PAGES[name].partition("## Diagnosis")[2].partition("\n## ")[0]
    assert re.search(r"```(bash|promql)\n", told)


def test_the_index_has_them_all_in_the_order_of_the_rules():
    rows = re.findall(r"^\| \[(\w+)\]\((\w+)\.md\) \| ([\w, ]+) \| \S.* \|$", INDEX, re.MULTILINE)
    assert [(name, page, severities.split(", ")) for name, page, severities in rows] == [
        (name, name, severities) for name, severities in SEVERITIES.items()
    ]


@each_page
def test_what_is_linked_to_is_there(name):
    for target, heading in re.findall(r"\]\((?!https?:)([^)#]+)#?([^)]*)\)", text_of(name)):
        file = (FOLDER / target).resolve()
        assert file.exists(), target
        if heading:
            assert heading in _anchors(file), f"{target}#{heading}"


def _anchors(file: Path):
    titles = re.findall(r"^#+ (.*)$", file.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


# ------------------------------------------------------------------------------- what they type


async def test_prometheus_takes_every_question(tmp_path):
    asked = [
        line for name in PAGES for block in blocks(name, "promql") for line in block.splitlines()
    ]
    assert asked
    async with prometheus(tmp_path, scrape_configs=[]) as it:
        for line in asked:
            await it.parses(line)
            for selector in selectors(line):
                labels = METRICS[selector.name] if selector.name not in RECORDED else ()
                assert selector.matchers.keys() <= {*labels}, line
                grouped = {label for g in groupings(line) for label in g.labels}
                assert grouped <= {*labels} | OF_TARGETS, line


@each_page
def test_metrics_and_settings_that_are_named_exist(name):
    text = text_of(name)
    families = {re.sub(r"_(bucket|sum|count)$", "", metric) for metric in METRICS}
    named = set(re.findall(r"(?<![:\w/-])hookgate_[a-z_]+[a-z]", text))
    assert named <= METRICS.keys() | families
    settings = GATEWAY_SETTINGS.known() | OPERATOR_SETTINGS.known()
    assert set(re.findall(r"HOOKGATE_[A-Z_]+[A-Z]", text)) <= settings


@each_page
def test_bash_reads_every_command(name):
    for block in blocks(name, "bash"):
        told = subprocess.run(
            ["bash", "-n"], input=block, capture_output=True, text=True, check=False
        )
        assert told.returncode == 0, told.stderr


@each_page
def test_every_path_of_the_api_exists(name):
    paths = [re.sub(r"\{\w+\}", "X", path) for path in PATHS]
    told = re.findall(r"-X (\w+) \"\$GATEWAY([^?\"]+)|\"\$GATEWAY([^?\"]+)", text_of(name))
    for _, posted, got in told:
        path = re.sub(r"\$ID|invoices", "X", posted or got)
        assert path in paths, path


@each_page
def test_every_question_of_the_api_has_parameters_that_exist(name):
    for path, query in re.findall(r"\"\$GATEWAY([^?\"]+)\?([^\"]+)\"", text_of(name)):
        known = {parameter["name"] for parameter in PATHS[path]["get"]["parameters"]}
        assert {pair.partition("=")[0] for pair in query.split("&")} <= known


@pytest.fixture(scope="module", name="installed")
def _installed():
    """Names of what the chart makes, by kind, as it is installed in the commands."""
    made = defaultdict(set)
    for each in render({"metrics": {"serviceMonitor": {"enabled": True}}}):
        made[each["kind"].lower()].add(each["metadata"]["name"])
    return made


@each_page
def test_every_object_that_is_named_is_one_of_the_charts_or_of_somebody(name, installed):
    objects = set().union(*installed.values()) | PODS_AND_CLAIMS | TENANTS
    for command in commands(name):
        for kind, named in re.findall(
            r"\b(statefulset|deployment|service|pod|whsub|secret)/([\w-]+)", command
        ):
            where = installed.get(kind, set()) | PODS_AND_CLAIMS | TENANTS
            assert named in where, command
        for named in re.findall(r"(?<![\w/=.-])(?:store-)?hookgate-[\w-]+", command):
            assert named in objects, command


@each_page
def test_kubectl_is_asked_for_what_it_knows(name):
    ours = {
        word for it in DEFINITIONS for word in (it["names"]["plural"], *it["names"]["shortNames"])
    }
    for command in commands(name):
        if found := re.search(r"kubectl (?:get|describe|delete|patch|scale) ([\w,]+)", command):
            assert set(found[1].split(",")) <= ours | CLUSTERS_OWN | CHARTS_KINDS, command
        if found := re.search(r"--selector ([\w./-]+)=", command):
            assert found[1] in KNOWN_LABELS, command


@each_page
def test_words_that_are_looked_for_in_logs_are_logged(name):
    for command in commands(name):
        for pattern in re.findall(r"\| grep (?:-E )?'?([\w|]+)'?", command):
            for word in pattern.split("|"):
                assert re.search(rf'"{word}\w*"', SOURCES), word


@each_page
def test_fields_of_a_subscription_and_values_of_the_chart_exist(name):
    for path in re.findall(r"`(spec\.[\w.]+)`", text_of(name)):
        at = SUBSCRIPTION
        for field in path.split("."):
            assert field in at["properties"], path
            at = at["properties"][field]
    first = "|".join(VALUES)
    for path in re.findall(rf"`((?:{first})\.[\w.]+)", text_of(name)):
        at = VALUES
        for field in path.split("."):
            assert field in at, path
            at = at[field]


@each_alert
def test_objects_that_are_applied_are_valid(name):
    for text in re.findall(r"<<END\n(.*?)\nEND$", PAGES[name], re.DOTALL | re.MULTILINE):
        WebhookReplay.model_validate(yaml.safe_load(text))
