"""
Metrics for the busiest paths and of many series: plain numbers that become metrics when they are scraped.

A bound child of the Prometheus client takes a lock and several calls for each step, which adds up when
every delivery takes a handful. These are written by one thread, the event loop's, and may be read by any:
what a reader iterates over is copied in one step of the interpreter.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

__all__ = ["CounterTally", "GaugeTally", "HistogramTally", "Labels"]

Labels = tuple[str, ...]
"""Values of labels, in the order of their names."""


class _Numbers(Collector):
    """A number for each series; at first there is no series."""

    def __init__(
        self, name: str, documentation: str, names: Sequence[str], registry: CollectorRegistry
    ) -> None:
        self._name = name
        self._documentation = documentation
        self.names = tuple(names)
        self._values: dict[Labels, float] = {}
        registry.register(self)

    def begin(self, labels: Labels) -> None:
        """The series is there from now on, at 0 unless it was there before.

        A counter's first step from nothing is none to ``increase()``.
        """
        self._values.setdefault(labels, 0)

    def forget(self, labels: Labels) -> None:
        """The series goes away, if there is one."""
        self._values.pop(labels, None)


class CounterTally(_Numbers):
    """A counter; ``name`` without ``_total``."""

    def add(self, labels: Labels, count: int = 1) -> None:
        """That many more."""
        self._values[labels] = self._values.get(labels, 0) + count

    def collect(self) -> Iterator[CounterMetricFamily]:
        family = CounterMetricFamily(self._name, self._documentation, labels=self.names)
        for labels, count in self._values.copy().items():
            family.add_metric(labels, count)
        yield family


class GaugeTally(_Numbers):
    """A gauge of which there is at first no series, not even one without labels at 0."""

    def set_all(self, values: Mapping[Labels, float]) -> None:
        """These are the series now, and no others."""
        self._values = dict(values)

    def set(self, labels: Labels, value: float) -> None:
        """One series."""
        self._values[labels] = value

    def collect(self) -> Iterator[GaugeMetricFamily]:
        family = GaugeMetricFamily(self._name, self._documentation, labels=self.names)
        for labels, value in self._values.copy().items():
            family.add_metric(labels, value)
        yield family


class HistogramTally(Collector):
    """A histogram; ``bounds`` are the upper ends of its buckets, ascending, without infinity."""

    def __init__(
        self,
        name: str,
        documentation: str,
        names: Sequence[str],
        registry: CollectorRegistry,
        *,
        bounds: Sequence[float],
    ) -> None:
        self._name = name
        self._documentation = documentation
        self.names = tuple(names)
        self._bounds = tuple(bounds)
        self._shown = (*[str(float(bound)) for bound in bounds], "+Inf")
        self._cells: dict[Labels, list[float]] = {}
        """For each series the count of every bucket by itself, and the sum of all values at the end."""
        registry.register(self)

    def observe(self, labels: Labels, value: float) -> None:
        """One more value."""
        cells = self._cells.get(labels)
        if cells is None:
            cells = self._cells[labels] = [0] * (len(self._bounds) + 1) + [0.0]
        cells[bisect_left(self._bounds, value)] += 1
        cells[-1] += value

    def collect(self) -> Iterator[HistogramMetricFamily]:
        family = HistogramMetricFamily(self._name, self._documentation, labels=self.names)
        for labels, cells in self._cells.copy().items():
            *counts, total = cells.copy()
            family.add_metric(labels, self._cumulated(counts), total)
        yield family

    def _cumulated(self, counts: Sequence[float]) -> list[tuple[str, float]]:
        reached = 0.0
        buckets = []
        for bound, count in zip(self._shown, counts, strict=True):
            reached += count
            buckets.append((bound, reached))
        return buckets
