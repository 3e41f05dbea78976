"""The operator's metrics: names and labels that dashboards and alerts are written against."""

import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from hookgate_operator.observe import OperatorObserver
from hookgate_operator.ports import Key, Kind
from hookgate_operator.work.workers import Result


@pytest.fixture(name="observer")
def _observer():
    return OperatorObserver(CollectorRegistry())


def value(observer, name, **labels):
    return observer.registry.get_sample_value(f"hookgate_{name}", labels)


def test_the_names_and_labels(observer):
    observer.reconciled(Kind.SUBSCRIPTION, Result.SUCCESS, 0.1)
    observer.queue_added()
    observer.queue_depth(3)
    observer.queue_retried()
    observer.queue_waited(0.2)
    observer.queue_worked(0.3)
    observer.watch_alive("webhooksubscriptions", 1_800_000_000.0)
    observer.request("200")
    observer.cluster_request("get", "secrets", "403")
    observer.subscriptions_stand("shop", {("Ready", "True"): 2})
    observer.keys_refused("shop", 1)
    observer.gateway_reachable(True)
    observer.leads(True)
    assert value(observer, "operator_reconcile_total", result="success") == 1
    assert value(observer, "operator_reconcile_total", result="retry") == 0
    assert value(observer, "operator_reconcile_total", result="error") == 0
    assert value(observer, "operator_reconcile_duration_seconds_count") == 1
    assert value(observer, "operator_workqueue_adds_total") == 1
    assert value(observer, "operator_workqueue_depth") == 3
    assert value(observer, "operator_workqueue_retries_total") == 1
    assert value(observer, "operator_workqueue_queue_duration_seconds_sum") == 0.2
    assert value(observer, "operator_workqueue_work_duration_seconds_sum") == 0.3
    told = value(
        observer, "operator_last_watch_event_timestamp_seconds", resource="webhooksubscriptions"
    )
    assert told == 1_800_000_000.0
    assert value(observer, "operator_gateway_requests_total", code="200") == 1
    asked = {"verb": "get", "resource": "secrets", "code": "403"}
    assert value(observer, "operator_cluster_requests_total", **asked) == 1
    labels = {"namespace": "shop", "condition": "Ready", "status": "True"}
    assert value(observer, "subscriptions", **labels) == 2
    assert value(observer, "operator_key_secrets_refused", namespace="shop") == 1
    assert value(observer, "operator_gateway_reachable") == 1
    assert value(observer, "operator_leader") == 1


def test_series_of_what_is_gone_go_away(observer):
    observer.subscriptions_stand("shop", {("Ready", "True"): 1, ("Delivering", "False"): 1})
    observer.subscriptions_stand("shop", {("Ready", "False"): 1})
    ready = {"namespace": "shop", "condition": "Ready"}
    assert value(observer, "subscriptions", **ready, status="True") is None
    assert value(observer, "subscriptions", **ready, status="False") == 1
    observer.subscriptions_stand("shop", {})
    assert value(observer, "subscriptions", **ready, status="False") is None
    observer.subscriptions_stand("shop", {})
    observer.keys_refused("shop", 1)
    observer.keys_refused("shop", 0)
    assert value(observer, "operator_key_secrets_refused", namespace="shop") is None


def test_a_watch_works_from_its_first_sign_of_life_until_it_is_in_trouble(observer):
    labels = {"resource": "webhooksubscriptions"}

    def told():
        return (
            value(observer, "operator_watch_working", **labels),
            value(observer, "operator_watch_troubles_total", **labels),
        )

    assert told() == (None, None)
    observer.watch_begins("webhooksubscriptions")
    assert told() == (0, 0)
    observer.watch_recovered("webhooksubscriptions")
    assert told() == (1, 0)
    observer.watch_trouble("webhooksubscriptions", "the API server is away")
    assert told() == (0, 1)


def test_what_is_told_is_a_line_and_a_figure(observer):
    with capture_logs() as lines:
        observer.watch_trouble("secrets/watch", "the operator may not watch secrets")
        observer.watch_recovered("secrets/watch")
        observer.watch_missed("secrets/watch", 3)
        observer.values_unread("shop", "billing", "away")
        observer.announcement_lost(Key(Kind.SUBSCRIPTION, "shop", "invoices"), "Ready", "away")
        observer.file_unusable("ca.crt cannot be read")
    assert [line["event"] for line in lines] == [
        "watch_trouble",
        "watch_works",
        "watch_missed",
        "values_unread",
        "announcement_lost",
        "gateway_file_unusable",
    ]
    assert value(observer, "operator_watch_troubles_total", resource="secrets/watch") == 2
