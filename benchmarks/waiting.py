"""
What deliveries that wait weigh: behind a suspended subscription, and while they go out at last.
"""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from benchmarks import stored
from benchmarks.figure import Figure, of
from benchmarks.manifests import Hook
from benchmarks.processes import BenchmarkFailed, Gateway, Receiver, gateway
from benchmarks.scenarios import IN_FLIGHT, P99_GOALS, Latency, idle_cpu_percent, timed

_FIRST_LIMIT = 30.0
_EVERY = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Drained:
    """What was parked, sent after an edit of the manifest; watched for a while or to its end."""

    delivered: int
    per_second: float
    memory_mib: float
    """The most of all samples."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parked:
    """A gateway behind which deliveries of a suspended subscription wait."""

    count: int
    ready_seconds: float
    memory_mib: float
    """After the latencies were measured."""
    idle_cpu_percent: float
    latency: dict[int, Latency]
    """Of another subscription, which is well, by reports a second."""
    drained: Drained


def parked(
    receiver: Receiver, count: int, seconds: float, *, rates: Sequence[int], drain_seconds: float
) -> Parked:
    """Start with so many deliveries parked, publish for a subscription that is well, then send them."""
    with stored.parked(receiver, count) as (home, hooks), gateway(hooks, home) as measured:
        idle = idle_cpu_percent(measured, seconds)
        latency = {
            rate: timed(measured, receiver, rate, seconds, spread=1, expected=1.0) for rate in rates
        }
        memory = measured.memory_bytes()
        return Parked(
            count=count,
            ready_seconds=measured.ready_after,
            memory_mib=memory / 2**20,
            idle_cpu_percent=idle,
            latency=latency,
            drained=_drain(measured, receiver, hooks, count, drain_seconds),
        )


def _drain(
    measured: Gateway, receiver: Receiver, hooks: Sequence[Hook], count: int, seconds: float
) -> Drained:
    """Resume everything, and weigh the gateway again and again while it sends."""
    receiver.reset()
    measured.declare([replace(hook, suspend=False, max_in_flight=IN_FLIGHT) for hook in hooks])
    _wait_for_first(receiver)
    heaviest, end = measured.memory_bytes(), time.monotonic() + seconds
    while (stats := receiver.stats())["total"] < count and time.monotonic() < end:
        time.sleep(_EVERY)
        heaviest = max(heaviest, measured.memory_bytes())
    sent = stats["total"]
    return Drained(
        delivered=sent,
        per_second=sent / (stats["last_ns"] - stats["first_ns"]) * 1e9,
        memory_mib=heaviest / 2**20,
    )


def _wait_for_first(receiver: Receiver) -> None:
    deadline = time.monotonic() + _FIRST_LIMIT
    while not receiver.stats()["total"]:
        if time.monotonic() > deadline:
            raise BenchmarkFailed("a subscription was resumed, and nothing was sent")
        time.sleep(0.02)


def lines(results: Sequence[Parked]) -> Iterable[Figure]:
    """Their lines of the table."""
    if not results:
        return
    name = f"{results[0].count:,} parked"
    yield of(results, f"{name}: memory", lambda p: p.memory_mib, "MiB", 250, digits=0)
    yield of(results, "  start to ready", lambda p: p.ready_seconds, "s", digits=2)
    yield of(results, "  idle CPU", lambda p: p.idle_cpu_percent, "% of a core")
    for rate in results[0].latency:
        latencies = [result.latency[rate] for result in results]
        yield of(latencies, f"  others at {rate}/s: p50", lambda a: a.p50, "ms")
        yield of(latencies, "    p99", lambda a: a.p99, "ms", P99_GOALS.get(rate))
    drained = [result.drained for result in results]
    yield of(drained, f"{name}, then sent: memory", lambda d: d.memory_mib, "MiB", 250, digits=0)
    yield of(drained, "  delivered", lambda d: d.per_second, "deliveries/s", digits=0)
