"""The workers: what a reconcile's end means for its key, in virtual time."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from hookgate_operator.ports import Forbidden, GatewayAwaited, GatewayUnavailable, Kind, Throttled
from hookgate_operator.work.queue import WorkQueue
from hookgate_operator.work.workers import Workers
from tests.controlplane.worlds import Recorder, key

pytestmark = pytest.mark.looptime


class Scripted:
    """Ends its reconciles as it is told to, and remembers when they began."""

    def __init__(self, *ends):
        self.ends = list(ends)
        self.began = []
        self.at_work = self.most_at_work = 0

    async def reconcile(self, which):
        self.began.append((which.name, asyncio.get_running_loop().time()))
        self.at_work += 1
        self.most_at_work = max(self.most_at_work, self.at_work)
        try:
            end = self.ends.pop(0) if self.ends else None
            if callable(end):
                return await end()
            if isinstance(end, BaseException):
                raise end
            return end
        finally:
            self.at_work -= 1

    @property
    def times(self):
        return [round(at) for _, at in self.began]


@asynccontextmanager
async def working(reconciler, observer=None, **settings):
    work = WorkQueue(Recorder(), chance=lambda: 0.0)
    workers = Workers(work, {Kind.SUBSCRIPTION: reconciler}, observer or Recorder(), **settings)
    task = asyncio.create_task(workers.run())
    yield work
    assert not task.done()
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()


async def test_a_success_is_over():
    scripted, seen = Scripted(), Recorder()
    async with working(scripted, seen) as work:
        work.add(key())
        await asyncio.sleep(600)
    assert scripted.times == [0]
    assert seen.of("reconciled") == [(Kind.SUBSCRIPTION, "success", 0.0)]


async def test_a_success_may_ask_for_another_look():
    scripted = Scripted(30.0)
    async with working(scripted) as work:
        work.add(key())
        await asyncio.sleep(600)
    assert scripted.times == [0, 30]


async def test_a_gateway_that_may_be_starting_is_nothing_to_warn_of():
    scripted, seen = (
        Scripted(GatewayAwaited("not yet"), GatewayUnavailable("away"), None),
        Recorder(),
    )
    async with working(scripted, seen) as work:
        work.add(key())
        await asyncio.sleep(600)
    assert [name for name, _ in seen.of("event")] == ["reconcile_retried", "reconcile_recovered"]
    assert [fields["message"] for _, fields in seen.of("warning")] == ["away"]


async def test_what_is_expected_is_retried_and_told_once_for_each_change():
    away = [Throttled("slow down", 1.0) for _ in range(3)]
    scripted = Scripted(*away, Forbidden("may not get secrets"), None)
    seen = Recorder()
    async with working(scripted, seen) as work:
        work.add(key())
        await asyncio.sleep(600)
    assert scripted.times == [0, 1, 3, 7, 15]
    assert [fields["error"] for _, fields in seen.of("warning")] == ["Throttled", "Forbidden"]
    assert [name for name, _ in seen.of("event")] == ["reconcile_recovered"]
    assert [result for _, result, _ in seen.of("reconciled")] == ["retry"] * 4 + ["success"]


async def test_a_mistake_is_told_with_its_place_and_without_its_words():
    scripted = Scripted(ValueError("the secret is hunter2"), ValueError("hunter2"), None)
    seen = Recorder()
    async with working(scripted, seen) as work:
        work.add(key())
        await asyncio.sleep(600)
    assert len(scripted.began) == 3
    ((name, fields),) = seen.of("error")
    assert (name, fields["error"]) == ("reconcile_failed", "ValueError")
    assert fields["where"][-1].endswith("reconcile")
    assert "hunter2" not in repr(seen.told)


async def test_a_foreign_cancellation_does_not_end_a_worker():
    scripted, seen = Scripted(asyncio.CancelledError(), None), Recorder()
    async with working(scripted, seen, count=1) as work:
        work.add(key())
        await asyncio.sleep(600)
    assert len(scripted.began) == 2
    assert [result for _, result, _ in seen.of("reconciled")] == ["error", "success"]


async def test_a_reconcile_that_hangs_is_given_up():
    scripted = Scripted(asyncio.Event().wait)
    async with working(scripted, count=1, patience=100) as work:
        work.add(key("stuck"))
        work.add(key("other"))
        await asyncio.sleep(600)
    assert scripted.began == [("stuck", 0), ("other", 100), ("stuck", 101)]


async def test_so_many_work_at_once_and_no_more():
    async def long():
        await asyncio.sleep(10)

    scripted = Scripted(*[long] * 10)
    async with working(scripted, count=4) as work:
        for number in range(10):
            work.add(key(f"n{number}"))
        await asyncio.sleep(600)
    assert scripted.most_at_work == 4
    assert scripted.times == [0] * 4 + [10] * 4 + [20] * 2


async def test_a_stop_in_the_middle_of_a_reconcile_stops_it():
    scripted, seen = Scripted(asyncio.Event().wait), Recorder()
    async with working(scripted, seen) as work:
        work.add(key())
        await asyncio.sleep(1)
        assert scripted.at_work == 1
    assert scripted.at_work == 0
    assert seen.told == []


async def test_a_trouble_of_many_is_told_once_and_so_is_its_end():
    scripted = Scripted(*[Forbidden("may not get secrets") for _ in range(30)])
    seen = Recorder()
    async with working(scripted, seen) as work:
        for number in range(10):
            work.add(key(f"n{number}"))
        await asyncio.sleep(600)
    assert len(scripted.began) == 40
    assert len(seen.of("warning")) == 1
    assert [name for name, _ in seen.of("event")] == ["reconcile_recovered"]
