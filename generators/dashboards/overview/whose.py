"""Whose deliveries wait or fail, with the way to each subscription."""

from typing import Final

from generators.dashboards.model import Panel, Query, Row
from generators.dashboards.overview.now import NONE_HERE

__all__ = ["WHOSE"]

TO_SUBSCRIPTION: Final = (
    "This subscription",
    (
        "/d/hookgate-subscription?var-datasource=${datasource}&${cluster:queryparam}&${job:queryparam}"
        "&var-namespace=${__data.fields.namespace}"
        "&var-subscription=${__data.fields.subscription}&${__url_time_range}"
    ),
)


def top(asked: str) -> list[Query]:
    """The ten subscriptions with the most of it, if any."""
    return [Query(f"topk(10, sum by (namespace, subscription) ({asked}) > 0)")]


WHOSE: Final = Row(
    "Whose deliveries wait or fail",
    [
        Panel(
            title="Backlog, by namespace",
            description="Deliveries that have not ended. After an outage it falls as fast as the receiver allows.",
            queries=[
                Query("sum by (namespace) (hookgate_deliveries_pending{TENANT})", "{{namespace}}")
            ],
            width=12,
        ),
        Panel(
            title="Subscriptions held, and breakers open",
            description="How many receivers do not get their webhooks, and since when. Many at once are a network, a "
            "proxy or a name server, not receivers.",
            queries=[
                Query(f"count(hookgate_subscription_hold{{TENANT}}) or {NONE_HERE}", "held"),
                Query(f"count(hookgate_lane_state{{TENANT}} == 2) or {NONE_HERE}", "breaker open"),
            ],
            width=12,
            colors={"held": "orange", "breaker open": "red"},
        ),
        Panel(
            title="Largest backlogs",
            description="Ten subscriptions, now. A click leads to the subscription. An empty name stands for "
            "webhook URLs that runs brought themselves.",
            queries=top("hookgate_deliveries_pending{TENANT}"),
            kind="table",
            columns={"namespace": "Namespace", "subscription": "Subscription", "Value": "Pending"},
            link=TO_SUBSCRIPTION,
            empty="none",
        ),
        Panel(
            title="Most failed attempts",
            description="Ten subscriptions, in the time range. Talk to their owners, or suspend what nobody owns.",
            queries=top(
                'increase(hookgate_delivery_attempts_total{TENANT,outcome!="success"}[$__range])'
            ),
            kind="table",
            decimals=0,
            columns={"namespace": "Namespace", "subscription": "Subscription", "Value": "Failed"},
            link=TO_SUBSCRIPTION,
            empty="none",
        ),
        Panel(
            title="Alerts that fire",
            description="Each has a runbook of its name in docs/runbooks.",
            queries=[
                Query(
                    'max by (alertname, severity, namespace, subscription) (ALERTS{alertname=~"Hookgate.+",alertstate="firing"})'
                )
            ],
            kind="table",
            columns={
                "alertname": "Alert",
                "severity": "Severity",
                "namespace": "Namespace",
                "subscription": "Subscription",
            },
            empty="none",
        ),
        Panel(
            title="Held, and why",
            description="Suspended: somebody asked for it. Gone: the receiver answered 410. Unresolved: a Secret "
            "is missing. EndpointForbidden: the address is not allowed. Deleted: it ends within the hour.",
            queries=[
                Query(
                    "max by (namespace, subscription, reason) (hookgate_subscription_hold{TENANT})"
                )
            ],
            kind="table",
            columns={"namespace": "Namespace", "subscription": "Subscription", "reason": "Reason"},
            link=TO_SUBSCRIPTION,
            empty="none",
            width=12,
        ),
        Panel(
            title="Breakers that are not closed",
            description="The receiver fails in a row. Half open: one attempt is on its way to find out.",
            queries=[Query("max by (namespace, subscription) (hookgate_lane_state{TENANT}) > 0")],
            kind="table",
            columns={"namespace": "Namespace", "subscription": "Subscription", "Value": "Breaker"},
            names={1: ("half open", "orange"), 2: ("open", "red")},
            link=TO_SUBSCRIPTION,
            empty="none",
            width=12,
        ),
    ],
)
