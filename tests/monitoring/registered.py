"""
The metrics that the two processes register, read from their real observers.

For whatever names a metric: rules, dashboards, documentation. A name that is not here does not exist.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from prometheus_client import CollectorRegistry
from prometheus_client.registry import Collector

from hookgate_gateway.observe import Observer
from hookgate_gateway.tallies import CounterTally, GaugeTally, HistogramTally
from hookgate_operator.observe import OperatorObserver

__all__ = ["Metric", "gateway_metrics", "metrics_of", "operator_metrics"]

_SAMPLES: Final = {
    "counter": ("_total",),
    "gauge": ("",),
    "histogram": ("_bucket", "_sum", "_count"),
}


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric as it is registered. ``name`` as its page says: a counter's ends in ``_total``."""

    name: str
    type: str
    labels: tuple[str, ...]
    help: str

    def samples(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """The names that a query can ask for, each with its labels."""
        family = self.name.removesuffix("_total")
        for suffix in _SAMPLES[self.type]:
            yield family + suffix, (*self.labels, "le") if suffix == "_bucket" else self.labels


def gateway_metrics() -> Mapping[str, tuple[str, ...]]:
    """The names of all samples of the gateway, each with its labels."""
    return dict(sample for metric in metrics_of(Observer) for sample in metric.samples())


def operator_metrics() -> Mapping[str, tuple[str, ...]]:
    """The names of all samples of the operator, each with its labels."""
    return dict(sample for metric in metrics_of(OperatorObserver) for sample in metric.samples())


def metrics_of(observer: Callable[[CollectorRegistry], object]) -> list[Metric]:
    """What an observer registers, in its order."""
    registry = _Recording()
    observer(registry)
    return [_metric(collector) for collector in registry.collectors]


class _Recording(CollectorRegistry):
    """A registry that can be asked for what was registered."""

    def __init__(self) -> None:
        super().__init__()
        self.collectors: list[Collector] = []

    def register(self, collector: Collector) -> None:
        super().register(collector)
        self.collectors.append(collector)


def _metric(collector: Collector) -> Metric:
    (family,) = collector.collect()
    suffix = "_total" if family.type == "counter" else ""
    return Metric(family.name + suffix, family.type, _labels(collector), family.documentation)


def _labels(collector: Collector) -> tuple[str, ...]:
    if isinstance(collector, CounterTally | GaugeTally | HistogramTally):
        return collector.names
    return tuple(collector._labelnames)  # the client has no public way to ask
