"""
What is measured, one function a question. Each starts a gateway of its own on an empty store.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.manifests import Hook
from benchmarks.processes import BenchmarkFailed, Gateway, Receiver, gateway, run_json

IN_FLIGHT = 128
"""Attempts at once that the lanes together allow: as many as the bare loop keeps in flight."""

P99_GOALS = {200: 6.5, 500: 10.0, 1000: 15.0}
"""From a report to its arrival, milliseconds, by reports a second."""

_WARM_UP = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Bare:
    """The bare loop's figures."""

    per_second: float
    cpu_per_1000: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FanOut:
    """Publishing as fast as answers come: what came through, at what price."""

    published_per_second: float
    delivered_per_second: float
    cpu_per_1000: float
    """CPU seconds of all the gateway's processes for a thousand deliveries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """From the moment a report was due at the publisher to its arrival, milliseconds."""

    p50: float
    p99: float
    worst: float
    cpu_per_1000: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Hung:
    """The good receivers' latency with all well, and with one that never answers and one that drips."""

    without: Latency
    with_hung: Latency
    hung_attempts: int
    dripped_attempts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Footprint:
    """An idle gateway."""

    ready_seconds: float
    first_delivery_seconds: float
    memory_mib: float
    idle_cpu_percent: float


def bare(receiver: Receiver, count: int) -> Bare:
    """Signed requests from aiohttp's client with nothing around them."""
    return Bare(**run_json("bare", receiver.url + "/r/bare", str(count)))


def fan_out(receiver: Receiver, width: int, reports: int) -> FanOut:
    """Each report goes to ``width`` subscriptions; the clock stops when the last delivery arrived."""
    hooks = [
        Hook(f"hook-{n}", f"{receiver.url}/r/{n}", max(1, IN_FLIGHT // width)) for n in range(width)
    ]
    with gateway(hooks) as measured:
        return saturated(measured, receiver, width, reports)


def saturated(
    measured: Gateway, receiver: Receiver, width: int, reports: int, first: int = 0
) -> FanOut:
    """Publish runs from number ``first`` on, as fast as answers come, to a gateway that runs."""
    _warm_up(measured, receiver, width, first)
    cpu = measured.cpu_seconds()
    published = measured.publish(reports, first + _WARM_UP, "--connections", str(IN_FLIGHT))
    stats = receiver.wait_for(reports * width)
    cpu = measured.cpu_seconds() - cpu
    seconds = (stats["last_ns"] - published["begin_ns"]) / 1e9
    publishing = (published["end_ns"] - published["begin_ns"]) / 1e9
    return FanOut(
        published_per_second=reports / publishing,
        delivered_per_second=reports * width / seconds,
        cpu_per_1000=cpu / (reports * width) * 1000,
    )


def latency(receiver: Receiver, rate: float, seconds: float) -> Latency:
    """One subscription, a fixed rate."""
    with gateway([Hook("hook", receiver.url + "/r/0", IN_FLIGHT)]) as measured:
        return timed(measured, receiver, rate, seconds, spread=1, expected=1.0)


def hung(receiver: Receiver, rate: float, seconds: float) -> Hung:
    """Reports go to twelve endpoints by turns; two are well, then one never answers and one drips."""
    good = [Hook(f"hook-{n:02d}", f"{receiver.url}/r/{n}", 4, workflow=n) for n in range(10)]
    results = []
    for paths, share in ((("/r/10", "/r/11"), 1.0), (("/hang", "/drip"), 10 / 12)):
        bad = [Hook(f"hook-{n}", receiver.url + p, 4, n) for n, p in enumerate(paths, 10)]
        with gateway([*good, *bad]) as measured:
            results.append(timed(measured, receiver, rate, seconds, spread=12, expected=share))
            stats = receiver.stats()
    if not stats["hung"] or not stats["dripped"]:
        raise BenchmarkFailed(
            "nothing was sent to the receiver that hangs, or to the one that drips"
        )
    return Hung(
        without=results[0],
        with_hung=results[1],
        hung_attempts=stats["hung"],
        dripped_attempts=stats["dripped"],
    )


def footprint(receiver: Receiver, idle_seconds: float) -> Footprint:
    """Start to readiness and to the first delivery, memory before any work, CPU after it."""
    with gateway([Hook("hook", receiver.url + "/r/0", 4)]) as measured:
        memory = measured.memory_bytes()
        first = seconds_to_first_delivery(measured, receiver)
        idle = idle_cpu_percent(measured, idle_seconds)
    return Footprint(
        ready_seconds=measured.ready_after,
        first_delivery_seconds=first,
        memory_mib=memory / 2**20,
        idle_cpu_percent=idle,
    )


def seconds_to_first_delivery(measured: Gateway, receiver: Receiver) -> float:
    """From the command to the arrival of a report that is published once it is ready."""
    receiver.reset()
    published = measured.publish(1, 0, "--connections", "1")
    arrived = receiver.wait_for(1)["last_ns"]
    return float(measured.ready_after + (arrived - published["begin_ns"]) / 1e9)


def idle_cpu_percent(measured: Gateway, seconds: float) -> float:
    """CPU of all its processes while nothing is asked of it, percent of one core."""
    time.sleep(1.0)  # what the last report left to be done
    cpu, began = measured.cpu_seconds(), time.monotonic()
    time.sleep(seconds)
    return (measured.cpu_seconds() - cpu) / (time.monotonic() - began) * 100


def timed(
    measured: Gateway,
    receiver: Receiver,
    rate: float,
    seconds: float,
    *,
    spread: int,
    expected: float,
) -> Latency:
    """
    Publish at a fixed rate to a gateway that runs, the workflow ids ``spread`` by turns.

    ``expected`` is the share of the reports that arrive.
    """
    receiver.reset()
    reports = int(rate * seconds) // spread * spread
    options = ("--rate", str(rate), "--spread", str(spread), "--connections", "256")
    cpu = measured.cpu_seconds()
    measured.publish(reports, 0, *options)
    delivered = round(reports * expected)
    receiver.wait_for(delivered)
    cpu = measured.cpu_seconds() - cpu
    skipped = int(rate) // 2  # the first half second warms connections and caches
    ages = sorted(receiver.stats(ages=True)["ages_ns"][skipped:])
    return Latency(
        p50=_quantile(ages, 0.5),
        p99=_quantile(ages, 0.99),
        worst=ages[-1] / 1e6,
        cpu_per_1000=cpu / delivered * 1000,
    )


def _warm_up(measured: Gateway, receiver: Receiver, width: int, first: int) -> None:
    receiver.reset()
    measured.publish(_WARM_UP, first, "--connections", str(IN_FLIGHT))
    receiver.wait_for(_WARM_UP * width)
    receiver.reset()


def _quantile(ordered: Sequence[int], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] / 1e6
