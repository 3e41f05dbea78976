"""Metrics: closed label sets, series that end with what they speak of."""

from prometheus_client import CollectorRegistry, generate_latest

from hookgate_gateway.observe import Observer
from hookgate_gateway.rules.delivery import Namespace

SHOP = Namespace("shop")


def exposed(registry, *needles):
    lines = generate_latest(registry).decode().splitlines()
    return sorted(
        line
        for line in lines
        if not line.startswith("#") and "_created" not in line and all(n in line for n in needles)
    )


def test_words_nobody_knows_count_as_other():
    registry = CollectorRegistry()
    Observer(registry).received(SHOP, "task_v9", "on fire", "rejected")
    assert exposed(registry, "webhooks_received_total", "shop") == [
        'hookgate_webhooks_received_total{namespace="shop",result="rejected",run_type="other",status="other"} 1.0'
    ]


def test_gauges_show_what_stands_and_drop_what_ended():
    registry = CollectorRegistry()
    observer = Observer(registry)
    key = (SHOP, "invoices")
    observer.stands(pending={key: 3, (SHOP, ""): 1}, holds={key: "Gone"}, oldest_due_age=2.5)
    assert exposed(registry, "deliveries_pending", "invoices")[0].endswith(" 3.0")
    assert exposed(registry, "subscription_hold", "Gone")
    observer.stands(pending={(SHOP, ""): 1}, holds={}, oldest_due_age=0.0)
    assert exposed(registry, "invoices") == []
    assert exposed(registry, "deliveries_pending")[0].endswith(" 1.0")


def declare(observer, *subscriptions):
    names = [(SHOP, name) for name in subscriptions]
    observer.declared(namespaces=[SHOP], subscriptions=names, sources=[])


def test_what_was_counted_stays_when_a_subscription_is_declared_again():
    registry = CollectorRegistry()
    observer = Observer(registry)
    observer.delivered(SHOP, "invoices", 0.1)
    for _ in range(2):
        declare(observer, "invoices")
        lines = exposed(registry, "webhooks_delivered_total", 'subscription="invoices"')
        assert [line.rpartition("{")[2] for line in lines] == [
            'namespace="shop",result="cancelled",subscription="invoices"} 0.0',
            'namespace="shop",result="delivered",subscription="invoices"} 1.0',
            'namespace="shop",result="exhausted",subscription="invoices"} 0.0',
        ]


def test_the_first_report_that_a_full_backlog_refuses_is_a_step_from_zero():
    registry = CollectorRegistry()
    observer = Observer(registry)
    declare(observer)
    (line,) = exposed(registry, "backlog_refusals_total")
    assert line == 'hookgate_backlog_refusals_total{namespace="shop"} 0.0'
    observer.backlog_full(SHOP)
    (line,) = exposed(registry, "backlog_refusals_total")
    assert line.endswith(" 1.0")
    (line,) = exposed(registry, "requests_refused_total", "backlog_full")
    assert line.endswith(" 1.0"), "it is a refused request, too"


def test_the_first_resend_of_a_namespace_is_a_step_from_zero():
    registry = CollectorRegistry()
    observer = Observer(registry)
    declare(observer)
    assert exposed(registry, "resends") == ['hookgate_delivery_resends_total{namespace="shop"} 0.0']
    observer.resent(SHOP)
    assert exposed(registry, "resends") == ['hookgate_delivery_resends_total{namespace="shop"} 1.0']


def test_without_the_subscription_label_no_subscription_has_series():
    registry = CollectorRegistry()
    declare(Observer(registry, subscription_label=False), "invoices", "refunds")
    assert exposed(registry, "invoices") == []
    assert len(exposed(registry, "webhooks_delivered_total")) == 3


def test_the_series_of_a_deleted_subscription_go_and_a_new_one_counts_again():
    registry = CollectorRegistry()
    observer = Observer(registry)
    declare(observer, "invoices")
    observer.delivered(SHOP, "invoices", 0.1)
    declare(observer)
    assert exposed(registry, "invoices") == []
    observer.delivered(SHOP, "invoices", 0.1)
    (line,) = exposed(registry, "webhooks_delivered_total", "invoices")
    assert line.endswith(" 1.0")


def test_without_the_subscription_label_pending_is_summed():
    registry = CollectorRegistry()
    observer = Observer(registry, subscription_label=False)
    observer.stands(pending={(SHOP, "a"): 2, (SHOP, "b"): 3}, holds={}, oldest_due_age=0.0)
    assert exposed(registry, "deliveries_pending") == [
        'hookgate_deliveries_pending{namespace="shop",subscription=""} 5.0'
    ]
