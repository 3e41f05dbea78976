"""
What growth costs: the figures of an empty store, on one that holds the history of many events.
"""

import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks import stored
from benchmarks.figure import Figure, of
from benchmarks.processes import STORE, BenchmarkFailed, Gateway, Receiver, gateway
from benchmarks.scenarios import FanOut, Latency, saturated, seconds_to_first_delivery, timed

_RATE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Grown:
    """A gateway on a store that holds the history of many events."""

    count: int
    store_mib: float
    ready_seconds: float
    first_delivery_seconds: float
    memory_mib: float
    through: FanOut
    latency: Latency
    counting: Latency
    """While everything is counted, again and again, by dry runs of a bulk replay."""
    dry_run_seconds: float
    """The longest of these."""


def grown(receiver: Receiver, count: int, reports: int, seconds: float) -> Grown:
    """The figures of an empty store, on one with so many events delivered."""
    with stored.delivered(receiver, count) as (home, hooks):
        size = _size(home / STORE)
        with gateway(hooks, home) as measured:
            first = seconds_to_first_delivery(measured, receiver)
            latency = timed(measured, receiver, _RATE, seconds, spread=1, expected=1.0)
            with _dry_runs(measured, at_least=count) as took:
                counting = timed(measured, receiver, _RATE, seconds, spread=1, expected=1.0)
            return Grown(
                count=count,
                store_mib=size / 2**20,
                ready_seconds=measured.ready_after,
                first_delivery_seconds=first,
                latency=latency,
                counting=counting,
                dry_run_seconds=max(took),
                through=saturated(measured, receiver, 1, reports, first=1_000_000),
                memory_mib=measured.memory_bytes() / 2**20,
            )


@contextmanager
def _dry_runs(measured: Gateway, at_least: int) -> Iterator[list[float]]:
    """Dry runs over everything, one after the other until the end of the block; their seconds."""
    took: list[float] = []
    ends = threading.Event()

    def work() -> None:
        while not ends.is_set() or not took:
            began = time.monotonic()
            answer = measured.call("POST", "/v1/replays", {"filter": {}, "dry_run": True})
            if answer["matched"] < at_least:
                raise BenchmarkFailed(f"a dry run counted {answer['matched']} of {at_least}")
            took.append(time.monotonic() - began)

    with ThreadPoolExecutor(1) as thread:
        done = thread.submit(work)
        try:
            yield took
        finally:
            ends.set()
        done.result()


def _size(path: Path) -> int:
    return path.stat().st_size


def lines(results: Sequence[Grown], bare: Sequence[float]) -> Iterable[Figure]:
    """The lines of the table for one size of the history."""
    through = [r.through.delivered_per_second for r in results]
    ratios = [speed / reference for speed, reference in zip(through, bare, strict=True)]
    yield Figure(f"{results[0].count:,} stored events: fan-out 1 / bare", ratios, "", 0.45, True, 2)
    yield of(results, "  CPU", lambda r: r.through.cpu_per_1000, "s per 1,000", 0.20, digits=3)
    yield of(results, f"  p99 at {_RATE}/s", lambda r: r.latency.p99, "ms", 6.5)
    yield of(results, "  the same during dry runs", lambda r: r.counting.p99, "ms")
    yield of(results, "  a dry run", lambda r: r.dry_run_seconds, "s", digits=2)
    yield of(results, "  start to ready", lambda r: r.ready_seconds, "s", digits=2)
    yield of(
        results, "  start to first delivery", lambda r: r.first_delivery_seconds, "s", 1.0, digits=2
    )
    yield of(results, "  memory after it", lambda r: r.memory_mib, "MiB", digits=0)
    yield of(results, "  store", lambda r: r.store_mib, "MiB", digits=0)
