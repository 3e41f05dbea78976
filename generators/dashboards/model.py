"""
What a dashboard is made of, apart from how Grafana writes it down.

Queries are PromQL with words in capitals for the selectors that all share; see :data:`SELECTORS`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final, Literal

__all__ = [
    "Color",
    "Dashboard",
    "Panel",
    "Query",
    "Row",
    "Variable",
    "installations",
    "process_panels",
    "quantiles",
    "stat",
    "succeeding",
]

INSTALLATION: Final = 'cluster=~"$cluster",job=~"$job"'
"""By what a series is known to be of the installations that are chosen: `namespace` is its tenant's.

Not by `instance`, which is another one after each restart of a pod.
"""

SELECTORS: Final = {
    "TENANT": f'{INSTALLATION},namespace=~"$namespace"',
    "SUBSCRIPTION": f'{INSTALLATION},namespace="$namespace",subscription="$subscription"',
    "NAMESPACE": f'{INSTALLATION},namespace="$namespace"',
    "PROCESS": INSTALLATION,
}
"""Series of tenants, of one subscription, of its namespace, of a process as a whole."""

Kind = Literal["timeseries", "stat", "table", "state-timeline"]
Color = Literal["green", "yellow", "orange", "red", "blue", "purple", "text"]


@dataclass(frozen=True, slots=True)
class Query:
    """PromQL, and how a series that comes of it is called."""

    text: str
    legend: str = ""

    @property
    def expr(self) -> str:
        """What Prometheus is asked, Grafana's variables aside."""
        return _selecting(self.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One question, and its answer's unit.

    ``description`` says what is normal and what to do when it is not. ``steps`` are thresholds, each the value
    from which a color holds; below the first it is ``base``. ``names`` are what values are called.
    """

    title: str
    description: str
    queries: Sequence[Query]
    unit: str = "short"
    kind: Kind = "timeseries"
    width: int = 8
    height: int = 8
    base: Color = "green"
    steps: Sequence[tuple[float, Color]] = ()
    names: Mapping[float, tuple[str, Color]] = field(default_factory=dict)
    colors: Mapping[str, Color] = field(default_factory=dict)
    stacked: bool = False
    highest: float | None = None
    decimals: int | None = None
    shows_name: bool = False
    empty: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    link: tuple[str, str] | None = None


stat: Final = partial(Panel, kind="stat", width=3, height=4)
"""A panel of one number, as it stands now; eight of them fill a row."""


@dataclass(frozen=True, slots=True)
class Row:
    """Panels under a heading, from left to right."""

    title: str
    panels: Sequence[Panel]


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """A choice above a dashboard: the values of a label. ``all`` is what All means, else the sum of them."""

    name: str
    label: str
    values: str
    several: bool = True
    all: str | None = None

    @property
    def query(self) -> str:
        """What Prometheus is asked for the values, other variables aside."""
        return _selecting(self.values)


def installations(marker: str) -> tuple[Variable, Variable]:
    """The choice of installations. ``marker`` is a metric that only the processes that are meant have.

    All is everything, also what has no such label: hardly anybody with one cluster gives it a name.
    """
    return (
        Variable(
            name="cluster", label="Cluster", values=f"label_values({marker}, cluster)", all=".*"
        ),
        Variable(
            name="job",
            label="Installation",
            values=f'label_values({marker}{{cluster=~"$cluster"}}, job)',
            all=".*",
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Dashboard:
    """``uid`` is in people's bookmarks: it stays."""

    uid: str
    title: str
    description: str
    variables: Sequence[Variable]
    rows: Sequence[Row]
    since: str = "now-6h"


def _selecting(text: str) -> str:
    """With the matchers in the place of their words."""
    for word, matchers in SELECTORS.items():
        text = text.replace("{" + word, "{" + matchers)
    return text


def quantiles(histogram: str, selector: str, *shares: float) -> list[Query]:
    """So many of a hundred are faster than this. ``histogram`` without ``_bucket``; ``shares`` of 1."""
    buckets = f"sum by (le) (rate({histogram}_bucket{{{selector}}}[$__rate_interval]))"
    return [
        Query(f"histogram_quantile({share}, {buckets})", f"p{share * 100:g}") for share in shares
    ]


def succeeding(selector: str, rate: str) -> str:
    """The share of attempts that succeed; 0 where none ever did, no data where there were none.

    ``rate`` is a function and its range, as in ``increase [$__range]``.
    """
    function, _, range_ = rate.partition(" ")

    def attempts(more: str = "") -> str:
        return f"sum({function}(hookgate_delivery_attempts_total{{{selector}{more}}}{range_}))"

    successes = attempts(',outcome="success"')
    return f"({successes} or 0 * {attempts()}) / ({attempts()} > 0)"


def process_panels(marker: str, width: int) -> list[Panel]:
    """What a process takes, on Linux. ``marker`` is a metric that only the processes that are meant have."""
    ours = f"and on (cluster, job, instance) {marker}{{PROCESS}}"
    return [
        Panel(
            title="Memory",
            description="Resident memory of the process. It should level off; a line that climbs for days is a leak, "
            "please report it. The limit of the container is in its manifest. The gateway's writer is a process of "
            "its own and not in it.",
            queries=[
                Query(
                    f"max by (instance) (process_resident_memory_bytes{{PROCESS}} {ours})",
                    "{{instance}}",
                )
            ],
            unit="bytes",
            width=width,
        ),
        Panel(
            title="CPU",
            description="Cores that the process uses. One event loop cannot use more than one: near 1 it is the "
            "bottleneck, and everything it does is late.",
            queries=[
                Query(
                    "max by (instance) (rate(process_cpu_seconds_total{PROCESS}[$__rate_interval]) "
                    + ours
                    + ")",
                    "{{instance}}",
                )
            ],
            width=width,
            steps=[(0.9, "red")],
        ),
        Panel(
            title="Versions",
            description="Processes that are scraped, by version. One line; two while an upgrade goes on.",
            queries=[
                Query(f"count by (version) (hookgate_build_info{{PROCESS}} {ours})", "{{version}}")
            ],
            width=width,
        ),
    ]
