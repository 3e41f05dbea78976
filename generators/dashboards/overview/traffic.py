"""What comes in, what goes out, and how long it takes."""

from collections.abc import Mapping
from typing import Final

from generators.dashboards.model import Color, Panel, Query, Row, quantiles

__all__ = ["LATENCY", "TRAFFIC"]

RESULTS: Final[Mapping[str, Color]] = {
    "delivered": "green",
    "exhausted": "red",
    "cancelled": "text",
}

ATTEMPTS: Final = (
    "sum by (namespace) "
    "(rate(hookgate_delivery_attempt_duration_seconds_count{TENANT}[$__rate_interval]))"
)
SUCCEEDING: Final = (
    "clamp_max("
    "(sum by (namespace) (rate(hookgate_delivery_latency_seconds_count{TENANT}[$__rate_interval]))"
    f" or 0 * {ATTEMPTS}) / ({ATTEMPTS} > 0), 1)"
)
"""From the namespaces' histograms: the counters of thousands of subscriptions take seconds, and begin at 1."""

TRAFFIC: Final = Row(
    "Traffic",
    [
        Panel(
            title="Reports received, by result",
            description="Reports of runs, each second. Duplicates are harmless repeats of a reporter; rejected ones "
            "were no valid report, which is the reporter's mistake.",
            queries=[
                Query(
                    "sum by (result) (rate(hookgate_webhooks_received_total{TENANT}[$__rate_interval]))",
                    "{{result}}",
                )
            ],
            unit="cps",
            stacked=True,
            colors={"accepted": "green", "duplicate": "blue", "rejected": "red"},
        ),
        Panel(
            title="Deliveries ended, by result",
            description="delivered: a receiver answered 2xx. exhausted: all attempts were used up, or it was too "
            "old; these can be replayed. cancelled: somebody asked for that, or a newer report took its place.",
            queries=[
                Query(
                    "sum by (result) (rate(hookgate_webhooks_delivered_total{TENANT}[$__rate_interval]))",
                    "{{result}}",
                )
            ],
            unit="cps",
            stacked=True,
            colors=RESULTS,
        ),
        Panel(
            title="Attempts, by outcome",
            description="HTTP attempts each second. Anything but success is tried again on the subscription's "
            "schedule. The outcome tells whose mistake it is: client_error and gone are the receiver's, dns_error "
            "and tls_error its owner's, blocked is a rule of ours.",
            queries=[
                Query(
                    "sum by (outcome) (rate(hookgate_delivery_attempts_total{TENANT}[$__rate_interval]))",
                    "{{outcome}}",
                )
            ],
            unit="cps",
            stacked=True,
            colors={"success": "green"},
        ),
        Panel(
            title="Success ratio of attempts, by namespace",
            description="It falls as soon as a receiver fails, whereas deliveries are exhausted only hours later. "
            "Behind an open breaker there are hardly any attempts, so look at breakers and backlogs, too. A test by "
            "hand counts as an attempt alone. Normal is above 95 %.",
            queries=[Query(SUCCEEDING, "{{namespace}}")],
            unit="percentunit",
            width=12,
            highest=1,
        ),
        Panel(
            title="Success ratio of deliveries, by namespace",
            description="Over five minutes each, from the recording rules of the chart. A namespace in which "
            "nothing ended has no line.",
            queries=[
                Query(
                    "sum by (namespace) (namespace:hookgate_webhooks_delivered:rate5m{TENANT})"
                    " / (sum by (namespace) (namespace:hookgate_webhooks_ended:rate5m{TENANT}) > 0)",
                    "{{namespace}}",
                )
            ],
            unit="percentunit",
            width=12,
            highest=1,
        ),
    ],
)

LATENCY: Final = Row(
    "How long it takes",
    [
        Panel(
            title="From report to the receiver's 2xx",
            description="Of deliveries that succeeded, retries and holds included: after an outage p99 shows how "
            "long it was, roughly: buckets end at 1, 5, 15 and 60 minutes. Normal is a p50 of milliseconds plus the "
            "receiver's own time.",
            queries=quantiles("hookgate_delivery_latency_seconds", "TENANT", 0.5, 0.95, 0.99),
            unit="s",
        ),
        Panel(
            title="One attempt",
            description="What receivers take to answer, failures included. When it rises towards the timeout, "
            "receivers are slow and slots are occupied longer.",
            queries=quantiles(
                "hookgate_delivery_attempt_duration_seconds", "TENANT", 0.5, 0.95, 0.99
            ),
            unit="s",
        ),
        Panel(
            title="From report to 2xx: p95 by namespace",
            description="Whose deliveries are late. One namespace alone has a slow or failing receiver; all "
            "together are the gateway's matter.",
            queries=[
                Query(
                    "histogram_quantile(0.95, sum by (namespace, le) "
                    "(rate(hookgate_delivery_latency_seconds_bucket{TENANT}[$__rate_interval])))",
                    "{{namespace}}",
                )
            ],
            unit="s",
        ),
    ],
)
