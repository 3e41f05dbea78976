"""
``python -m benchmarks.soak --minutes 20``: run it, print what was found, leave with 1 if a promise was broken.

In the first two fifths of the time the gateway and its writer are killed at random moments; afterwards
they live on, so that growth can be seen: a straight line through the weight of that last life, from the
time when pruning has caught up with it. A soak of less than five minutes says nothing about growth.
Manifests are edited and runs replayed all the time.
"""

import argparse
import asyncio
import contextlib
import json
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.acceptance.harness import Gateway, eventually

from benchmarks.processes import ROOT
from benchmarks.soak.judgement import accounts, judge_replays
from benchmarks.soak.latency import minutes
from benchmarks.soak.publisher import Publisher
from benchmarks.soak.receivers import read_book
from benchmarks.soak.report import Result, show, write_json
from benchmarks.soak.samples import Sampler, last_life, trends
from benchmarks.soak.targets import TARGETS
from benchmarks.soak.troubles import Edits, Kills, Replays
from benchmarks.soak.world import RETENTION_SECONDS, World, receiving, soaking

_KILLING = 0.4
_WARM_UP = RETENTION_SECONDS + 60.0
"""Seconds: events have been pruned for half a minute by then."""
_DRAIN_LIMIT = 120.0


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything that acts on the world or looks at it."""

    publisher: Publisher
    kills: Kills
    edits: Edits
    replays: Replays
    sampler: Sampler


async def soak(home: Path, seconds: float, rate: float, seed: int) -> Result:
    """One soak in an empty folder."""
    broken: list[str] = []
    with receiving(home) as receivers:
        async with soaking(home, receivers) as world:
            parts = _parts(world, rate, random.Random(seed))
            await _act(parts, seconds)
            broken += await _settle(world, parts)
            if exit_code := await world.gateway.stop():
                broken.append(f"SIGTERM ended with exit code {exit_code}")
    context = {"seconds": seconds, "rate": rate, "seed": seed, "retention": RETENTION_SECONDS}
    return _judge(parts, world, context, broken)


def _parts(world: World, rate: float, chance: random.Random) -> Parts:
    publisher = Publisher(world.gateway.url("/v1/events"), rate)
    return Parts(
        publisher=publisher,
        kills=Kills(world, publisher, random.Random(chance.random())),
        edits=Edits(world, random.Random(chance.random())),
        replays=Replays(world, publisher, random.Random(chance.random())),
        sampler=Sampler(world.gateway),
    )


async def _act(parts: Parts, seconds: float) -> None:
    """Publish, kill, edit, replay and look, until the time is over."""
    end = time.monotonic() + seconds
    async with _meanwhile(parts.publisher.run()) as publishing:
        async with (
            _meanwhile(parts.edits.run(), endless=True),
            _meanwhile(parts.replays.run(), endless=True),
            _meanwhile(parts.sampler.run(), endless=True),
        ):
            await parts.kills.run(until=time.monotonic() + seconds * _KILLING)
            left = end - time.monotonic()
            await asyncio.wait({publishing}, timeout=left)
        parts.publisher.stop()


@asynccontextmanager
async def _meanwhile(
    work: Coroutine[Any, Any, None], *, endless: bool = False
) -> AsyncIterator["asyncio.Task[None]"]:
    """Run it beside the block; then wait for its end, or end what is endless. Its error is raised."""
    task = asyncio.create_task(work)
    try:
        yield task
    finally:
        if endless and not task.done():
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _settle(world: World, parts: Parts) -> list[str]:
    """Everything as it was, and nothing owed to those who can take it; else what is still owed."""
    parts.edits.settle()
    still = [target.name for target in TARGETS if target.exact]

    async def drained() -> bool:
        for name in tuple(still):
            if not await world.gateway.deliveries(f"?state=pending&subscription={name}&limit=1"):
                still.remove(name)
        return not still

    try:
        await eventually(drained, within=_DRAIN_LIMIT, what="nothing is pending")
    except AssertionError:
        return [f"still pending after {_DRAIN_LIMIT:g} s: {', '.join(still)}"]
    return []


def _judge(parts: Parts, world: World, context: dict[str, Any], broken: list[str]) -> Result:
    publisher, strikes = parts.publisher, parts.kills.strikes
    arrivals = list(read_book(world.receivers.book))
    if "Traceback" in world.gateway.log_text():
        broken.append("there is a stack trace in the log")
    broken += publisher.unexpected
    broken += judge_replays(parts.replays.delivered, arrivals, publisher.ledger.crashes)
    life = last_life(parts.sampler.samples, _WARM_UP)
    return Result(
        context=context,
        promised=len(publisher.ledger.promised),
        unanswered=publisher.ledger.refused,
        answers=dict(publisher.answers),
        kills=dict(Counter(strike.victim for strike in strikes)),
        edits=dict(parts.edits.done),
        replays=dict(parts.replays.answers),
        accounts=accounts(publisher.ledger, arrivals),
        minutes=minutes(publisher.sent, arrivals, strikes),
        trends=trends(life),
        samples=parts.sampler.samples,
        log=_log(world.gateway),
        broken=broken,
    )


def _log(gateway: Gateway) -> dict[str, int]:
    """Warnings and errors by event."""
    found: Counter[str] = Counter()
    for line in gateway.log_text().splitlines():
        with contextlib.suppress(ValueError):
            entry = json.loads(line)
            if entry.get("level") in ("warning", "error"):
                found[f"{entry['level']} {entry['event']}"] += 1
    return dict(found)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--rate", type=float, default=150.0, help="reports a second")
    parser.add_argument("--seed", type=int, default=1, help="of the kills and edits")
    parser.add_argument("--keep", type=Path, help="run in this folder and leave everything there")
    parser.add_argument("--json", type=Path, default=ROOT / "benchmarks" / "results" / "soak.json")
    return parser.parse_args()


def main() -> int:
    """Run it, and 1 when a promise was broken."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory(prefix="hookgate-soak-") as temporary:
        home = arguments.keep or Path(temporary)
        home.mkdir(parents=True, exist_ok=True)
        result = asyncio.run(soak(home, arguments.minutes * 60, arguments.rate, arguments.seed))
    write_json(arguments.json, result)
    show(result)
    return 1 if result.verdict() else 0


if __name__ == "__main__":
    sys.exit(main())
