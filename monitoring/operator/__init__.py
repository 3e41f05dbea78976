"""The dashboard of the operator: is what people apply at work in the gateway, and does their status say so?"""

from typing import Final

from monitoring.dashboards import Dashboard, Variable
from monitoring.operator.objects import NOW, OBJECTS
from monitoring.operator.work import OUTSIDE, PROCESS, WORK

__all__ = ["OPERATOR"]

OPERATOR: Final = Dashboard(
    uid="hookgate-operator",
    title="hookgate / Operator",
    description="Is what people apply at work in the gateway, and does its status say so?",
    variables=[
        Variable(
            name="instance",
            label="Operator",
            values="label_values(hookgate_operator_leader, instance)",
        ),
        Variable(
            name="namespace",
            label="Namespace",
            values='label_values(hookgate_subscriptions{instance=~"$instance"}, namespace)',
            all=".*",  # what is nobody\'s has no namespace
        ),
    ],
    rows=[NOW, OBJECTS, WORK, OUTSIDE, PROCESS],
)
