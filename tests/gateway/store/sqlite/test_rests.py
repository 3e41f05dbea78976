"""Long walks over many rows leave the machine to those in a hurry."""

import asyncio

import pytest

from hookgate_gateway.store.sqlite.reader import Rests

pytestmark = pytest.mark.looptime


async def walk(windows: int, seconds: float) -> float:
    """How long it takes to look at so many windows of so many seconds each."""
    loop = asyncio.get_running_loop()
    began, rests = loop.time(), Rests()
    for _ in range(windows):
        await rests.rest()
        await asyncio.sleep(seconds)
    return loop.time() - began


async def test_one_window_is_not_waited_for() -> None:
    assert await walk(1, 0.004) == pytest.approx(0.004)


async def test_a_long_walk_takes_a_quarter_of_a_core() -> None:
    assert await walk(200, 0.004) == pytest.approx(200 * 0.016, rel=0.01)


async def test_where_the_walk_itself_is_slow_its_rests_stay_short() -> None:
    assert await walk(10, 1.0) == pytest.approx(10.18)
