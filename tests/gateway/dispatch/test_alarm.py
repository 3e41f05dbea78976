"""One timer for all lanes."""

import asyncio

import pytest

from hookgate_gateway.dispatch.alarm import Alarm
from hookgate_gateway.dispatch.lanes import Lane
from hookgate_gateway.dispatch.plan import LaneTerms
from hookgate_gateway.rules.lane import LaneLimits
from tests.gateway.dispatch.fakes import LoopClock

pytestmark = pytest.mark.looptime


def lane(name):
    return Lane(f"s/shop/{name}", LaneTerms(LaneLimits(), held=False), 0.0)


async def test_it_rings_in_order_and_once_for_the_earliest_wish():
    clock, rung = LoopClock(), []
    alarm = Alarm(clock, lambda who: rung.append((who.key[-1], clock.monotonic())))
    a, b = lane("a"), lane("b")
    alarm.wake(a, 5.0)
    alarm.wake(b, 2.0)
    alarm.wake(a, 3.0)
    alarm.wake(a, 4.0)
    await asyncio.sleep(10)
    assert rung == [("b", 2.0), ("a", 3.0)]


async def test_who_asks_again_while_it_rings_does_not_stop_the_world():
    clock, rung = LoopClock(), []

    def ring(who):
        rung.append(clock.monotonic())
        if len(rung) < 1000:
            alarm.wake(who, 1.0)

    alarm = Alarm(clock, ring)
    alarm.wake(lane("a"), 1.0)
    await asyncio.sleep(1.1)
    assert len(rung) <= 101
    alarm.close()
    await asyncio.sleep(1)
    assert len(rung) <= 101
