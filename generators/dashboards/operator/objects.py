"""How the operator and the objects that it looks after stand now."""

from typing import Final

from generators.dashboards.model import Panel, Query, Row, stat
from generators.dashboards.operator.leading import AT_WORK, WATCH_AGE

__all__ = ["NOW", "OBJECTS"]

NONE_HERE: Final = "0 * count(hookgate_operator_leader{PROCESS})"
"""Zero where an operator is scraped, and no data where none is."""

NOW: Final = Row(
    "Now",
    [
        stat(
            title="Leaders",
            description="Replicas that work. Normal is 1. None for longer than the Lease's duration: nobody can get "
            "the Lease; two: two operators of different gateway classes, or a mistake.",
            queries=[Query("sum(hookgate_operator_leader{PROCESS})")],
            base="red",
            steps=[(1, "green"), (2, "orange")],
            empty="no operator",
        ),
        stat(
            title="Gateway",
            description="Whether the gateway's control API answers the leader. Away: deliveries of what was handed "
            "over go on if the gateway lives; changes wait.",
            queries=[Query(f"min(hookgate_operator_gateway_reachable{{PROCESS}} {AT_WORK})")],
            names={0: ("away", "red"), 1: ("answers", "green")},
            base="red",
            steps=[(1, "green")],
            empty="no leader",
        ),
        stat(
            title="Not ready",
            description="WebhookSubscriptions whose condition Ready is not True, suspended ones apart: those are "
            "ready and held. Their status says what is missing; the table below says in which namespace.",
            queries=[
                Query(
                    f'sum(hookgate_subscriptions{{TENANT,condition="Ready",status!="True"}}) or {NONE_HERE}'
                )
            ],
            steps=[(1, "orange")],
            empty="no operator",
        ),
        stat(
            title="Secrets refused",
            description="Secrets of API keys and sources that cannot be used. An Event on the Secret says why.",
            queries=[Query(f"sum(hookgate_operator_key_secrets_refused{{TENANT}}) or {NONE_HERE}")],
            steps=[(1, "orange")],
            empty="no operator",
        ),
        stat(
            title="Broken watches",
            description="Normal is 0. What they would tell is found by a list each minute, where that is possible; "
            "the log's watch_trouble says why: a rule, a CRD, or the API server that is away.",
            queries=[
                Query(f"count(hookgate_operator_watch_working{{PROCESS}} == 0) or {NONE_HERE}")
            ],
            steps=[(1, "red")],
            empty="no operator",
        ),
        stat(
            title="Quietest watch",
            description="Since when the watch that was silent for longest is known to be alive. Normal is up to a "
            "minute or two. More: changes are not seen; the log's watch_trouble says why.",
            queries=[Query(f"max({WATCH_AGE})")],
            unit="s",
            steps=[(180, "orange"), (600, "red")],
            empty="no leader",
        ),
        stat(
            title="Queue",
            description="Objects that wait for a worker. Normal is 0, or a burst after a start.",
            queries=[Query("sum(hookgate_operator_workqueue_depth{PROCESS})")],
            steps=[(100, "orange")],
            empty="no operator",
        ),
        stat(
            title="Errors",
            description="Looks at objects in the time range that ended in a mistake of the operator's own. Normal is "
            "0; the log's reconcile_failed names the place, please report it. The object is looked at again.",
            queries=[
                Query(
                    'sum(increase(hookgate_operator_reconcile_total{PROCESS,result="error"}[$__range]))'
                )
            ],
            decimals=0,
            steps=[(1, "red")],
            empty="no operator",
        ),
    ],
)


OBJECTS: Final = Row(
    "Objects",
    [
        Panel(
            title="Subscriptions, by condition",
            description="How many stand how. Ready False needs somebody; Delivering False is a receiver that fails; "
            "Unknown is not told yet, or kept by what Ready says.",
            queries=[
                Query(
                    "sum by (condition, status) (hookgate_subscriptions{TENANT})",
                    "{{condition}} {{status}}",
                )
            ],
        ),
        Panel(
            title="Where conditions are not true",
            description="By namespace. `kubectl get whsub -n …` names the objects.",
            queries=[
                Query(
                    'sum by (namespace, condition, status) (hookgate_subscriptions{TENANT,status!="True"}) > 0'
                )
            ],
            kind="table",
            columns={
                "namespace": "Namespace",
                "condition": "Condition",
                "status": "Status",
                "Value": "Subscriptions",
            },
            empty="all are true",
        ),
        Panel(
            title="Secrets refused, by namespace",
            description="API keys and sources that cannot be used: too short, named twice, not readable.",
            queries=[
                Query(
                    "sum by (namespace) (hookgate_operator_key_secrets_refused{TENANT})",
                    "{{namespace}}",
                )
            ],
            empty="none",
        ),
    ],
)
