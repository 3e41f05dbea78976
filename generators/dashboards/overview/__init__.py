"""The dashboard for whoever is on call: does hookgate deliver, and if not, whose receiver or which part is it?"""

from typing import Final

from generators.dashboards.model import Dashboard, Variable, installations
from generators.dashboards.overview.gateway import GATEWAY
from generators.dashboards.overview.now import NOW
from generators.dashboards.overview.traffic import LATENCY, TRAFFIC
from generators.dashboards.overview.whose import WHOSE

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
