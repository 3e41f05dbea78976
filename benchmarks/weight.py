"""
What much of something weighs: subscriptions, parked deliveries, stored events.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import stored
from benchmarks.figure import Figure, of
from benchmarks.manifests import Hook
from benchmarks.processes import STORE, Receiver, gateway
from benchmarks.scenarios import FanOut, Latency, idle_cpu_percent, saturated, timed

_RATE = 200.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscriptions:
    """A gateway with many subscriptions, each for a workflow of its own."""

    count: int
    ready_seconds: float
    memory_mib: float
    """After some reports."""
    idle_cpu_percent: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Parked:
    """A gateway behind which deliveries of a suspended subscription wait."""

    count: int
    ready_seconds: float
    memory_mib: float
    """After the latency was measured."""
    idle_cpu_percent: float
    latency: Latency
    """Of another subscription, which is well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grown:
    """A gateway on a store that holds the history of many events."""

    count: int
    store_mib: float
    ready_seconds: float
    memory_mib: float
    through: FanOut
    latency: Latency


def subscriptions(receiver: Receiver, count: int, seconds: float) -> Subscriptions:
    """Start with that many subscriptions, deliver to one of them, and weigh."""
    hooks = [Hook(f"hook-{n:05d}", f"{receiver.url}/r/{n}", 4, workflow=n) for n in range(count)]
    with gateway(hooks) as measured:
        timed(measured, receiver, _RATE, 3.0, spread=1, expected=1.0)
        return Subscriptions(
            count=count,
            ready_seconds=measured.ready_after,
            memory_mib=measured.memory_bytes() / 2**20,
            idle_cpu_percent=idle_cpu_percent(measured, seconds),
        )


def parked(receiver: Receiver, count: int, seconds: float) -> Parked:
    """Start with so many deliveries parked, and publish for a subscription that is well."""
    with stored.parked(receiver, count) as (home, hooks), gateway(hooks, home) as measured:
        idle = idle_cpu_percent(measured, seconds)
        latency = timed(measured, receiver, _RATE, seconds, spread=1, expected=1.0)
        return Parked(
            count=count,
            ready_seconds=measured.ready_after,
            memory_mib=measured.memory_bytes() / 2**20,
            idle_cpu_percent=idle,
            latency=latency,
        )


def grown(receiver: Receiver, count: int, reports: int, seconds: float) -> Grown:
    """The figures of an empty store, on one with so many events delivered."""
    with stored.delivered(receiver, count) as (home, hooks):
        size = _size(home / STORE)
        with gateway(hooks, home) as measured:
            return Grown(
                count=count,
                store_mib=size / 2**20,
                ready_seconds=measured.ready_after,
                latency=timed(measured, receiver, _RATE, seconds, spread=1, expected=1.0),
                through=saturated(measured, receiver, 1, reports, first=1_000_000),
                memory_mib=measured.memory_bytes() / 2**20,
            )


def _size(path: Path) -> int:
    return path.stat().st_size


def lines(many: Sequence[Subscriptions], waiting: Sequence[Parked]) -> Iterable[Figure]:
    """The lines of the table for subscriptions and for parked deliveries."""
    if many:
        yield of(
            many, f"{many[0].count:,} subscriptions: memory", lambda m: m.memory_mib, "MiB", 250, digits=0
        )  # fmt: skip
        yield of(many, "  start to ready", lambda m: m.ready_seconds, "s", digits=2)
        yield of(many, "  idle CPU", lambda m: m.idle_cpu_percent, "% of a core")
    if waiting:
        yield of(
            waiting, f"{waiting[0].count:,} parked: memory", lambda p: p.memory_mib, "MiB", 250, digits=0
        )  # fmt: skip
        yield of(waiting, "  start to ready", lambda p: p.ready_seconds, "s", digits=2)
        yield of(waiting, "  idle CPU", lambda p: p.idle_cpu_percent, "% of a core")
        yield of(waiting, "  others at 200/s: p50", lambda p: p.latency.p50, "ms")
        yield of(waiting, "  others at 200/s: p99", lambda p: p.latency.p99, "ms", 6.5)


def growth_lines(results: Sequence[Grown], bare: Sequence[float]) -> Iterable[Figure]:
    """The lines of the table for one size of the history."""
    through = [r.through.delivered_per_second for r in results]
    ratios = [speed / reference for speed, reference in zip(through, bare, strict=True)]
    yield Figure(f"{results[0].count:,} stored events: fan-out 1 / bare", ratios, "", 0.45, True, 2)
    yield of(results, "  CPU", lambda r: r.through.cpu_per_1000, "s per 1,000", 0.20, digits=3)
    yield of(results, "  p99 at 200/s", lambda r: r.latency.p99, "ms", 6.5)
    yield of(results, "  start to ready", lambda r: r.ready_seconds, "s", 1.0, digits=2)
    yield of(results, "  memory after it", lambda r: r.memory_mib, "MiB", digits=0)
    yield of(results, "  store", lambda r: r.store_mib, "MiB", digits=0)
