"""What docs/monitoring.md tells somebody to write down works."""

import re
import subprocess

import pytest
import yaml

from tests.acceptance.harness import ROOT, eventually
from tests.monitoring.prometheus import debian_program, prometheus
from tests.monitoring.promql import selectors
from tests.monitoring.test_dashboards import EXISTS, recorded

TEXT = (ROOT / "docs/monitoring.md").read_text()
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", TEXT, re.DOTALL)
CONFIGURATIONS = [text for kind, text in BLOCKS if kind == "yaml" and "scrape_configs" in text]
VALUES = [text for kind, text in BLOCKS if kind == "yaml" and "scrape_configs" not in text]


async def test_prometheus_keeps_the_pods_that_it_should(tmp_path):
    """Debian's Prometheus knows no Kubernetes; what the role `pod` would tell of pods is told by hand."""
    (scrape,) = yaml.safe_load(CONFIGURATIONS[0])["scrape_configs"]
    assert scrape.pop("kubernetes_sd_configs") == [{"role": "pod"}]
    scrape["static_configs"] = [
        pod("hookgate", "http", 9),
        pod("hookgate", "metrics", 10),
        pod("shop", "metrics", 11),
    ]
    async with prometheus(tmp_path, scrape_configs=[scrape]) as it:
        found = await eventually(it.targets, within=20, what="targets")
    (target,) = found
    assert target["scrapeUrl"] == "http://127.0.0.1:10/metrics"
    assert target["labels"] == {
        "instance": "127.0.0.1:10",
        "job": "hookgate-eu",
        "namespace": "platform",
        "pod": "hookgate-gateway-0",
    }


def pod(name, port_name, port):
    """A port of a pod, as Prometheus' discovery tells of it."""
    told = {
        "namespace": "platform",
        "pod_name": "hookgate-gateway-0",
        "pod_label_app_kubernetes_io_name": name,
        "pod_label_app_kubernetes_io_instance": "hookgate-eu",
        "pod_container_port_name": port_name,
    }
    labels = {f"__meta_kubernetes_{label}": value for label, value in told.items()}
    return {"targets": [f"127.0.0.1:{port}"], "labels": labels}


@pytest.mark.parametrize("text", CONFIGURATIONS[1:])
def test_prometheus_takes_each_configuration(text, tmp_path):
    file = tmp_path / "prometheus.yml"
    file.write_text(text)
    told = subprocess.run(
        [debian_program("promtool"), "check", "config", file], capture_output=True, check=False
    )
    assert told.returncode == 0, told.stderr


@pytest.mark.parametrize("text", CONFIGURATIONS)
def test_the_tenants_namespace_is_kept(text):
    assert all(each["honor_labels"] for each in yaml.safe_load(text)["scrape_configs"])


@pytest.mark.parametrize("text", VALUES)
def test_the_chart_has_each_value(text):
    known = yaml.safe_load((ROOT / "charts/hookgate/values.yaml").read_text())
    assert list(_unknown(yaml.safe_load(text), known)) == []


def _unknown(given, known, path=""):
    """The places of what the chart has no value for; an empty mapping takes any."""
    for name, value in given.items():
        if name not in known:
            yield f"{path}.{name}"
        elif isinstance(value, dict) and known[name]:
            yield from _unknown(value, known[name], f"{path}.{name}")


async def test_prometheus_takes_each_question(tmp_path):
    asked = [text for kind, text in BLOCKS if kind == "promql"]
    assert asked
    async with prometheus(tmp_path, scrape_configs=[]) as it:
        for text in asked:
            await it.parses(text)
            assert {selector.name for selector in selectors(text)} <= EXISTS.keys() | recorded()


def test_pictures_are_those_that_are_shown():
    shown = re.findall(r"!\[[^\]]+\]\(pictures/([^)]+)\)", TEXT)
    assert sorted(shown) == sorted(path.name for path in (ROOT / "docs/pictures").iterdir())


def test_what_is_linked_to_is_there():
    links = re.findall(r"\]\((?!https?:)([^)#]+)", TEXT)
    assert [link for link in links if not (ROOT / "docs" / link).exists()] == []
