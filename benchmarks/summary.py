"""
From rounds to a table: medians with their spread, beside the goals.
"""

import json
import platform
import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.scenarios import Bare, FanOut, Footprint, Hung, Latency


@dataclass(slots=True)
class Rounds:
    """Everything that was measured, a list entry for each round."""

    bare: list[Bare] = field(default_factory=list)
    fan_out: dict[int, list[FanOut]] = field(default_factory=dict)
    latency: dict[int, list[Latency]] = field(default_factory=dict)
    hung: list[Hung] = field(default_factory=list)
    footprint: list[Footprint] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table."""

    name: str
    values: Sequence[float]
    unit: str = ""
    goal: float | None = None
    at_least: bool = False
    digits: int = 1

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def met(self) -> bool | None:
        if self.goal is None:
            return None
        return self.median >= self.goal if self.at_least else self.median <= self.goal


_RATIO_GOALS = {1: 0.45, 10: 0.85}
_CPU_GOALS = {1: 0.20, 10: 0.12}
_P99_GOALS = {200: 6.5}


def figures(rounds: Rounds) -> Iterable[Figure]:
    """All lines, in the order of reading."""
    if rounds.bare:
        yield from _bare(rounds.bare)
    for width, results in rounds.fan_out.items():
        yield from _fan_out(rounds.bare, width, results)
    for rate, ages in rounds.latency.items():
        yield from _latency(f"publish → arrival at {rate}/s", ages, _P99_GOALS.get(rate))
    if rounds.hung:
        yield from _hung(rounds.hung)
    if rounds.footprint:
        yield from _footprint(rounds.footprint)


def _bare(results: Sequence[Bare]) -> Iterable[Figure]:
    yield _of(results, "bare signed aiohttp loop", lambda b: b.per_second, "requests/s", digits=0)
    yield _of(results, "  CPU", lambda b: b.cpu_per_1000, "s per 1,000", digits=3)


def _fan_out(bare: Sequence[Bare], width: int, results: Sequence[FanOut]) -> Iterable[Figure]:
    ratios = [r.delivered_per_second / b.per_second for r, b in zip(results, bare, strict=True)]
    yield Figure(f"fan-out {width}: delivered / bare", ratios, "", _RATIO_GOALS.get(width), True, 2)
    yield _of(results, "  delivered", lambda r: r.delivered_per_second, "deliveries/s", digits=0)
    yield _of(results, "  accepted", lambda r: r.published_per_second, "reports/s", digits=0)
    yield _of(
        results, "  CPU", lambda r: r.cpu_per_1000, "s per 1,000", _CPU_GOALS.get(width), digits=3
    )


def _latency(name: str, ages: Sequence[Latency], goal: float | None = None) -> Iterable[Figure]:
    yield _of(ages, f"{name}: p50", lambda a: a.p50, "ms")
    yield _of(ages, "  p99", lambda a: a.p99, "ms", goal)
    yield _of(ages, "  worst", lambda a: a.worst, "ms")
    yield _of(ages, "  CPU", lambda a: a.cpu_per_1000, "s per 1,000", digits=3)


def _hung(results: Sequence[Hung]) -> Iterable[Figure]:
    yield _of(results, "eleven receivers, all well: p99", lambda h: h.without.p99, "ms")
    yield _of(results, "  one of them hangs: p99 of the good", lambda h: h.with_hung.p99, "ms")
    yield _of(
        results, "  with / without", lambda h: h.with_hung.p99 / h.without.p99, "", 1.5, digits=2
    )


def _footprint(results: Sequence[Footprint]) -> Iterable[Figure]:
    yield _of(results, "start to ready", lambda f: f.ready_seconds, "s", digits=2)
    yield _of(
        results, "start to first delivery", lambda f: f.first_delivery_seconds, "s", 1.0, digits=2
    )
    yield _of(results, "idle memory, all processes", lambda f: f.memory_mib, "MiB", 80, digits=0)


def _of(
    results: Sequence[Any],
    name: str,
    value: Callable[[Any], float],
    unit: str,
    goal: float | None = None,
    *,
    digits: int = 1,
) -> Figure:
    return Figure(name, [value(result) for result in results], unit, goal, digits=digits)


def print_table(lines: Iterable[Figure]) -> None:
    """The table for people. It never judges by colour alone."""
    table = Table(title="hookgate beside a bare signed HTTP loop", title_justify="left")
    table.add_column("measured")
    for column in ("median", "lowest … highest", "goal"):
        table.add_column(column, justify="right")
    table.add_column("unit")
    table.add_column("")
    for line in lines:
        spread = f"{min(line.values):.{line.digits}f} … {max(line.values):.{line.digits}f}"
        goal = (
            ""
            if line.goal is None
            else f"{'≥' if line.at_least else '≤'} {line.goal:.{line.digits}f}"
        )
        verdict = {True: "met", False: "[bold]missed[/bold]", None: ""}[line.met]
        table.add_row(line.name, f"{line.median:.{line.digits}f}", spread, goal, line.unit, verdict)
    console = Console()
    console.width = max(console.width, 104)  # a pipe has no width of its own
    console.print(table)


def write_json(
    path: Path, rounds: Rounds, lines: Iterable[Figure], context: dict[str, Any]
) -> None:
    """Everything, so that a later run can be compared with this one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    document = {
        "context": {
            **context,
            "python": platform.python_version(),
            "machine": platform.machine(),
            "system": platform.platform(),
        },
        "figures": [{**asdict(line), "median": line.median, "met": line.met} for line in lines],
        "rounds": asdict(rounds),
    }
    path.write_text(json.dumps(document, indent=1) + "\n")
