"""The only replica: it works at once, and ends when its work does. With a Lease: tests/cluster/test_leadership."""

import asyncio

import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from hookgate_operator.app.leadership import Alone, Ended
from hookgate_operator.observe import OperatorObserver

pytestmark = pytest.mark.looptime


@pytest.fixture(name="observer")
def _observer():
    return OperatorObserver(CollectorRegistry())


@pytest.fixture(name="alone")
def _alone(observer):
    return Alone(observer)


async def for_ever():
    await asyncio.Event().wait()


async def after(seconds, error=None):
    await asyncio.sleep(seconds)
    if error is not None:
        raise error


def leads(observer):
    return observer.registry.get_sample_value("hookgate_operator_leader")


async def test_it_works_until_it_is_asked_to_stop(alone, observer):
    seen = []

    async def work():
        seen.append((alone.leads, leads(observer)))
        try:
            await for_ever()
        finally:
            seen.append("stopped")

    assert await alone.run(work, lambda: after(60)) == Ended()
    assert seen == [(True, 1), "stopped"]
    assert (alone.leads, leads(observer), alone.trouble()) == (False, 0, None)


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (None, "the work ended: it came back"),
        (KeyError("a value"), "the work ended: KeyError"),
        (
            ExceptionGroup("many", [OSError(), ExceptionGroup("more", [KeyError("a value")])]),
            "the work ended: KeyError, OSError",
        ),
    ],
)
async def test_it_ends_with_its_work_and_says_why_without_values(alone, error, why):
    with capture_logs() as lines:
        ended = await alone.run(lambda: after(5, error), for_ever)
    assert ended == Ended(why)
    assert "a value" not in str(lines)
    assert all(line["event"] == "work_died" for line in lines)
    assert len(lines) == why.count("Error")


async def test_work_that_does_not_stop_is_given_up(alone):
    async def work():
        while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                if asyncio.get_running_loop().time() > 100:
                    raise

    began_at = asyncio.get_running_loop().time()
    ended = await alone.run(work, lambda: after(1))
    assert ended == Ended(None, is_stuck=True)
    assert asyncio.get_running_loop().time() - began_at == pytest.approx(11, abs=0.1)
    await asyncio.sleep(200)
    for task in asyncio.all_tasks():
        if task.get_name() == "work":
            task.cancel()
