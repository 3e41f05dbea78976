"""
From a soak to its verdict, a table for people and a JSON file.
"""

import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.soak.judgement import Account
from benchmarks.soak.latency import Minute, quantile
from benchmarks.soak.samples import Sample, Trend


@dataclass(kw_only=True)
class Result:
    """All that a soak found out."""

    context: Mapping[str, Any]
    promised: int
    unanswered: int
    """Reports that were given up without an answer; nothing is promised about them."""
    answers: Mapping[str, int]
    kills: Mapping[str, int]
    edits: Mapping[str, int]
    replays: Mapping[str, int]
    accounts: Sequence[Account]
    minutes: Sequence[Minute]
    trends: Sequence[Trend]
    samples: Sequence[Sample]
    log: Mapping[str, int]
    """Warnings and errors in the gateway's log, by event."""
    broken: list[str] = field(default_factory=list)

    def verdict(self) -> list[str]:
        """Every promise that was broken."""
        return [
            *self.broken,
            *(f"{a.target}: {line}" for a in self.accounts for line in a.broken),
            *(
                f"{t.name} grew by {t.growth:.1f} {t.unit} (allowed {t.allowed:.1f})"
                for t in self.trends
                if not t.flat
            ),
        ]


def write_json(path: Path, result: Result) -> None:
    """Everything, the samples too."""
    path.parent.mkdir(parents=True, exist_ok=True)
    machine = {"python": platform.python_version(), "system": platform.platform()}
    document = {"machine": machine, "verdict": result.verdict(), **asdict(result)}
    path.write_text(json.dumps(document, indent=1) + "\n")


def show(result: Result) -> None:
    """The tables. They never judge by colour alone."""
    console = Console()
    console.width = max(console.width, 118)
    for table in (_accounts(result), _minutes(result.minutes), _trends(result.trends)):
        console.print(table)
    console.print(
        f"promised {result.promised}, given up {result.unanswered}, answers {dict(result.answers)}"
    )
    console.print(
        f"kills {dict(result.kills)}, edits {dict(result.edits)}, replays {dict(result.replays)}"
    )
    console.print(_state(result.samples))
    console.print(f"warnings and errors in the log: {dict(result.log)}")
    for line in result.verdict():
        console.print(f"[bold]BROKEN[/bold] {line}", highlight=False)
    console.print("every promise was kept" if not result.verdict() else "promises were broken")


def _state(samples: Sequence[Sample]) -> str:
    """What the samples say beside growth."""
    if not samples:
        return "no samples"
    lags = sorted(sample.lag for sample in samples)
    return (
        f"event loop: /healthz answered in {quantile(lags, 0.5):.1f} ms (median), {quantile(lags, 0.99):.1f} ms"
        f" (p99), {lags[-1]:.0f} ms (worst); at most {max(s.pending for s in samples):.0f} deliveries pending"
    )


def _accounts(result: Result) -> Table:
    names = ("receiver", "what it does", "owed", "requests", "delivered", "repeats at crashes", "")
    rows = [
        (a.target, a.behaviour, a.owed, a.requests, a.delivered, a.repeats, "broken" if a.broken else "ok")
        for a in result.accounts
    ]  # fmt: skip
    return _table("The ledger", names, rows)


def _minutes(minutes: Sequence[Minute]) -> Table:
    names = ("minute", "deliveries", "kills", "p50 ms", "p99 ms", "worst ms", "p99 away from kills")
    rows = [
        (
            *(m.minute, m.deliveries, m.kills, f"{m.p50:.1f}", f"{m.p99:.0f}", f"{m.worst:.0f}"),
            "–" if m.p99_undisturbed is None else f"{m.p99_undisturbed:.1f}",
        )
        for m in minutes
    ]
    return _table("Healthy deliveries, from sending to arrival", names, rows)


def _trends(trends: Sequence[Trend]) -> Table:
    names = ("over the last life, warm", "mean", "highest", "growth", "allowed", "over", "")
    rows = [
        (
            f"{t.name} {t.unit}".strip(),
            *(f"{value:.1f}" for value in (t.mean, t.highest, t.growth, t.allowed)),
            f"{t.seconds:.0f} s",
            "flat" if t.flat else "grows",
        )
        for t in trends
    ]
    return _table("Growth", names, rows)


def _table(title: str, names: Sequence[str], rows: Sequence[Sequence[object]]) -> Table:
    table = Table(title=title, title_justify="left")
    for place, name in enumerate(names):
        text = place == 0 or name in ("what it does", "")
        table.add_column(name, justify="left" if text else "right")
    for row in rows:
        table.add_row(*map(str, row))
    return table
