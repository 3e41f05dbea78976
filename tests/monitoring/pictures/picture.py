"""A dashboard and what was answered to it → one picture."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tests.monitoring.pictures import svg
from tests.monitoring.pictures.answers import Line, Window
from tests.monitoring.pictures.panels import drawn
from tests.monitoring.pictures.scales import Place

COLUMN, UNIT, GAP = 50.0, 26.0, 6.0
"""Grafana's grid in points: the width of a column, the height of a row, and what is left between panels."""


def picture(
    dashboard: Mapping[str, Any], answers: Mapping[int, Sequence[Line]], window: Window
) -> str:
    """The file's text. Answers by the panels' ids."""
    height = max(p["gridPos"]["y"] + p["gridPos"]["h"] for p in dashboard["panels"]) * UNIT
    return svg.document(
        24 * COLUMN, height + GAP, dashboard["title"], _parts(dashboard, answers, window)
    )


def _parts(
    dashboard: Mapping[str, Any], answers: Mapping[int, Sequence[Line]], window: Window
) -> Iterator[str]:
    for panel in dashboard["panels"]:
        grid = panel["gridPos"]
        place = Place(
            grid["x"] * COLUMN + GAP / 2,
            grid["y"] * UNIT + GAP / 2,
            grid["w"] * COLUMN - GAP,
            grid["h"] * UNIT - GAP,
        )
        if panel["type"] == "row":
            yield svg.text(place.x + 4, place.y + 15, panel["title"], size=13, bold=True)
        else:
            yield from drawn(panel, answers[panel["id"]], window, place)
