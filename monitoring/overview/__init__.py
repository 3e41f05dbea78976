"""The dashboard for whoever is on call: does hookgate deliver, and if not, whose receiver or which part is it?"""

from typing import Final

from monitoring.dashboards import Dashboard, Variable, installations
from monitoring.overview.gateway import GATEWAY
from monitoring.overview.now import NOW
from monitoring.overview.traffic import LATENCY, TRAFFIC
from monitoring.overview.whose import WHOSE

__all__ = ["OVERVIEW"]

OVERVIEW: Final = Dashboard(
    uid="hookgate-overview",
    title="hookgate / Overview",
    description="Does hookgate deliver, and if not: whose receiver, or which part of it?",
    variables=[
        *installations("hookgate_inflight_attempts"),
        Variable(
            name="namespace",
            label="Namespace",
            values="label_values(hookgate_deliveries_pending{PROCESS}, namespace)",
            all=".*",  # what is nobody's has no namespace
        ),
    ],
    rows=[NOW, TRAFFIC, LATENCY, WHOSE, GATEWAY],
)
