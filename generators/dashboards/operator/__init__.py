"""The dashboard of the operator: is what people apply at work in the gateway, and does their status say so?"""

from typing import Final

from generators.dashboards.model import Dashboard, Variable, installations
from generators.dashboards.operator.objects import NOW, OBJECTS
from generators.dashboards.operator.work import OUTSIDE, PROCESS, WORK

__all__ = ["OPERATOR"]

OPERATOR: Final = Dashboard(
    uid="hookgate-operator",
    title="hookgate / Operator",
    description="Is what people apply at work in the gateway, and does its status say so?",
    variables=[
        *installations("hookgate_operator_leader"),
        Variable(
            name="namespace",
            label="Namespace",
            values="label_values(hookgate_subscriptions{PROCESS}, namespace)",
            all=".*",  # what is nobody's has no namespace
        ),
    ],
    rows=[NOW, OBJECTS, WORK, OUTSIDE, PROCESS],
)
