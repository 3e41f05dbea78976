"""
``make bench``: interleaved rounds of every scenario, a table, and a JSON file to compare with.
"""

import argparse
import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import backlog, growth, scenarios, waiting, weight
from benchmarks.processes import BenchmarkFailed, Receiver, receiver
from benchmarks.summary import Rounds, figures, print_table, write_json
from hookgate.version import __version__

_RESULTS = Path(__file__).parent / "results"
_NAMES = (
    "fanout",
    "latency",
    "hung",
    "footprint",
    "backlog",
    "replay",
    "subscriptions",
    "parked",
    "growth",
)
_BESIDE_BARE = {"fanout", "backlog", "replay", "growth"}
_GROWTH = (10_000, 100_000, 1_000_000)
_WIDTHS = (1, 10)
_RATES = (200, 500, 1000)


def main() -> int:
    arguments = _parse()
    rounds = Rounds()
    began = time.monotonic()
    try:
        with receiver() as target:
            for number in range(1 if arguments.quick else arguments.rounds):
                _say(f"round {number + 1}")
                _round(rounds, target, arguments)
    except BenchmarkFailed as failure:
        print(f"benchmark failed: {failure}", file=sys.stderr)
        return 1
    lines = list(figures(rounds))
    print_table(lines)
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")  # noqa: TID251  # names a file
    path = _RESULTS / f"{stamp}.json"
    context = {
        "version": __version__,
        "cores": len(os.sched_getaffinity(0)),
        "quick": arguments.quick,
        "full": arguments.full,
        "seconds": round(time.monotonic() - began, 1),
    }
    write_json(path, rounds, lines, context)
    print(f"{path} ({context['seconds']} s)")
    return 0


def _round(rounds: Rounds, target: Receiver, arguments: argparse.Namespace) -> None:
    scale = 0.25 if arguments.quick else 1.0
    if _BESIDE_BARE.intersection(arguments.only):
        _say("  bare loop")
        rounds.bare.append(scenarios.bare(target, int(20_000 * scale)))
    if "fanout" in arguments.only:
        for width in _WIDTHS:
            _say(f"  fan-out {width}")
            reports = int({1: 12_000, 10: 2_500}[width] * scale)
            rounds.fan_out.setdefault(width, []).append(scenarios.fan_out(target, width, reports))
    if "latency" in arguments.only:
        for rate in _RATES:
            _say(f"  latency at {rate}/s")
            rounds.latency.setdefault(rate, []).append(
                scenarios.latency(target, rate, 6.0 if arguments.quick else 8.0)
            )
    if "hung" in arguments.only:
        _say("  one hung and one dripping receiver among twelve")
        rounds.hung.append(scenarios.hung(target, 200, 6.0 if arguments.quick else 8.0))
    if "footprint" in arguments.only:
        _say("  footprint")
        rounds.footprint.append(scenarios.footprint(target, 3.0 if arguments.quick else 10.0))
    _stored(rounds, target, arguments)


def _stored(rounds: Rounds, target: Receiver, arguments: argparse.Namespace) -> None:
    """The scenarios whose question is what a full store does."""
    quick, full = arguments.quick, arguments.full
    seconds = 3.0 if quick else 8.0
    if "backlog" in arguments.only:
        _say("  a stored backlog")
        rounds.backlog.append(backlog.dispatch(target, 5_000 if quick else 20_000))
    if "replay" in arguments.only:
        _say("  a bulk replay")
        reports = 5_000 if quick else 100_000 if full else 20_000
        rounds.replay.append(backlog.replay(target, reports))
    if "subscriptions" in arguments.only:
        _say("  many subscriptions")
        count = 1_000 if quick else 10_000
        rounds.subscriptions.append(weight.subscriptions(target, count, seconds))
    if "parked" in arguments.only:
        _say("  parked deliveries")
        count = 10_000 if quick else 1_000_000 if full else 100_000
        parked = waiting.parked(
            target, count, seconds, rates=_RATES, drain_seconds=5.0 if quick else 30.0
        )
        rounds.parked.append(parked)
    if "growth" in arguments.only and full:
        for count in _GROWTH[:1] if quick else _GROWTH:
            _say(f"  {count:,} stored events")
            grown = growth.grown(target, count, 3_000 if quick else 12_000, seconds)
            rounds.growth.setdefault(count, []).append(grown)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one short round: to see that it runs")
    parser.add_argument(
        "--full", action="store_true", help="a million rows where a full store is measured; growth"
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="+", choices=_NAMES, default=_NAMES)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
