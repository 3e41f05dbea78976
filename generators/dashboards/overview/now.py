"""One look: does anything have to be done now?"""

from typing import Final

from generators.dashboards.model import Query, Row, stat

__all__ = ["NONE_HERE", "NOW"]

NONE_HERE: Final = "0 * count(hookgate_inflight_attempts{PROCESS})"
"""Zero where a gateway is scraped, and no data where none is: an absent gateway is not a quiet one."""

NOW: Final = Row(
    "Now",
    [
        stat(
            title="Firing alerts",
            description="Alerts of hookgate that fire, in all installations and namespaces. Normal is 0. The table below names them; "
            "each alert has a runbook.",
            queries=[
                Query('count(ALERTS{alertname=~"Hookgate.+",alertstate="firing"}) or ' + NONE_HERE)
            ],
            steps=[(1, "red")],
            empty="no gateway",
        ),
        stat(
            title="Success ratio",
            description="Of the deliveries that ended in the time range, the share that a receiver took. "
            "Cancelled ones do not count. Below 99 % look at the subscriptions that fail most.",
            queries=[
                Query(
                    'sum(increase(hookgate_webhooks_delivered_total{TENANT,result="delivered"}[$__range]))'
                    " / "
                    '(sum(increase(hookgate_webhooks_delivered_total{TENANT,result=~"delivered|exhausted"}[$__range])) > 0)'
                )
            ],
            unit="percentunit",
            base="red",
            steps=[(0.95, "orange"), (0.99, "green")],
            empty="nothing ended",
        ),
        stat(
            title="Success ratio, 30 days",
            description="The same share over 30 days, as a service level. It needs the recording rules of the chart.",
            queries=[
                Query(
                    "sum(sum_over_time(namespace:hookgate_webhooks_delivered:rate5m{TENANT}[30d]))"
                    " / "
                    "(sum(sum_over_time(namespace:hookgate_webhooks_ended:rate5m{TENANT}[30d])) > 0)"
                )
            ],
            unit="percentunit",
            base="red",
            steps=[(0.95, "orange"), (0.99, "green")],
            empty="nothing ended",
        ),
        stat(
            title="Backlog",
            description="Deliveries that have not ended: due, waiting for their next attempt, or held. It follows "
            "the traffic; one that only grows belongs to a receiver that is down or to a hold.",
            queries=[Query("sum(hookgate_deliveries_pending{TENANT})")],
            empty="no subscription",
        ),
        stat(
            title="Oldest due delivery",
            description="How long the oldest delivery that is due and not held has waited for its attempt. Normal "
            "is below a second, up to a minute behind an open breaker. More: the gateway does not keep up; "
            "look at attempts in flight and commits.",
            queries=[Query("max(hookgate_oldest_due_delivery_age_seconds{PROCESS})")],
            unit="s",
            steps=[(60, "orange"), (300, "red")],
            empty="no gateway",
        ),
        stat(
            title="Held subscriptions",
            description="Subscriptions whose deliveries wait for somebody: suspended, gone (410), a Secret "
            "missing, an address forbidden, deleted. None is lost meanwhile; the table below says why.",
            queries=[Query(f"count(hookgate_subscription_hold{{TENANT}}) or {NONE_HERE}")],
            steps=[(1, "orange")],
            empty="no gateway",
        ),
        stat(
            title="Open breakers",
            description="Subscriptions whose receiver failed so often in a row that it is asked once a while only. "
            "Normal is 0. It closes by itself with the first success.",
            queries=[Query(f"count(hookgate_lane_state{{TENANT}} == 2) or {NONE_HERE}")],
            steps=[(1, "red")],
            empty="no gateway",
        ),
        stat(
            title="Store: space left",
            description="Free of the store's disk, the space inside the store that new rows may use included. "
            "When it ends, reports are refused with 503 and nothing is lost. Below 20 % enlarge the volume "
            "or keep events for a shorter time.",
            queries=[
                Query(
                    "min("
                    "(hookgate_store_available_bytes{PROCESS} + hookgate_store_reusable_bytes{PROCESS})"
                    " / (hookgate_store_available_bytes{PROCESS} + hookgate_store_size_bytes{PROCESS})"
                    ")"
                )
            ],
            unit="percentunit",
            base="red",
            steps=[(0.1, "orange"), (0.2, "green")],
            empty="no gateway",
        ),
    ],
)
