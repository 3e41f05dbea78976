"""
The dashboards as they are shipped, and what their panels ask.

    for expression in expressions(namespace="shop", subscription="invoices"):
        await prometheus.query(expression.expr)

`expressions(*, cluster=".*", job=".*", namespace=".*", subscription="", rate_interval="1m", range_="10m")` gives each
query of each panel as an `Expression`: `.dashboard` (its uid), `.panel` (its title), `.asked` (as it is written),
`.expr` (Grafana's variables substituted), `.legend`, `.columns` (of a table). A value of several is `a|b`. `namespace` and
`subscription` are one each for the dashboard of one subscription; without a `subscription` that one is left
out.

`await unanswered(prometheus, expressions)` are those that have no data now; what Prometheus does not take raises.
Some panels have data only in a state: a hold, an open breaker, a refused request, an alert.
"""

import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from tests.acceptance.harness import ROOT
from tests.monitoring.prometheus import Prometheus

FOLDER = ROOT / "charts/hookgate/files/dashboards"
RULES = ROOT / "charts/hookgate/files/rules"
NAMES = ("hookgate-operator", "hookgate-overview", "hookgate-subscription")


@dataclass(frozen=True, slots=True)
class Expression:
    """One query of a panel."""

    dashboard: str
    panel: str
    asked: str
    expr: str
    legend: str
    columns: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.dashboard}: {self.panel}: {self.expr}"


def dashboard(name: str) -> dict[str, Any]:
    """One as it stands in the chart."""
    return dict(json.loads((FOLDER / f"{name}.json").read_text()))


def panels(name: str) -> Iterator[dict[str, Any]]:
    """Its panels without the headings of rows."""
    return (panel for panel in dashboard(name)["panels"] if panel["type"] != "row")


def expressions(
    *,
    cluster: str = ".*",
    job: str = ".*",
    namespace: str = ".*",
    subscription: str = "",
    rate_interval: str = "1m",
    range_: str = "10m",
    names: Iterable[str] = NAMES,
) -> list[Expression]:
    """What all panels ask; see the module's description."""
    values = {
        "$__rate_interval": rate_interval,
        "$__range": range_,
        "$cluster": cluster,
        "$job": job,
        "$namespace": namespace,
        "$subscription": subscription,
    }
    return [
        _expression(name, panel, target, values)
        for name in names
        if subscription or name != "hookgate-subscription"
        for panel in panels(name)
        for target in panel["targets"]
    ]


async def unanswered(it: Prometheus, asked: Iterable[Expression]) -> list[Expression]:
    """Those that have no data now, or nothing but NaN."""
    return [one for one in asked if not await _answered(it, one)]


async def _answered(it: Prometheus, one: Expression) -> bool:
    return any(not math.isnan(sample.value) for sample in await it.query(one.expr))


def _expression(
    name: str, panel: dict[str, Any], target: dict[str, Any], values: dict[str, str]
) -> Expression:
    expr = target["expr"]
    for variable, value in values.items():
        expr = expr.replace(variable, value)
    (columns,) = [
        step["options"]["renameByName"]
        for step in panel.get("transformations", ())
        if step["id"] == "organize"
    ] or [{}]
    return Expression(
        name, panel["title"], target["expr"], expr, target["legendFormat"], tuple(columns)
    )
