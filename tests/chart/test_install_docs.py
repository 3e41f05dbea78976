"""What docs/install.md and docs/production.md say of the chart is so: values, names, defaults, alerts."""

import re
from typing import Any

import pytest
import yaml

from hookgate_gateway.rules.egress_rules import EgressRules
from hookgate_gateway.settings import SETTINGS as GATEWAY_SETTINGS
from tests.chart.rendering import HELMS, Object, render
from tests.pages import ROOT, blocks, marked

PAGES = ("docs/install.md", "docs/production.md")
TEXTS = {page: (ROOT / page).read_text() for page in PAGES}
EVERYTHING = "\n".join(TEXTS.values())
DEFAULTS = yaml.safe_load((ROOT / "charts/hookgate/values.yaml").read_text())
SHOWN = {name: yaml.safe_load(text) for name, text in marked("docs/install.md", "values").items()}
KINDS = {
    "monitoring": {"ServiceMonitor", "PrometheusRule"},
    "ingress": {"Ingress"},
    "route": {"HTTPRoute"},
    "cert-manager": {"Certificate", "Issuer"},
    "gitops": {"Certificate"},
    "openshift": {"StatefulSet", "Deployment", "Pod"},
}
API_VERSIONS = ("monitoring.coreos.com/v1", "gateway.networking.k8s.io/v1", "cert-manager.io/v1")
ELSEWHERE = r"docker |cosign |crane "
"""What only a container engine or a registry can do."""


def has(values: Any, path: str) -> bool:
    """Whether there is a value of this dotted name."""
    for part in path.split("."):
        if not isinstance(values, dict) or part not in values:
            return False
        values = values[part]
    return True


def named_values() -> set[str]:
    """The values that the pages name in code, with what stands first in a cell put before `.size`."""
    found = set()
    for cell in re.findall(r"^\|? ?(?:- \[ \] )?.*$", EVERYTHING, re.MULTILINE):
        stem = ""
        for name in re.findall(r"`(\.[a-z]\w*(?:\.\w+)*|[a-z]\w*(?:\.\w+)+)(?:: [^`]*)?`", cell):
            whole = stem + name if name.startswith(".") else name
            if whole.split(".")[0] in DEFAULTS:
                found.add(whole)
                stem = whole.rpartition(".")[0]
    return found


def of(kind: str, objects: list[Object]) -> list[Object]:
    return [each for each in objects if each["kind"] == kind]


@pytest.mark.parametrize("helm", HELMS)
@pytest.mark.parametrize("name", KINDS)
def test_values_that_are_shown_make_what_they_are_for(name: str, helm: str) -> None:
    made = render(SHOWN[name], helm=helm, api_versions=API_VERSIONS)
    assert {each["kind"] for each in made} >= KINDS[name]


def test_all_values_that_are_shown_are_looked_at() -> None:
    assert SHOWN.keys() == KINDS.keys()


def test_on_openshift_no_pod_chooses_a_user_or_a_group() -> None:
    made = render(SHOWN["openshift"])
    pods = [*of("Pod", made)]
    pods += [each["spec"]["template"] for each in of("StatefulSet", made) + of("Deployment", made)]
    assert len(pods) == 3
    for pod in pods:
        chosen = pod["spec"]["securityContext"] | pod["spec"]["containers"][0]["securityContext"]
        assert not chosen.keys() & {"runAsUser", "runAsGroup", "fsGroup", "supplementalGroups"}


def test_with_the_values_for_gitops_every_rendering_is_the_same() -> None:
    renderings = [render(SHOWN["gitops"], helm=helm, api_versions=API_VERSIONS) for helm in HELMS]
    assert renderings[0] == renderings[1]
    assert not of("Secret", renderings[0])
    assert of("Secret", render())


def test_the_values_of_own_secrets_name_those_that_are_made() -> None:
    made = re.findall(
        r"create secret generic (\S+)", marked("docs/install.md", "run")["own secrets"]
    )
    named = SHOWN["gitops"]
    assert made == [
        named["encryption"]["existingSecret"],
        named["control"]["token"]["existingSecret"],
    ]


def test_every_value_that_is_named_is_one() -> None:
    names = named_values()
    assert {"gateway.persistence.size", "gateway.limits.namespaceMaxPending"} <= names
    assert {name for name in names if not has(DEFAULTS, name)} == set()


def test_options_name_values() -> None:
    for name in re.findall(r"--set '?([\w.]+)=", EVERYTHING):
        assert has(DEFAULTS, name), name


def test_the_readme_installs_as_the_page_does() -> None:
    shown = marked("README.md", "run")["chart"]
    assert shown == marked("docs/install.md", "run")["install"]
    assert len(shown.splitlines()) == 3


def test_the_names_of_what_stays_are_the_charts() -> None:
    made = render()
    (key,) = (each for each in of("Secret", made) if "encryption" in each["metadata"]["name"])
    assert key["metadata"]["name"] == "hookgate-encryption-keys"
    assert list(key["data"]) == ["keys"]
    (stateful,) = of("StatefulSet", made)
    (claim,) = stateful["spec"]["volumeClaimTemplates"]
    name = f"{claim['metadata']['name']}-{stateful['metadata']['name']}-0"
    assert name == "store-hookgate-gateway-0"
    for each in (key["metadata"]["name"], name):
        assert f"`{each}`" in EVERYTHING
    services = {each["metadata"]["name"] for each in of("Service", made)}
    assert set(re.findall(r"`(hookgate-[a-z]+-metrics)`", EVERYTHING)) <= services


def test_every_alert_that_is_named_exists_and_has_its_page() -> None:
    rules = (ROOT / "charts/hookgate/files/rules/alerts.yaml").read_text()
    alerts = set(re.findall(r"alert: (\w+)", rules))
    assert alerts >= set(re.findall(r"`(Hookgate[A-Z]\w+)`", EVERYTHING))


def test_times_are_the_defaults() -> None:
    page = TEXTS["docs/production.md"]
    gateway = DEFAULTS["gateway"]
    assert f"`shutdownDrainSeconds`, {gateway['shutdownDrainSeconds']} s" in page
    assert f"`shutdownGraceSeconds`, {gateway['shutdownGraceSeconds']} s" in page
    minutes = (
        gateway["startupProbe"]["periodSeconds"] * gateway["startupProbe"]["failureThreshold"] / 60
    )
    assert minutes == 15
    assert "startup probe gives it fifteen minutes" in TEXTS["docs/install.md"]


@pytest.mark.parametrize("page", PAGES)
def test_every_setting_that_is_named_exists(page: str) -> None:
    assert set(re.findall(r"HOOKGATE_[A-Z_]+[A-Z]", TEXTS[page])) <= GATEWAY_SETTINGS.known()


def test_versions_that_were_tried_are_those_that_tests_run_on() -> None:
    folder = ROOT / "tests/cluster/provision"
    pinned = "\n".join(file.read_text() for file in folder.glob("*.txt"))
    pinned += "\n".join(file.read_text() for file in folder.glob("versions/*/go.mod"))
    table = TEXTS["docs/install.md"].partition("## What is needed")[2].partition("## Install")[0]
    versions = re.findall(r"\d+\.\d+\.\d+", table)
    assert len(versions) == 8
    for version in versions:
        assert re.search(rf"(?<![\d.]){re.escape(version)}\b", pinned), version


def test_every_command_is_run_or_needs_an_engine_or_a_registry() -> None:
    """tests/install/test_install_page.py runs those that are marked."""
    for each in blocks("docs/install.md"):
        if each.language == "bash" and not each.marker:
            assert re.match(ELSEWHERE, each.text), each.text


def test_the_policy_for_nodes_is_the_gateways_and_its_address_is_one_that_is_understood() -> None:
    (values,) = (
        yaml.safe_load(text) for text in marked("docs/troubleshooting.md", "values").values()
    )
    made = render(values)
    (policy,) = of("CiliumNetworkPolicy", made)
    (gateway,) = of("StatefulSet", made)
    labels = gateway["spec"]["template"]["metadata"]["labels"]
    assert policy["spec"]["endpointSelector"]["matchLabels"].items() <= labels.items()
    (rule,) = policy["spec"]["egress"]
    (port,) = rule["toPorts"][0]["ports"]
    (allowed,) = values["gateway"]["egressAllow"]
    assert allowed.endswith(f":{port['port']}")
    assert EgressRules.parse(allowed)
