"""A panel and what was answered → its part of the picture."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from tests.monitoring.pictures import svg
from tests.monitoring.pictures.answers import Line, Window
from tests.monitoring.pictures.graphs import clock, timeseries
from tests.monitoring.pictures.scales import Place, Plot
from tests.monitoring.pictures.units import shown

Panel = Mapping[str, Any]
HEADING, MARGIN = 22.0, 8.0


def drawn(panel: Panel, lines: Sequence[Line], window: Window, place: Place) -> Iterator[str]:
    """The panel on its sheet of paper."""
    yield svg.box(place.x, place.y, place.width, place.height, svg.PAPER, round_=3)
    yield svg.text(place.x + MARGIN, place.y + 15, panel["title"], size=12, bold=True)
    inside = Place(
        place.x + MARGIN,
        place.y + HEADING,
        place.width - 2 * MARGIN,
        place.height - HEADING - MARGIN,
    )
    if not lines:
        words = panel["fieldConfig"]["defaults"].get("noValue", "no data")
        yield svg.text(
            place.x + place.width / 2, place.y + place.height / 2 + 8, words, color=svg.FAINT, anchor="middle"
        )  # fmt: skip
        return
    yield from _KINDS[panel["type"]](panel, lines, window, inside)


# ------------------------------------------------------------------------- stats, tables, states


def _stat(panel: Panel, lines: Sequence[Line], window: Window, place: Place) -> Iterator[str]:
    (line, *_) = lines
    words, color = _worded(panel, line.last)
    if panel["options"]["textMode"] == "name":
        words = line.name
    middle = place.x + place.width / 2
    size = 26 if len(words) <= 8 else 20
    yield svg.text(
        middle, place.y + place.height / 2 + 6, words, size=size, color=color, anchor="middle", bold=True
    )  # fmt: skip


def _table(panel: Panel, lines: Sequence[Line], window: Window, place: Place) -> Iterator[str]:
    """The most of it first, where there is a number; columns as wide as what is in them."""
    columns = panel["transformations"][0]["options"]["renameByName"]
    if panel["options"]["sortBy"]:
        lines = sorted(lines, key=lambda line: -line.last)
    rows = [[(name, svg.FAINT) for name in columns.values()]]
    rows += [[_cell(panel, label, line) for label in columns] for line in lines]
    widths = [max(len(row[number][0]) for row in rows) + 2 for number in range(len(columns))]
    y = place.y + 12
    for row in rows[: int(place.height / 17)]:
        x = place.x
        for (words, color), width in zip(row, widths, strict=True):
            yield svg.text(x, y, words, size=10.5, color=color)
            x += place.width * width / sum(widths)
        yield svg.line([(place.x, y + 5), (place.x + place.width, y + 5)], svg.GRID, width=1)
        y += 17


def _cell(panel: Panel, label: str, line: Line) -> tuple[str, str]:
    return _worded(panel, line.last) if label == "Value" else (line.labels.get(label, ""), svg.INK)


def _state_timeline(
    panel: Panel, lines: Sequence[Line], window: Window, place: Place
) -> Iterator[str]:
    height = (place.height - 18) / len(lines)
    names = min(130.0, 6.0 * max(len(line.name) for line in lines) + 12)
    plot = Plot(place.x + names, place.x + place.width, place.y, place.y + place.height - 18, window.start, window.end, 1)  # fmt: skip
    for number, line in enumerate(lines):
        y = place.y + number * height
        yield svg.text(
            place.x + names - 6,
            y + height / 2 + 3,
            line.name[:22],
            size=10,
            color=svg.FAINT,
            anchor="end",
        )
        for start, end, value in _stretches(line.points, window.step):
            words, color = _worded(panel, value)
            left, right = plot.at(start, 0)[0], min(plot.at(end, 0)[0], plot.right)
            yield svg.box(left, y + 2, right - left, height - 5, color)
            if right - left > 7 * len(words):
                yield svg.text(left + 4, y + height / 2 + 3, words, size=10, color=svg.PAPER)
    yield from clock(plot)


def _stretches(
    points: Sequence[tuple[float, float]], step: float
) -> Iterator[tuple[float, float, float]]:
    """From when to when it had which value."""
    start, before = points[0]
    last = start
    for at, value in points[1:]:
        if value != before or at - last > 1.5 * step:
            yield start, last + step, before
            start, before = at, value
        last = at
    yield start, last + step, before


def _worded(panel: Panel, value: float) -> tuple[str, str]:
    """What a value is called, and its color: a name that the panel gives, or its thresholds'."""
    defaults = panel["fieldConfig"]["defaults"]
    for mapping in defaults["mappings"]:
        if named := mapping["options"].get(f"{value:g}"):
            return named["text"], svg.COLORS[named["color"]]
    reached = [
        step["color"]
        for step in defaults["thresholds"]["steps"]
        if step["value"] is None or value >= step["value"]
    ]
    rounded = round(value) if defaults.get("decimals") == 0 else value
    return shown(rounded, defaults["unit"]), svg.COLORS[reached[-1]]


_KINDS: Mapping[str, Callable[[Panel, Sequence[Line], Window, Place], Iterator[str]]] = {
    "timeseries": timeseries,
    "stat": _stat,
    "table": _table,
    "state-timeline": _state_timeline,
}
