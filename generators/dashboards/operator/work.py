"""What the operator does, and how the two outside worlds answer it."""

from typing import Final

from generators.dashboards.model import Panel, Query, Row, process_panels, quantiles
from generators.dashboards.operator.leading import WATCH_AGE

__all__ = ["OUTSIDE", "PROCESS", "WORK"]

WORK: Final = Row(
    "Work",
    [
        Panel(
            title="Reconciles, by result",
            description="Looks at objects. retry: the cluster or the gateway could not, it comes back by itself. "
            "error: a mistake in the operator; its log has the place, please report it.",
            queries=[
                Query(
                    "sum by (result) (rate(hookgate_operator_reconcile_total{PROCESS}[$__rate_interval]))",
                    "{{result}}",
                )
            ],
            unit="cps",
            stacked=True,
            colors={"success": "green", "retry": "orange", "error": "red"},
        ),
        Panel(
            title="One reconcile",
            description="How long one look took. Normal is tens of milliseconds; it follows the API server's and the "
            "gateway's answers.",
            queries=quantiles(
                "hookgate_operator_reconcile_duration_seconds", "PROCESS", 0.5, 0.95, 0.99
            ),
            unit="s",
        ),
        Panel(
            title="A worker's time for one object",
            description="The reconcile and what is around it. Much more than one reconcile: the process has no CPU.",
            queries=quantiles(
                "hookgate_operator_workqueue_work_duration_seconds", "PROCESS", 0.5, 0.99
            ),
            unit="s",
        ),
        Panel(
            title="Queue depth",
            description="Objects that wait for a worker. A line that does not come back to 0: reconciles are too "
            "slow for how much changes.",
            queries=[
                Query(
                    "sum by (instance) (hookgate_operator_workqueue_depth{PROCESS})", "{{instance}}"
                )
            ],
        ),
        Panel(
            title="Wait in the queue",
            description="From when an object came to wait until a worker took it.",
            queries=quantiles(
                "hookgate_operator_workqueue_queue_duration_seconds", "PROCESS", 0.5, 0.99
            ),
            unit="s",
        ),
        Panel(
            title="Added and put off",
            description="added: an object came to wait. put off: a look failed and comes again after its back-off.",
            queries=[
                Query(
                    "sum(rate(hookgate_operator_workqueue_adds_total{PROCESS}[$__rate_interval]))",
                    "added",
                ),
                Query(
                    "sum(rate(hookgate_operator_workqueue_retries_total{PROCESS}[$__rate_interval]))",
                    "put off",
                ),
            ],
            unit="cps",
        ),
    ],
)

OUTSIDE: Final = Row(
    "API server and gateway",
    [
        Panel(
            title="Since watches are known to be alive",
            description="Each watch of the leader. Normal is a saw below two minutes: names are listed every minute "
            "and compared.",
            queries=[Query(f"max by (resource) ({WATCH_AGE})", "{{resource}}")],
            unit="s",
            steps=[(600, "red")],
        ),
        Panel(
            title="Troubles of watches",
            description="A watch stopped working or had missed something; it was begun anew and caught up. One now "
            "and then is nothing.",
            queries=[
                Query(
                    "sum by (resource) (rate(hookgate_operator_watch_troubles_total{PROCESS}[$__rate_interval]))",
                    "{{resource}}",
                )
            ],
            unit="cps",
            empty="none",
        ),
        Panel(
            title="Leadership",
            description="Which replica works. A change is a rollout, or a leader that could not renew its Lease.",
            queries=[
                Query("max by (instance) (hookgate_operator_leader{PROCESS})", "{{instance}}")
            ],
            kind="state-timeline",
            names={0: ("standby", "blue"), 1: ("leader", "green")},
            base="blue",
            steps=[(1, "green")],
        ),
        Panel(
            title="Requests to the API server, by code",
            description="none: there was no answer. 403: a rule is missing, and the log names it. 404 and 409 are "
            "part of the work; 429 and 5xx are the server's trouble.",
            queries=[
                Query(
                    "sum by (code) (rate(hookgate_operator_cluster_requests_total{PROCESS}[$__rate_interval]))",
                    "{{code}}",
                )
            ],
            unit="cps",
            stacked=True,
        ),
        Panel(
            title="Requests to the API server, by kind",
            description="What the API server is asked for. Normal at rest is a list of each watched resource a minute.",
            queries=[
                Query(
                    "sum by (verb, resource) (rate(hookgate_operator_cluster_requests_total{PROCESS}[$__rate_interval]))",
                    "{{verb}} {{resource}}",
                )
            ],
            unit="cps",
            stacked=True,
        ),
        Panel(
            title="Requests to the gateway, by code",
            description="none: there was no answer. 401: the control token differs. 4xx else: gateway and operator "
            "are of different versions. 5xx: the gateway's store.",
            queries=[
                Query(
                    "sum by (code) (rate(hookgate_operator_gateway_requests_total{PROCESS}[$__rate_interval]))",
                    "{{code}}",
                )
            ],
            unit="cps",
            stacked=True,
        ),
    ],
)

PROCESS: Final = Row("The process", process_panels("hookgate_operator_leader", width=8))
