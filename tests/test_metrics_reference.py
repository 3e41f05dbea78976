"""docs/reference/metrics.md against what the two processes register, and its words against the closed sets."""

import re
from pathlib import Path

import pytest

from hookgate.deliveries import Outcome
from hookgate.payloads import RunStatus, RunType
from hookgate_gateway.observe import Credential, Observer, ReadinessCheck, RefusedRequest
from hookgate_gateway.rules.delivery import HoldReason
from hookgate_operator.cluster import watch_names
from hookgate_operator.observe import OperatorObserver
from hookgate_operator.subscriptions import conditions
from hookgate_operator.work.workers import Result
from tests.monitoring.registered import (
    Metric,
    gateway_metrics,
    metrics_of,
    operator_metrics,
)

PAGE = (Path(__file__).parent.parent / "docs/reference/metrics.md").read_text()
OBSERVERS = {"Gateway": Observer, "Operator": OperatorObserver}
WATCHED = "hookgate_operator_last_watch_event_timestamp_seconds"

processes = pytest.mark.parametrize("process", OBSERVERS)


def section(heading):
    parts = re.split(r"^## (.*)$", PAGE, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))[heading]


def rows(heading):
    """The cells of a section's table, without its head."""
    lines = re.findall(r"^\| (.*) \|$", section(heading), flags=re.MULTILINE)
    return [[cell.strip() for cell in line.split("|")] for line in lines[2:]]


def words(cell):
    return re.findall(r"`([^`]+)`", cell)


def documented(process):
    """What a table says of each metric, with the sentence that its meaning begins with."""
    said = []
    for name, kind, labels, meaning, _there in rows(process):
        helps = [m.help for m in metrics_of(OBSERVERS[process]) if meaning.startswith(m.help)]
        told = max(helps, key=len, default=meaning)
        said.append(Metric(words(name)[0], kind, tuple(words(labels)), told))
    return said


@processes
def test_every_metric_is_described_as_it_is_registered_and_no_other(process):
    assert documented(process) == metrics_of(OBSERVERS[process])


@processes
def test_each_says_from_when_on_it_is_there_in_words_that_are_explained(process):
    explained = {word for word, _ in rows("When a series is there")}
    for name, *_, there in rows(process):
        assert any(word in there for word in explained), name


def test_what_is_asked_for_in_queries_is_what_a_registry_gives():
    gateway, operator = gateway_metrics(), operator_metrics()
    assert gateway["hookgate_webhooks_delivered_total"] == ("namespace", "subscription", "result")
    assert gateway["hookgate_delivery_latency_seconds_bucket"] == ("namespace", "le")
    assert gateway["hookgate_delivery_latency_seconds_count"] == ("namespace",)
    assert operator["hookgate_operator_leader"] == ()
    assert gateway.keys() & operator.keys() == {"hookgate_build_info"}


def test_only_names_that_exist_are_written():
    known = gateway_metrics().keys() | operator_metrics().keys()
    histograms = {name.removesuffix("_sum") for name in known if name.endswith("_sum")}
    assert set(re.findall(r"`(hookgate_[a-z_]+)", PAGE)) - {"hookgate_"} <= known | histograms


@pytest.mark.parametrize(
    ("metric", "label", "values"),
    [
        ("hookgate_webhooks_received_total", "run_type", {*RunType, "other"}),
        ("hookgate_webhooks_received_total", "status", {*RunStatus, "other"}),
        ("hookgate_delivery_attempts_total", "outcome", set(Outcome)),
        ("hookgate_requests_refused_total", "reason", set(RefusedRequest)),
        ("hookgate_authentication_failures_total", "credential", set(Credential)),
        ("hookgate_subscription_hold", "reason", set(HoldReason)),
        ("hookgate_ready", "check", set(ReadinessCheck)),
        ("hookgate_operator_reconcile_total", "result", set(Result)),
        (WATCHED, "resource", set(watch_names("Watch"))),
        (
            "hookgate_subscriptions",
            "condition",
            {
                conditions.READY,
                conditions.SECRETS_RESOLVED,
                conditions.ENDPOINT_ALLOWED,
                conditions.DELIVERING,
            },
        ),
    ],
)
def test_the_closed_sets_are_complete(metric, label, values):
    (told,) = [
        cell
        for metrics, of, cell in rows("Values of labels")
        if metric in words(metrics) and label in words(of)
    ]
    assert set(words(told)) == {str(value) for value in values}


def test_every_label_is_explained_by_its_values_or_its_name():
    named = {"namespace", "subscription", "version"}
    told = {
        (metric, words(of)[0])
        for metrics, of, _ in rows("Values of labels")
        for metric in words(metrics)
    }
    labels = {
        (metric.name, label)
        for observer in OBSERVERS.values()
        for metric in metrics_of(observer)
        for label in metric.labels
        if label not in named
    }
    assert told == labels
