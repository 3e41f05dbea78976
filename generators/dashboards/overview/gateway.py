"""What the overview tells of the gateway as a process: does it keep up, and whom does it turn away?"""

from typing import Final

from generators.dashboards.model import Panel, Query, Row, process_panels, quantiles

__all__ = ["GATEWAY"]

OF_CLIENTS: Final = (
    "sum by (reason) "
    '(rate(hookgate_requests_refused_total{PROCESS,reason!="backlog_full"}[$__rate_interval]))'
)
OF_A_BACKLOG: Final = (
    "label_join(label_replace("
    "sum by (namespace) (rate(hookgate_backlog_refusals_total{TENANT}[$__rate_interval])) > 0, "
    '"reason", "backlog_full", "", ""), "reason", " of ", "reason", "namespace")'
)
"""Refused requests by their reason; those of a full backlog say whose it is."""

GATEWAY: Final = Row(
    "The gateway",
    [
        Panel(
            title="Ready, by check",
            description="What its readiness probe looks at. With one of them red the gateway is out of its Service and "
            "accepts nothing. store: a write would not be stored now. manifests: none could be loaded. stopping: it was "
            "asked to end, which takes seconds. A gap is a gateway that is away, or still opens its store.",
            queries=[
                Query(
                    "min by (instance, check) (hookgate_ready{PROCESS})", "{{check}}, {{instance}}"
                )
            ],
            kind="state-timeline",
            width=24,
            height=5,
            names={0: ("not ready", "red"), 1: ("ready", "green")},
            base="red",
            steps=[(1, "green")],
        ),
        Panel(
            title="Attempts in flight",
            description="Requests to receivers that are under way. At the limit of HOOKGATE_MAX_INFLIGHT with due "
            "deliveries waiting: receivers are slow, or more slots are needed.",
            queries=[
                Query("sum by (instance) (hookgate_inflight_attempts{PROCESS})", "{{instance}}")
            ],
        ),
        Panel(
            title="Oldest due delivery",
            description="Seconds that the oldest delivery that is due and not held has waited. A saw of up to a "
            "minute is an open breaker; a line that climbs is a gateway that does not keep up.",
            queries=[
                Query(
                    "max by (instance) (hookgate_oldest_due_delivery_age_seconds{PROCESS})",
                    "{{instance}}",
                )
            ],
            unit="s",
            steps=[(300, "red")],
        ),
        Panel(
            title="Commits of the store",
            description="What those who wait for a commit see, accepted reports among them. Normal is a p99 of "
            "some milliseconds on a local disk; above 100 ms the disk is slow, and reports are answered slowly.",
            queries=quantiles("hookgate_store_commit_seconds", "PROCESS", 0.5, 0.99),
            unit="s",
            steps=[(0.1, "orange")],
        ),
        Panel(
            title="Requests refused, by reason",
            description="Turned away by a limit, though nothing was wrong with what they asked. docs/operations.md "
            "says for each reason which limit it is and when to raise it. store and overloaded are the gateway's "
            "own trouble, the others mostly a client's. backlog_full says whose: a receiver of that namespace takes "
            "nothing, or a subscription is held.",
            queries=[
                Query(f"{OF_CLIENTS} > 0 or {OF_A_BACKLOG}", "{{reason}}"),
            ],
            unit="cps",
            stacked=True,
            empty="none",
            width=12,
        ),
        Panel(
            title="Not authenticated",
            description="Requests without a key that is known, and webhooks of Skyvern servers whose signature is "
            "wrong or too old. A few are people who try; many at once are a rotated key, or an attack.",
            queries=[
                Query(
                    "sum by (credential) (rate(hookgate_authentication_failures_total{PROCESS}[$__rate_interval]))",
                    "{{credential}}",
                ),
                Query(
                    "sum by (namespace, source) (rate(hookgate_signature_failures_total{TENANT}[$__rate_interval])) > 0",
                    "signature: {{namespace}}/{{source}}",
                ),
            ],
            unit="cps",
            width=12,
        ),
        Panel(
            title="Size of the store",
            description="Size: what it takes on the disk. Reusable: of that, what pruned events have left for new "
            "ones; a store does not get smaller. Events are kept for HOOKGATE_RETENTION_DAYS.",
            queries=[
                Query("sum(hookgate_store_size_bytes{PROCESS})", "size"),
                Query("sum(hookgate_store_reusable_bytes{PROCESS})", "reusable"),
            ],
            unit="bytes",
            width=6,
        ),
        Panel(
            title="Free on the store's disk",
            description="When it ends, reports are refused with 503 until there is room again; nothing that was "
            "accepted is lost.",
            queries=[
                Query("min by (instance) (hookgate_store_available_bytes{PROCESS})", "{{instance}}")
            ],
            unit="bytes",
            width=6,
        ),
        *process_panels("hookgate_inflight_attempts", width=6),
        Panel(
            title="Bulk replays",
            description="Replays that run or are paused. They send behind what is fresh; one that runs for hours "
            "has a receiver that takes little.",
            queries=[Query("sum by (state) (hookgate_replays{PROCESS})", "{{state}}")],
            width=9,
        ),
        Panel(
            title="Deliveries made by replays",
            description="Additional deliveries each second, by namespace: expect them among attempts, too.",
            queries=[
                Query(
                    "sum by (namespace) (rate(hookgate_replay_deliveries_total{TENANT}[$__rate_interval]))",
                    "{{namespace}}",
                )
            ],
            unit="cps",
            empty="none",
            width=9,
        ),
    ],
)
