"""
How long healthy deliveries took, minute by minute: from the report's first sending to its first arrival.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from benchmarks.soak.publisher import number_of
from benchmarks.soak.receivers import Arrival
from benchmarks.soak.troubles import Strike

_AROUND = 5.0
"""Seconds around a kill that count as disturbed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Minute:
    """The steady target in one minute; milliseconds."""

    minute: int
    deliveries: int
    kills: int
    p50: float
    p99: float
    worst: float
    p99_undisturbed: float | None
    """Of the reports that were not sent within five seconds of a kill."""


def minutes(
    sent: Sequence[float], arrivals: Iterable[Arrival], strikes: Sequence[Strike]
) -> list[Minute]:
    """One line a minute, by when the report was sent."""
    ages: dict[int, list[tuple[float, bool]]] = defaultdict(list)
    seen: set[str] = set()
    for arrival in arrivals:
        if arrival.path == "/steady" and not arrival.replay and arrival.run not in seen:
            seen.add(arrival.run)
            began = sent[number_of(arrival.run)]
            disturbed = any(-_AROUND < began - strike.at < _AROUND for strike in strikes)
            ages[int((began - sent[0]) // 60)].append(((arrival.at - began) * 1000, disturbed))
    kills = [int((strike.at - sent[0]) // 60) for strike in strikes]
    return [_minute(n, sorted(found), kills.count(n)) for n, found in sorted(ages.items())]


def _minute(number: int, ages: Sequence[tuple[float, bool]], kills: int) -> Minute:
    values = [age for age, _ in ages]
    calm = [age for age, disturbed in ages if not disturbed]
    return Minute(
        minute=number + 1,
        deliveries=len(values),
        kills=kills,
        p50=quantile(values, 0.5),
        p99=quantile(values, 0.99),
        worst=values[-1],
        p99_undisturbed=quantile(calm, 0.99) if calm else None,
    )


def quantile(ordered: Sequence[float], share: float) -> float:
    """The value below which that share lies; of at least one."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
