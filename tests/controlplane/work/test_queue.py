"""The work queue, in virtual time."""

import asyncio

import pytest

from hookgate_operator.work.queue import BackOff, WorkQueue
from tests.controlplane.worlds import Recorder, key

pytestmark = pytest.mark.looptime


def queue(chance=0.0, observer=None):
    return WorkQueue(observer or Recorder(), chance=lambda: chance)


async def taken(work, count):
    """The names of the next keys, each done at once."""
    names = []
    for _ in range(count):
        next_key = await work.take()
        names.append(next_key.name)
        work.done(next_key)
    return names


async def test_keys_come_out_in_the_order_in_which_they_came_in_each_once():
    work = queue()
    for name in "abac":
        work.add(key(name))
    assert len(work) == 3
    assert await taken(work, 3) == ["a", "b", "c"]
    assert len(work) == 0


async def test_namespaces_take_turns():
    work = queue()
    for name in "abc":
        work.add(key(name, namespace="crowd"))
    work.add(key("x", namespace="alone"))
    assert await taken(work, 4) == ["a", "x", "b", "c"]


async def test_a_key_that_is_worked_on_is_taken_by_nobody_else_and_comes_back_once():
    work = queue()
    work.add(key("a"))
    held = await work.take()
    work.add(key("a"))
    work.add(key("a"))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1):
            await work.take()
    work.done(held)
    assert await taken(work, 1) == ["a"]
    assert len(work) == 0


async def test_taking_waits_for_a_key():
    work = queue()
    waiting = asyncio.create_task(work.take())
    await asyncio.sleep(5)
    work.add(key("a"))
    assert await waiting == key("a")


async def test_of_several_wishes_the_earliest_holds():
    work, loop = queue(), asyncio.get_running_loop()
    began = loop.time()
    for seconds in (9, 3, 6):
        work.add_after(key("a"), seconds)
    await taken(work, 1)
    assert loop.time() - began == 3
    await asyncio.sleep(60)
    assert len(work) == 0


async def test_what_is_taken_needs_no_later_look():
    work = queue()
    work.add_after(key("a"), 5)
    work.add(key("a"))
    await taken(work, 1)
    await asyncio.sleep(60)
    assert len(work) == 0


@pytest.mark.parametrize(
    ("chance", "delays"),
    [(0.0, [1, 2, 4, 8, 16, 30, 30]), (1.0, [2, 4, 8, 16, 32, 60, 60])],
)
async def test_what_fails_waits_longer_each_time(chance, delays):
    work = queue(chance)
    assert [work.retry(key("a")) for _ in delays] == delays
    work.succeeded(key("a"))
    assert work.retry(key("a")) == delays[0]


def test_back_off_never_overflows():
    assert BackOff().delay(100_000, 1.0) == 60.0
    assert BackOff(least=1.0, most=1.0).delay(1, 0.0) == 1.0


async def test_a_wake_up_cuts_a_back_off_short_but_not_what_was_asked_for():
    work, loop = queue(), asyncio.get_running_loop()
    began = loop.time()
    for name in "ab":
        work.add(key(name))
        failing = await work.take()
        work.retry(failing, 20.0 if name == "b" else None)
        work.done(failing)
    work.add(key("b"))
    work.add(key("a"))
    assert await taken(work, 1) == ["a"]
    assert loop.time() == began
    assert await taken(work, 1) == ["b"]
    assert loop.time() - began == 20


async def test_a_retry_after_longer_than_the_back_off_is_honoured():
    work = queue()
    assert work.retry(key("a"), 45.0) == 45.0
    assert work.retry(key("b"), 0.5) == 1.0


async def test_what_is_counted():
    seen = Recorder()
    work = queue(observer=seen)
    work.add(key("a"))
    await asyncio.sleep(2)
    taken_key = await work.take()
    await asyncio.sleep(3)
    work.retry(taken_key)
    work.done(taken_key)
    assert seen.told == [
        ("queue_added",),
        ("queue_depth", 1),
        ("queue_depth", 0),
        ("queue_waited", 2.0),
        ("queue_retried",),
        ("queue_worked", 3.0),
    ]


async def test_after_its_end_nothing_comes_back():
    work = queue()
    work.add_after(key("a"), 1)
    work.close()
    await asyncio.sleep(60)
    assert len(work) == 0
