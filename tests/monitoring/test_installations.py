"""Which installation a series is of: told by `job`, whoever finds the pods, and for as long as the installation lasts."""

import pytest

from tests.chart.rendering import render
from tests.monitoring.dashboards import expressions
from tests.monitoring.promtool import gives

KINDS = {"ServiceMonitor": "endpoints", "PodMonitor": "podMetricsEndpoints"}


def relabelings(kind, values=None, **release):
    """Of each component's monitor."""
    switch = kind[0].lower() + kind[1:]
    objects = render({"metrics": {switch: {"enabled": True} | (values or {})}}, **release)
    monitors = [each for each in objects if each["kind"] == kind]
    assert len(monitors) == 2
    return [monitor["spec"][KINDS[kind]][0]["relabelings"] for monitor in monitors]


# --------------------------------------------------------------------------------- the monitors


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("release", "namespace", "job"),
    [
        ("hookgate", "hookgate", "hookgate/hookgate"),
        ("hookgate", "edge", "edge/hookgate"),
        ("eu", "platform", "platform/eu-hookgate"),
    ],
)
def test_gateway_and_operator_of_a_release_are_one_job(kind, release, namespace, job):
    told = relabelings(kind, release=release, namespace=namespace)
    assert told == [[{"targetLabel": "job", "replacement": job}]] * 2


@pytest.mark.parametrize("kind", KINDS)
def test_whoever_installs_it_has_the_last_word(kind):
    theirs = {"targetLabel": "job", "replacement": "webhooks"}
    assert [each[-1] for each in relabelings(kind, {"relabelings": [theirs]})] == [theirs] * 2


# ------------------------------------------------------------------------------- the dashboards


def pending(job, instance):
    labels = f'namespace="shop", subscription="invoices", job="{job}", instance="{instance}"'
    return f"hookgate_deliveries_pending{{{labels}}}"


SERIES = {
    pending("hookgate/hookgate", "10.0.0.7:9090"): "3x10 stale",
    pending("hookgate/hookgate", "10.0.0.8:9090"): "_x12 5x30",
    pending("edge/hookgate", "10.0.0.9:9090"): "700x60",
}


@pytest.mark.parametrize(
    ("job", "minute", "waiting"),
    [
        ("hookgate/hookgate", 5, 3),
        ("hookgate/hookgate", 20, 5),
        ("edge/hookgate", 20, 700),
        (".*", 20, 705),
    ],
)
def test_a_view_is_of_one_installation_whatever_address_its_pod_has(job, minute, waiting, tmp_path):
    (expr,) = {
        one.expr
        for one in expressions(job=job, namespace="shop", subscription="invoices")
        if (one.dashboard, one.panel) == ("hookgate-subscription", "Pending")
    }
    gives(expr, SERIES, minute=minute, answers={"{}": waiting}, home=tmp_path)
