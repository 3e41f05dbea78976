"""
What many subscriptions weigh.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from benchmarks.figure import Figure, of
from benchmarks.manifests import Hook
from benchmarks.processes import Receiver, gateway
from benchmarks.scenarios import idle_cpu_percent, timed


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscriptions:
    """A gateway with many subscriptions, each for a workflow of its own."""

    count: int
    ready_seconds: float
    memory_mib: float
    """After some reports."""
    idle_cpu_percent: float


def subscriptions(receiver: Receiver, count: int, seconds: float) -> Subscriptions:
    """Start with that many subscriptions, deliver to one of them, and weigh."""
    hooks = [Hook(f"hook-{n:05d}", f"{receiver.url}/r/{n}", 4, workflow=n) for n in range(count)]
    with gateway(hooks) as measured:
        timed(measured, receiver, 200, 3.0, spread=1, expected=1.0)
        return Subscriptions(
            count=count,
            ready_seconds=measured.ready_after,
            memory_mib=measured.memory_bytes() / 2**20,
            idle_cpu_percent=idle_cpu_percent(measured, seconds),
        )


def lines(results: Sequence[Subscriptions]) -> Iterable[Figure]:
    """Their lines of the table."""
    if results:
        name = f"{results[0].count:,} subscriptions: memory"
        yield of(results, name, lambda m: m.memory_mib, "MiB", 250, digits=0)
        yield of(results, "  start to ready", lambda m: m.ready_seconds, "s", digits=2)
        yield of(results, "  idle CPU", lambda m: m.idle_cpu_percent, "% of a core")
