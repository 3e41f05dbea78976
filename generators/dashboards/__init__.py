"""
The Grafana dashboards, as they are written: panels with their questions, in plain Python and PromQL.

`python -m generators.dashboards` writes them as JSON into the chart. JSON of a dashboard is two thousand lines in which
nobody sees what a panel asks; here a panel is its title, a description and its queries. A library that
builds dashboards would be the larger part of it: what is needed of Grafana's model stands in `grafana`, and the
tests read the JSON with Grafana's own types.
"""

from typing import Final

from generators.dashboards.operator import OPERATOR
from generators.dashboards.overview import OVERVIEW
from generators.dashboards.subscription import SUBSCRIPTION

__all__ = ["ALL"]

ALL: Final = (OVERVIEW, SUBSCRIPTION, OPERATOR)
