"""What Prometheus answered to a panel, ready to be drawn."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.monitoring.prometheus import Prometheus


@dataclass(frozen=True, slots=True)
class Window:
    """The time that is shown, in seconds since the epoch, and what Grafana would put for its variables."""

    start: float
    end: float
    step: float
    scraped_every: float

    def values(self, chosen: Mapping[str, str]) -> dict[str, str]:
        rate = max(self.step + self.scraped_every, 4 * self.scraped_every)
        return {
            "$__rate_interval": f"{rate:.0f}s",
            "$__range": f"{self.end - self.start:.0f}s",
            **{f"${name}": value for name, value in chosen.items()},
        }


@dataclass(frozen=True, slots=True)
class Line:
    """One series, with its name in the legend."""

    name: str
    labels: Mapping[str, str]
    points: tuple[tuple[float, float], ...]

    @property
    def last(self) -> float:
        return self.points[-1][1]


async def answered(
    it: Prometheus, panel: Mapping[str, Any], window: Window, chosen: Mapping[str, str]
) -> list[Line]:
    """What a panel's queries bring; of one value each where it asks for now alone."""
    lines: list[Line] = []
    for target in panel["targets"]:
        expr = target["expr"]
        for variable, value in window.values(chosen).items():
            expr = expr.replace(variable, value)
        if target["instant"]:
            samples = await it.query(expr, at=window.end)
            found = [(sample.labels, ((sample.at, sample.value),)) for sample in samples]
        else:
            series = await it.query_range(expr, window.start, window.end, window.step)
            found = [(one.labels, one.points) for one in series]
        for labels, points in found:
            numbers = tuple(point for point in points if not math.isnan(point[1]))
            if numbers:
                lines.append(Line(_name(target["legendFormat"], labels), labels, numbers))
    return lines


def _name(legend: str, labels: Mapping[str, str]) -> str:
    if legend == "__auto":
        return ", ".join(labels.values())
    return re.sub(r"\{\{(\w+)\}\}", lambda found: labels.get(found[1], ""), legend)
