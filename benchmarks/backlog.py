"""
What waits in the store: a backlog that a suspended subscription left, and a bulk replay.
"""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from benchmarks.figure import Figure, of
from benchmarks.manifests import Hook
from benchmarks.processes import BenchmarkFailed, Gateway, Receiver, gateway
from benchmarks.scenarios import IN_FLIGHT

_END_LIMIT = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatch:
    """A stored backlog, from its first arrival to its last."""

    deliveries: int
    per_second: float
    cpu_per_1000: float
    """CPU seconds from the edit of the manifest on."""
    first_after: float
    """Seconds from the edit to the first arrival."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """A bulk replay without a rate, from the request to the last arrival."""

    deliveries: int
    per_second: float
    cpu_per_1000: float


def dispatch(receiver: Receiver, reports: int) -> Dispatch:
    """Accept reports for a suspended subscription, then resume it by an edit of its manifest."""
    url = receiver.url + "/r/0"
    with gateway([Hook("hook", url, IN_FLIGHT, suspend=True)]) as measured:
        receiver.reset()
        measured.publish(reports, 0, "--connections", str(IN_FLIGHT))
        if receiver.stats()["total"]:
            raise BenchmarkFailed("a suspended subscription was sent something")
        cpu, edited = measured.cpu_seconds(), time.monotonic_ns()
        measured.declare([Hook("hook", url, IN_FLIGHT)])
        stats = receiver.wait_for(reports)
        cpu = measured.cpu_seconds() - cpu
    return Dispatch(
        deliveries=reports,
        per_second=reports / (stats["last_ns"] - stats["first_ns"]) * 1e9,
        cpu_per_1000=cpu / reports * 1000,
        first_after=(stats["first_ns"] - edited) / 1e9,
    )


def replay(receiver: Receiver, reports: int) -> Replay:
    """Deliver reports, then send them all once more through ``POST /v1/replays``."""
    with gateway([Hook("hook", receiver.url + "/r/0", IN_FLIGHT)]) as measured:
        receiver.reset()
        measured.publish(reports, 0, "--connections", str(IN_FLIGHT))
        receiver.wait_for(reports)
        receiver.reset()
        cpu, asked = measured.cpu_seconds(), time.monotonic_ns()
        wanted = {"filter": {"subscription": "hook", "state": "delivered"}}
        made = measured.call("POST", "/v1/replays", wanted)
        stats = receiver.wait_for(reports)
        cpu = measured.cpu_seconds() - cpu
        _exact(measured, made["id"], reports)
        if receiver.stats()["total"] != reports:
            raise BenchmarkFailed(f"{receiver.stats()['total']} of {reports} were sent again")
    return Replay(
        deliveries=reports,
        per_second=reports / (stats["last_ns"] - asked) * 1e9,
        cpu_per_1000=cpu / reports * 1000,
    )


def _exact(measured: Gateway, replay_id: str, reports: int) -> None:
    """Wait for the end of a replay. Raises BenchmarkFailed unless all was delivered, once."""
    deadline = time.monotonic() + _END_LIMIT
    while (now := measured.call("GET", f"/v1/replays/{replay_id}"))["state"] == "running":
        if time.monotonic() > deadline:
            break
        time.sleep(0.05)
    if (now["state"], now["matched"], now["delivered"]) != ("completed", reports, reports):
        raise BenchmarkFailed(f"the replay did not deliver each report once: {now}")


def lines(
    dispatched: Sequence[Dispatch], replayed: Sequence[Replay], bare: Sequence[float]
) -> Iterable[Figure]:
    """Their lines of the table; ``bare`` is the bare loop's speed in each round."""
    if dispatched:
        ratios = [d.per_second / speed for d, speed in zip(dispatched, bare, strict=True)]
        name = f"stored backlog of {dispatched[0].deliveries:,}: delivered / bare"
        yield Figure(name, ratios, "", 0.80, True, 2)
        yield of(dispatched, "  delivered", lambda d: d.per_second, "deliveries/s", digits=0)
        yield of(dispatched, "  CPU", lambda d: d.cpu_per_1000, "s per 1,000", digits=3)
        yield of(dispatched, "  edit to first arrival", lambda d: d.first_after, "s", digits=2)
    if replayed:
        speeds = [r.per_second for r in replayed]
        name = f"bulk replay of {replayed[0].deliveries:,}"
        yield Figure(name, speeds, "deliveries/s", 2000, True, 0)
        ratios = [speed / reference for speed, reference in zip(speeds, bare, strict=True)]
        yield Figure("  replayed / bare", ratios, "", digits=2)
        yield of(replayed, "  CPU", lambda r: r.cpu_per_1000, "s per 1,000", digits=3)
