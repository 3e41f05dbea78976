"""The Prometheus that the tests stand on: it scrapes, evaluates, answers, and leaves nothing."""

import os
import time

import pytest

from tests.acceptance.harness import eventually
from tests.monitoring.prometheus import Prometheus, QueryFailed, job, prometheus

RULES = """
groups:
  - name: test
    rules:
      - record: test:up:sum
        expr: sum(up)
      - alert: NobodyThere
        expr: up{job="away"} == 0
        labels: {severity: critical}
"""


@pytest.fixture(name="running")
async def _running(tmp_path):
    """One whose only target is a port where nobody listens."""
    rules = tmp_path / "rules.yaml"
    rules.write_text(RULES)
    configs = [job("away", "127.0.0.1:9")]
    async with prometheus(tmp_path, scrape_configs=configs, rule_files=[rules]) as it:
        yield it


async def test_it_scrapes_evaluates_and_tells(running: Prometheus):
    (sample,) = await running.until('up{job="away"} == 0')
    assert sample.labels["instance"] == "127.0.0.1:9"
    await running.until("test:up:sum", lambda found: found and found[0].value == 0)
    await running.until('ALERTS{alertname="NobodyThere",alertstate="firing"}')
    (group,) = await running.rules()
    assert [rule["name"] for rule in group["rules"]] == ["test:up:sum", "NobodyThere"]
    assert all(rule["health"] == "ok" for rule in group["rules"])
    (alert,) = await running.alerts()
    assert alert["labels"]["severity"] == "critical"

    async def refused() -> bool:
        (target,) = await running.targets()
        assert target["health"] == "down"
        return "connection refused" in target["lastError"]

    await eventually(refused, what="a scrape that is answered in time")
    assert await running.label_values("job", "up") == ["away"]


async def test_it_answers_over_a_range(running: Prometheus):
    now = time.time()  # noqa: TID251  # what Prometheus goes by
    (series,) = await running.query_range("vector(7)", now - 4, now, 2)
    assert [value for _, value in series.points] == [7, 7, 7]
    assert [sample.value for sample in await running.query("scalar(vector(7))", at=now)] == [7]


async def test_an_expression_that_is_none_is_refused(running: Prometheus):
    assert await running.parses("sum  by(a)(up)") == "sum by (a) (up)"
    for wrong in ("sum(", "up{", "rate(up)"):
        with pytest.raises(QueryFailed, match="parse error"):
            await running.parses(wrong)
        with pytest.raises(QueryFailed, match="parse error"):
            await running.query(wrong)


async def test_what_never_comes_true_is_told_with_the_last_answer(running: Prometheus):
    with pytest.raises(AssertionError, match=r"the last answer: \[Sample"):
        await running.until("vector(3)", lambda found: found[0].value == 4, within=0.2)


async def test_nothing_is_left_of_it(tmp_path):
    async with prometheus(tmp_path, scrape_configs=[]) as it:
        pid = it._program.pid
        os.kill(pid, 0)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_a_configuration_that_is_none_is_told(tmp_path):
    with pytest.raises(AssertionError, match="Prometheus left"):
        async with prometheus(tmp_path, scrape_configs=[{"nonsense": True}]):
            pass
