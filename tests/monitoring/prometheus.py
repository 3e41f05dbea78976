"""
A real Prometheus as a process on loopback, for tests that ask what it makes of real metrics.

    async with prometheus(
        tmp_path,
        scrape_configs=[job("gateway", f"127.0.0.1:{port}"), job("operator", f"127.0.0.1:{other}")],
        rule_files=[RULES / "recording.yaml"],
    ) as it:
        await it.until('up{job="gateway"} == 1')
        (sample,) = await it.query("sum(hookgate_deliveries_pending)")
        assert sample.value == 0

`prometheus(home, *, scrape_configs, rule_files=(), every=1.0)` is a context: it is ready when it begins, and
stopped, with its connections closed, when it ends. `home` takes its configuration, data and log. Scrapes and
rule groups that say no interval of their own happen each `every` seconds.

`scrape_configs` are those of Prometheus' configuration, as they stand there. `job(name, *targets, **more)`
makes the plain one: fixed targets and `honor_labels: true`, which is how the chart has hookgate scraped.

Prometheus (an error of PromQL raises QueryFailed):
    `await .query(expr, at=None) -> list[Sample]`      `Sample`: `.labels` (with `__name__`), `.value`, `.at`
    `await .query_range(expr, start, end, step) -> list[Series]`   `Series`: `.labels`, `.points` ((at, value), ...)
    `await .until(expr, predicate=bool, within=15.0) -> list[Sample]`  polls; `predicate` gets the samples, so
        that without one it waits for any. A last answer is in the AssertionError.
    `await .parses(expr) -> str`                      the expression as Prometheus would write it
    `await .rules() -> list[dict]`                    rule groups, as the API tells them
    `await .alerts() -> list[dict]`                   pending and firing ones
    `await .targets() -> list[dict]`                  active targets, with `health` and `lastError`
    `await .label_values(label, *selectors) -> list[str]`
    `.url: str`, `.port: int`, `.log_tail() -> str`

Times are seconds since the epoch. The first scrape comes five seconds after the start: Prometheus looks for new
targets no more often, whatever `every` is. It is Debian's `prometheus`; without it tests skip, and fail where CI=true.
"""

import json
import os
import shutil
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.acceptance.harness import eventually, free_port
from tests.cluster.processes import Program

STARTED_WITHIN = 30.0
RETENTION = "2h"


def debian_program(name: str) -> str:
    """The path of a program of Debian's package `prometheus`; a skip, or where CI=true a failure."""
    if found := shutil.which(name):
        return found
    how_to = f"{name} is missing: apt-get install prometheus"
    if os.environ.get("CI") == "true":
        pytest.fail(how_to, pytrace=False)
    pytest.skip(how_to)


class QueryFailed(Exception):
    """Prometheus did not take an expression; the message is its own."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One element of an answer. A scalar has no labels."""

    labels: Mapping[str, str]
    value: float
    at: float


@dataclass(frozen=True, slots=True)
class Series:
    """One element of an answer over a range."""

    labels: Mapping[str, str]
    points: tuple[tuple[float, float], ...]


def job(name: str, *targets: str, **more: Any) -> dict[str, Any]:
    """A scrape configuration of fixed targets, each `host:port`."""
    return {
        "job_name": name,
        "honor_labels": True,
        "static_configs": [{"targets": list(targets)}],
        **more,
    }


class Prometheus:
    """One that runs; see the module's description."""

    def __init__(self, program: Program, port: int, session: aiohttp.ClientSession) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self._program = program
        self._session = session

    async def query(self, expr: str, at: float | None = None) -> list[Sample]:
        when = {} if at is None else {"time": str(at)}
        data = await self._ask("query", {"query": expr, **when})
        result = data["result"]
        if data["resultType"] in ("scalar", "string"):
            result = [{"metric": {}, "value": result}]
        return [
            Sample(item["metric"], float(item["value"][1]), float(item["value"][0]))
            for item in result
        ]

    async def query_range(self, expr: str, start: float, end: float, step: float) -> list[Series]:
        asked = {"query": expr, "start": str(start), "end": str(end), "step": str(step)}
        data = await self._ask("query_range", asked)
        return [
            Series(item["metric"], tuple((float(at), float(v)) for at, v in item["values"]))
            for item in data["result"]
        ]

    async def until(
        self,
        expr: str,
        predicate: Callable[[list[Sample]], object] = bool,
        within: float = 15.0,
    ) -> list[Sample]:
        last: list[Sample] = []

        async def holds() -> bool:
            nonlocal last
            last = await self.query(expr)
            return bool(predicate(last))

        try:
            await eventually(holds, within=within, what=expr)
        except AssertionError as error:
            raise AssertionError(f"{error}; the last answer: {last}; {self.log_tail()}") from None
        return last

    async def parses(self, expr: str) -> str:
        return str(await self._ask("format_query", {"query": expr}))

    async def rules(self) -> list[dict[str, Any]]:
        return list((await self._ask("rules", {}))["groups"])

    async def alerts(self) -> list[dict[str, Any]]:
        return list((await self._ask("alerts", {}))["alerts"])

    async def targets(self) -> list[dict[str, Any]]:
        return list((await self._ask("targets", {"state": "active"}))["activeTargets"])

    async def label_values(self, label: str, *selectors: str) -> list[str]:
        asked = [("match[]", selector) for selector in selectors]
        return list(await self._ask(f"label/{label}/values", asked))

    def log_tail(self) -> str:
        return self._program.log_tail()

    async def ready(self) -> bool:
        assert self._program.exit_code is None, f"Prometheus left: {self.log_tail()}"
        try:
            async with self._session.get(f"{self.url}/-/ready") as answer:
                return answer.status == 200
        except aiohttp.ClientError:
            return False

    async def _ask(self, what: str, asked: Mapping[str, str] | list[tuple[str, str]]) -> Any:
        async with self._session.get(f"{self.url}/api/v1/{what}", params=asked) as answer:
            told = await answer.json()
        if told["status"] != "success":
            raise QueryFailed(f"{told['error']} ({asked})")
        return told["data"]


@asynccontextmanager
async def prometheus(
    home: Path,
    *,
    scrape_configs: Sequence[Mapping[str, Any]],
    rule_files: Iterable[Path] = (),
    every: float = 1.0,
) -> AsyncIterator[Prometheus]:
    """One that scrapes and evaluates, until the context ends."""
    found = debian_program("prometheus")
    configuration = _configuration_file(home, scrape_configs, rule_files, every)
    port = free_port()
    program = Program(
        [
            found,
            f"--config.file={configuration}",
            f"--storage.tsdb.path={home / 'data'}",
            f"--storage.tsdb.retention.time={RETENTION}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--log.level=warn",
        ],
        home / "prometheus.log",
    )
    program.start()
    try:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30)) as session:
            it = Prometheus(program, port, session)
            await eventually(it.ready, within=STARTED_WITHIN, what="Prometheus is ready")
            yield it
    finally:
        program.stop()


def _configuration_file(
    home: Path,
    scrape_configs: Sequence[Mapping[str, Any]],
    rule_files: Iterable[Path],
    every: float,
) -> Path:
    interval = f"{round(every * 1000)}ms"
    told = {
        "global": {
            "scrape_interval": interval,
            "scrape_timeout": interval,
            "evaluation_interval": interval,
        },
        "scrape_configs": list(scrape_configs),
        "rule_files": [str(file.resolve()) for file in rule_files],
    }
    home.mkdir(parents=True, exist_ok=True)
    file = home / "prometheus.yml"
    file.write_text(json.dumps(told))  # JSON is YAML
    return file
