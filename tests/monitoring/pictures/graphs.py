"""Lines over time: axes, series, limits and a legend."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tests.monitoring.pictures import svg
from tests.monitoring.pictures.answers import Line, Window
from tests.monitoring.pictures.scales import Place, Plot, ticks
from tests.monitoring.pictures.units import shown

Panel = Mapping[str, Any]
Points = Sequence[tuple[float, float]]
Floor = Mapping[float, float]
AXIS, CLOCK, LEGEND_LINE, LEGEND_LINES = 52.0, 18.0, 14.0, 5


def timeseries(panel: Panel, lines: Sequence[Line], window: Window, place: Place) -> Iterator[str]:
    """The graph of a panel inside its frame."""
    defaults = panel["fieldConfig"]["defaults"]
    stacked = defaults["custom"]["stacking"]["mode"] == "normal"
    layers = _stacked(lines) if stacked else [(line.points, None) for line in lines]
    colors = _colors(panel, lines)
    steps = _steps(_highest(panel, layers), defaults["unit"])
    legend = LEGEND_LINE * min(len(lines), LEGEND_LINES)
    plot = Plot(
        left=place.x + AXIS,
        right=place.x + place.width,
        top=place.y + 4,
        bottom=place.y + place.height - legend - CLOCK,
        start=window.start,
        end=window.end,
        highest=steps[-1],
    )
    yield from _axes(plot, steps, defaults["unit"])
    for (points, floor), color in zip(layers, colors, strict=True):
        yield from _series(points, floor, color, plot, window.step)
    yield from _limits(defaults, plot)
    below = Place(place.x, place.y + place.height - legend, place.width, legend)
    yield from _legend(lines, colors, defaults["unit"], below)


def clock(plot: Plot) -> Iterator[str]:
    """Minutes since the start: a picture is of no particular day."""
    for minute in range(0, int((plot.end - plot.start) / 60) + 1, 2):
        x, _ = plot.at(plot.start + 60 * minute, 0)
        words, anchor = f"{minute} min", "end" if x > plot.right - 14 else "middle"
        yield svg.text(x, plot.bottom + 13, words, size=10, color=svg.FAINT, anchor=anchor)


def _highest(panel: Panel, layers: Sequence[tuple[Points, Floor | None]]) -> float:
    given = panel["fieldConfig"]["defaults"].get("max")
    return float(given or max(value for points, _ in layers for _, value in points))


def _steps(highest: float, unit: str) -> list[float]:
    """Round in the unit that is shown: GiB are not thousands, nor minutes hundreds of seconds."""
    if unit == "bytes":
        return ticks(highest, 1024)
    factor = 60.0 if unit == "s" and highest > 60 else 1.0
    return [factor * step for step in ticks(highest / factor)]


def _axes(plot: Plot, steps: Sequence[float], unit: str) -> Iterator[str]:
    for value in steps:
        _, y = plot.at(plot.start, value)
        yield svg.line([(plot.left, y), (plot.right, y)], svg.GRID, width=1)
        words = shown(value, unit)
        yield svg.text(plot.left - 6, y + 3.5, words, size=10, color=svg.FAINT, anchor="end")
    yield from clock(plot)


def _series(
    points: Points, floor: Floor | None, color: str, plot: Plot, step: float
) -> Iterator[str]:
    for part in _unbroken(points, step):
        above = [plot.at(*point) for point in part]
        if floor is not None:
            below = [plot.at(at, floor.get(at, 0.0)) for at, _ in reversed(part)]
            yield svg.area([*above, *below], color)
        else:
            yield svg.line(above, color)


def _limits(defaults: Mapping[str, Any], plot: Plot) -> Iterator[str]:
    for step in defaults["thresholds"]["steps"][1:]:
        if step["value"] <= plot.highest:
            _, y = plot.at(plot.start, step["value"])
            color = svg.COLORS[step["color"]]
            yield svg.line([(plot.left, y), (plot.right, y)], color, width=1, dashed=True)


def _legend(lines: Sequence[Line], colors: Sequence[str], unit: str, place: Place) -> Iterator[str]:
    """A line for each series; what is too many is counted."""
    room = LEGEND_LINES if len(lines) <= LEGEND_LINES else LEGEND_LINES - 1
    y, right = place.y + 6, place.x + place.width
    for line, color in list(zip(lines, colors, strict=True))[:room]:
        highest = max(value for _, value in line.points)
        told = f"last {shown(line.last, unit)}   max {shown(highest, unit)}"
        yield svg.box(place.x, y - 3, 10, 3, color)
        yield svg.text(place.x + 16, y + 2, line.name[:44], size=10)
        yield svg.text(right, y + 2, told, size=10, color=svg.FAINT, anchor="end")
        y += LEGEND_LINE
    if len(lines) > room:
        words = f"and {len(lines) - room} more"
        yield svg.text(place.x + 16, y + 2, words, size=10, color=svg.FAINT)


def _unbroken(points: Points, step: float) -> Iterator[list[tuple[float, float]]]:
    """The stretches without a gap; a point by itself becomes a short line."""
    part: list[tuple[float, float]] = []
    for at, value in points:
        if part and at - part[-1][0] > 1.5 * step:
            yield _at_least_two(part, step)
            part = []
        part.append((at, value))
    yield _at_least_two(part, step)


def _at_least_two(part: list[tuple[float, float]], step: float) -> list[tuple[float, float]]:
    return part if len(part) > 1 else [*part, (part[0][0] + step / 2, part[0][1])]


def _stacked(lines: Sequence[Line]) -> list[tuple[Points, Floor]]:
    """Each on the sum of those before it: its points as drawn, and the floor under them."""
    layers: list[tuple[Points, Floor]] = []
    floor: dict[float, float] = {}
    for line in lines:
        points = [(at, value + floor.get(at, 0.0)) for at, value in line.points]
        layers.append((points, dict(floor)))
        floor |= dict(points)
    return layers


def _colors(panel: Panel, lines: Sequence[Line]) -> list[str]:
    named = {
        override["matcher"]["options"]: svg.COLORS[override["properties"][0]["value"]["fixedColor"]]
        for override in panel["fieldConfig"]["overrides"]
    }
    free = iter(color for color in svg.PALETTE * 4 if color not in named.values())
    return [named[line.name] if line.name in named else next(free) for line in lines]
