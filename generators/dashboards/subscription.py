"""The dashboard of a team: does our subscription get its webhooks, and if not, what stands in the way?"""

from typing import Final

from generators.dashboards.model import (
    Color,
    Dashboard,
    Panel,
    Query,
    Row,
    Variable,
    installations,
    quantiles,
    stat,
    succeeding,
)

__all__ = ["SUBSCRIPTION"]

BREAKER: Final[dict[float, tuple[str, Color]]] = {
    0: ("closed", "green"),
    1: ("half open", "orange"),
    2: ("open", "red"),
}
BREAKER_STATE: Final = "max(hookgate_lane_state{SUBSCRIPTION})"
HOLD: Final = (
    "max by (reason) (hookgate_subscription_hold{SUBSCRIPTION})"
    ' or on () label_replace(0 * max(hookgate_deliveries_pending{SUBSCRIPTION}), "reason", "none", "", "")'
)
"""A series for the reason of a hold, or one called none, as long as the subscription is declared."""


def ended(result: str) -> list[Query]:
    """How many of its deliveries ended so in the time range."""
    counter = f'hookgate_webhooks_delivered_total{{SUBSCRIPTION,result="{result}"}}'
    return [Query(f"sum(increase({counter}[$__range]))")]


NOW: Final = Row(
    "Now",
    [
        stat(
            title="Hold",
            description="Why its deliveries wait, or none. Suspended: spec.suspend. Gone: the receiver answered "
            "410; edit or resume it. Unresolved: a Secret is missing. EndpointForbidden: the address is not "
            "allowed. Deleted: what waits is cancelled within the hour. `kubectl describe whsub` says more.",
            queries=[Query(HOLD, "{{reason}}")],
            width=4,
            steps=[(1, "orange")],
            shows_name=True,
            empty="no such subscription",
        ),
        stat(
            title="Breaker",
            description="open: the receiver failed several times in a row and is asked once in openSeconds, until it "
            "answers 2xx. Deliveries wait meanwhile and lose no attempt.",
            queries=[Query(BREAKER_STATE)],
            width=4,
            names=BREAKER,
            steps=[(1, "orange"), (2, "red")],
            empty="no such subscription",
        ),
        stat(
            title="Pending",
            description="Deliveries that have not ended: due, waiting for the next attempt, or held.",
            queries=[Query("sum(hookgate_deliveries_pending{SUBSCRIPTION})")],
            width=4,
            empty="no such subscription",
        ),
        stat(
            title="Success ratio of attempts",
            description="Of all attempts in the time range, but for the first failures of a kind that it has never had before. Below 95 % look at the outcomes; behind an open breaker there are hardly any attempts.",
            queries=[Query(succeeding("SUBSCRIPTION", "increase [$__range]"))],
            unit="percentunit",
            width=4,
            base="red",
            steps=[(0.8, "orange"), (0.95, "green")],
            empty="no attempts",
        ),
        stat(
            title="Delivered",
            description="Deliveries that the receiver took in the time range.",
            queries=ended("delivered"),
            decimals=0,
            width=4,
            empty="no such subscription",
        ),
        stat(
            title="Exhausted",
            description="Deliveries that were given up in the time range. They are kept and can be replayed: a "
            "WebhookReplay with filter.subscription and state exhausted.",
            queries=ended("exhausted"),
            decimals=0,
            width=4,
            steps=[(1, "red")],
            empty="no such subscription",
        ),
    ],
)

HISTORY: Final = Row(
    "What happened",
    [
        Panel(
            title="Breaker over time",
            description="Each red stretch is an outage of the receiver, as hookgate saw it.",
            queries=[Query(BREAKER_STATE, "breaker")],
            kind="state-timeline",
            width=12,
            height=5,
            names=BREAKER,
            steps=[(1, "orange"), (2, "red")],
        ),
        Panel(
            title="Hold over time",
            description="Which holds there were, each with its reason. `none` is a stretch without any.",
            queries=[Query(HOLD, "{{reason}}")],
            kind="state-timeline",
            width=12,
            height=5,
            names={0: ("not held", "green"), 1: ("held", "orange")},
            steps=[(1, "orange")],
        ),
        Panel(
            title="Attempts, by outcome",
            description="success: 2xx. client_error, server_error, redirect, rate_limited, gone: the receiver "
            "answered something else. timeout, connection_error, tls_error, dns_error: there was no answer. "
            "blocked: the address is not allowed.",
            queries=[
                Query(
                    "sum by (outcome) (rate(hookgate_delivery_attempts_total{SUBSCRIPTION}[$__rate_interval]))",
                    "{{outcome}}",
                )
            ],
            unit="cps",
            width=12,
            stacked=True,
            colors={"success": "green"},
        ),
        Panel(
            title="Deliveries ended, by result",
            description="delivered: taken. exhausted: given up, and can be replayed. cancelled: somebody asked for "
            "that, a newer report took its place, or the subscription was deleted.",
            queries=[
                Query(
                    "sum by (result) (rate(hookgate_webhooks_delivered_total{SUBSCRIPTION}[$__rate_interval]))",
                    "{{result}}",
                )
            ],
            unit="cps",
            width=12,
            stacked=True,
            colors={"delivered": "green", "exhausted": "red", "cancelled": "text"},
        ),
        Panel(
            title="Success ratio of attempts",
            description="The share of attempts. It falls at once when the receiver does, whereas deliveries are "
            "given up only after the last pause of the schedule.",
            queries=[
                Query(
                    succeeding("SUBSCRIPTION", "rate [$__rate_interval]"),
                    "success",
                )
            ],
            unit="percentunit",
            width=12,
            highest=1,
        ),
        Panel(
            title="Pending",
            description="It climbs during an outage and a hold, and falls afterwards as fast as maxInFlight and "
            "ratePerSecond let it.",
            queries=[Query("sum(hookgate_deliveries_pending{SUBSCRIPTION})", "pending")],
            width=12,
        ),
    ],
)

NAMESPACE: Final = Row(
    "Its namespace",
    [
        Panel(
            title="From report to 2xx, whole namespace",
            description="Latency is kept by namespace, not by subscription: other subscriptions of the namespace "
            "are in it. Retries and holds count.",
            queries=quantiles("hookgate_delivery_latency_seconds", "NAMESPACE", 0.5, 0.95, 0.99),
            unit="s",
        ),
        Panel(
            title="One attempt, whole namespace",
            description="What its receivers take to answer, failures included.",
            queries=quantiles(
                "hookgate_delivery_attempt_duration_seconds", "NAMESPACE", 0.5, 0.95, 0.99
            ),
            unit="s",
        ),
        Panel(
            title="Reports received, whole namespace",
            description="What came in for the namespace. Nothing here means that nothing was reported: the "
            "subscription is not to blame.",
            queries=[
                Query(
                    "sum by (result) (rate(hookgate_webhooks_received_total{NAMESPACE}[$__rate_interval]))",
                    "{{result}}",
                )
            ],
            unit="cps",
            stacked=True,
            colors={"accepted": "green", "duplicate": "blue", "rejected": "red"},
        ),
    ],
)

SUBSCRIPTION: Final = Dashboard(
    uid="hookgate-subscription",
    title="hookgate / Subscription",
    description="Does one subscription get its webhooks, and if not, what stands in the way?",
    variables=[
        *installations("hookgate_inflight_attempts"),
        Variable(
            name="namespace",
            label="Namespace",
            values="label_values(hookgate_deliveries_pending{PROCESS}, namespace)",
            several=False,
        ),
        Variable(
            name="subscription",
            label="Subscription",
            values="label_values(hookgate_deliveries_pending{NAMESPACE}, subscription)",
            several=False,
        ),
    ],
    rows=[NOW, HISTORY, NAMESPACE],
)
