"""Which counters changed between two scrapes."""

from prometheus_client import CollectorRegistry, generate_latest

from hookgate_gateway.dev.counters import changed, counters
from hookgate_gateway.observe import Observer
from hookgate_gateway.rules.delivery import Namespace


def test_only_counters_that_grew_are_told():
    registry = CollectorRegistry()
    observer = Observer(registry)
    observer.received(Namespace("default"), "task_v2", "completed", "accepted")
    before = counters(generate_latest(registry).decode())
    observer.received(Namespace("default"), "task_v2", "completed", "accepted")
    observer.ended(Namespace("default"), "flaky", "exhausted", 2)
    observer.inflight.set(7)
    assert changed(before, counters(generate_latest(registry).decode())) == {
        'hookgate_webhooks_delivered_total{namespace="default",result="exhausted",subscription="flaky"}': 2.0,
        'hookgate_webhooks_received_total{namespace="default",result="accepted",run_type="task_v2",status="completed"}': 1.0,
    }
