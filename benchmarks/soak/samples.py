"""
The weight of a running gateway, from ``/proc``, its files and its metrics; and whether it grows.
"""

import asyncio
import contextlib
import os
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from tests.acceptance.harness import Gateway

EVERY = 2.0
MIB = 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Weight:
    """One process."""

    pid: int
    rss: float
    """MiB."""
    pss: float
    """MiB."""
    fds: int
    cpu: float
    """Seconds so far."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One look at everything."""

    at: float
    """Unix seconds."""
    gateway: Weight
    writer: Weight
    database: float
    """MiB, the file of the store."""
    wal: float
    """MiB, its write-ahead log."""
    lag: float
    """Milliseconds in which the event loop answered ``/healthz``."""
    pending: float
    oldest_due: float
    """Seconds."""


@dataclass
class Sampler:
    """Looks every two seconds; a look that meets a gateway on its way down or up is left out."""

    gateway: Gateway
    samples: list[Sample] = field(default_factory=list)

    async def run(self) -> None:
        """Sample until cancelled."""
        while True:
            await asyncio.sleep(EVERY)
            with contextlib.suppress(OSError, aiohttp.ClientError, ValueError, AssertionError):
                self.samples.append(await self._look())

    async def _look(self) -> Sample:
        process = self.gateway.process
        assert process is not None
        [writer, *_] = self.gateway.writer_pids()
        weights = weigh(process.pid), weigh(writer)
        began = time.perf_counter()
        await self.gateway.fetch("GET", self.gateway.metrics_url("/healthz"))
        lag = (time.perf_counter() - began) * 1000
        metrics = await self.gateway.samples()
        pending = sum(
            v for (name, _), v in metrics.items() if name == "hookgate_deliveries_pending"
        )
        oldest = sum(v for (n, _), v in metrics.items() if n == "hookgate_oldest_due_delivery_age_seconds")  # fmt: skip
        return Sample(
            at=time.time(),  # noqa: TID251  # beside the receivers' clock
            gateway=weights[0],
            writer=weights[1],
            database=_size(self.gateway.home / "hookgate.db"),
            wal=_size(self.gateway.home / "hookgate.db-wal"),
            lag=lag,
            pending=pending,
            oldest_due=oldest,
        )


def weigh(pid: int) -> Weight:
    """A process now. Raises OSError when it is gone."""
    proc = Path(f"/proc/{pid}")
    memory = dict(
        line.split(":", 1) for line in (proc / "smaps_rollup").read_text().splitlines()[1:]
    )
    fields = (proc / "stat").read_text().rpartition(")")[2].split()
    return Weight(
        pid=pid,
        rss=int(memory["Rss"].split()[0]) / 1024,
        pss=int(memory["Pss"].split()[0]) / 1024,
        fds=len(list((proc / "fd").iterdir())),
        cpu=(int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"),
    )


def _size(path: Path) -> float:
    return path.stat().st_size / MIB if path.exists() else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """A straight line through a series: where it stands, and by how much it rose while looked at."""

    name: str
    unit: str
    mean: float
    highest: float
    growth: float
    """Slope times the time looked at, in the unit."""
    seconds: float
    allowed: float
    """The growth that counts as flat: a tenth of the mean and a little."""

    @property
    def flat(self) -> bool:
        return self.growth <= self.allowed


def last_life(samples: Sequence[Sample], warm_up: float) -> list[Sample]:
    """The samples of the processes that were there in the end, without their first ``warm_up`` seconds."""
    if not samples:
        return []
    last = samples[-1]
    pids = (last.gateway.pid, last.writer.pid)
    life = [s for s in samples if (s.gateway.pid, s.writer.pid) == pids]
    return [s for s in life if s.at >= life[0].at + warm_up]


_SERIES: Sequence[tuple[str, str, float, Callable[[Sample], float]]] = (
    ("gateway RSS", "MiB", 4.0, lambda s: s.gateway.rss),
    ("writer RSS", "MiB", 4.0, lambda s: s.writer.rss),
    ("gateway and writer PSS", "MiB", 4.0, lambda s: s.gateway.pss + s.writer.pss),
    ("gateway file descriptors", "", 10.0, lambda s: float(s.gateway.fds)),
    ("writer file descriptors", "", 2.0, lambda s: float(s.writer.fds)),
    ("write-ahead log", "MiB", 8.0, lambda s: s.wal),
    ("database file", "MiB", 16.0, lambda s: s.database),
)


def trends(samples: Sequence[Sample]) -> list[Trend]:
    """The line through each series; none of fewer than ten samples."""
    if len(samples) < 10:
        return []
    return [_trend(samples, *series) for series in _SERIES]


def _trend(
    samples: Sequence[Sample], name: str, unit: str, slack: float, value: Callable[[Sample], float]
) -> Trend:
    times = [sample.at for sample in samples]
    values = [value(sample) for sample in samples]
    seconds = times[-1] - times[0]
    mean = statistics.fmean(values)
    return Trend(
        name=name,
        unit=unit,
        mean=mean,
        highest=max(values),
        growth=statistics.linear_regression(times, values).slope * seconds,
        seconds=seconds,
        allowed=mean / 10 + slack,
    )
