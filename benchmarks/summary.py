"""
From rounds to a table: medians with their spread, beside the goals.
"""

import json
import platform
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.backlog import Dispatch, Replay
from benchmarks.backlog import lines as backlog_lines
from benchmarks.figure import Figure, of
from benchmarks.growth import Grown
from benchmarks.growth import lines as growth_lines
from benchmarks.scenarios import P99_GOALS, Bare, FanOut, Footprint, Hung, Latency
from benchmarks.waiting import Parked
from benchmarks.waiting import lines as waiting_lines
from benchmarks.weight import Subscriptions
from benchmarks.weight import lines as weight_lines


@dataclass(slots=True)
class Rounds:
    """Everything that was measured, a list entry for each round."""

    bare: list[Bare] = field(default_factory=list)
    fan_out: dict[int, list[FanOut]] = field(default_factory=dict)
    latency: dict[int, list[Latency]] = field(default_factory=dict)
    hung: list[Hung] = field(default_factory=list)
    footprint: list[Footprint] = field(default_factory=list)
    backlog: list[Dispatch] = field(default_factory=list)
    replay: list[Replay] = field(default_factory=list)
    subscriptions: list[Subscriptions] = field(default_factory=list)
    parked: list[Parked] = field(default_factory=list)
    growth: dict[int, list[Grown]] = field(default_factory=dict)


_RATIO_GOALS = {1: 0.45, 10: 0.85}
_CPU_GOALS = {1: 0.20, 10: 0.12}


def figures(rounds: Rounds) -> Iterable[Figure]:
    """All lines, in the order of reading."""
    if rounds.bare:
        yield from _bare(rounds.bare)
    for width, results in rounds.fan_out.items():
        yield from _fan_out(rounds.bare, width, results)
    for rate, ages in rounds.latency.items():
        yield from _latency(f"publish → arrival at {rate}/s", ages, P99_GOALS.get(rate))
    if rounds.hung:
        yield from _hung(rounds.hung)
    if rounds.footprint:
        yield from _footprint(rounds.footprint)
    speeds = [result.per_second for result in rounds.bare]
    yield from backlog_lines(rounds.backlog, rounds.replay, speeds)
    yield from weight_lines(rounds.subscriptions)
    yield from waiting_lines(rounds.parked)
    for grown in rounds.growth.values():
        yield from growth_lines(grown, speeds)


def _bare(results: Sequence[Bare]) -> Iterable[Figure]:
    yield of(results, "bare signed aiohttp loop", lambda b: b.per_second, "requests/s", digits=0)
    yield of(results, "  CPU", lambda b: b.cpu_per_1000, "s per 1,000", digits=3)


def _fan_out(bare: Sequence[Bare], width: int, results: Sequence[FanOut]) -> Iterable[Figure]:
    ratios = [r.delivered_per_second / b.per_second for r, b in zip(results, bare, strict=True)]
    yield Figure(f"fan-out {width}: delivered / bare", ratios, "", _RATIO_GOALS.get(width), True, 2)
    yield of(results, "  delivered", lambda r: r.delivered_per_second, "deliveries/s", digits=0)
    yield of(results, "  accepted", lambda r: r.published_per_second, "reports/s", digits=0)
    yield of(
        results, "  CPU", lambda r: r.cpu_per_1000, "s per 1,000", _CPU_GOALS.get(width), digits=3
    )


def _latency(name: str, ages: Sequence[Latency], goal: float | None = None) -> Iterable[Figure]:
    yield of(ages, f"{name}: p50", lambda a: a.p50, "ms")
    yield of(ages, "  p99", lambda a: a.p99, "ms", goal)
    yield of(ages, "  worst", lambda a: a.worst, "ms")
    yield of(ages, "  CPU", lambda a: a.cpu_per_1000, "s per 1,000", digits=3)


def _hung(results: Sequence[Hung]) -> Iterable[Figure]:
    yield of(results, "twelve receivers, all well: p99", lambda h: h.without.p99, "ms")
    yield of(results, "  one hangs, one drips: p99 of the good", lambda h: h.with_hung.p99, "ms")
    yield of(
        results, "  with / without", lambda h: h.with_hung.p99 / h.without.p99, "", 1.5, digits=2
    )


def _footprint(results: Sequence[Footprint]) -> Iterable[Figure]:
    yield of(results, "start to ready", lambda f: f.ready_seconds, "s", digits=2)
    yield of(
        results, "start to first delivery", lambda f: f.first_delivery_seconds, "s", 1.0, digits=2
    )
    yield of(results, "idle memory, all processes", lambda f: f.memory_mib, "MiB", 80, digits=0)
    yield of(results, "idle CPU, all processes", lambda f: f.idle_cpu_percent, "% of a core")


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
