"""Room for large bodies."""

import asyncio

import pytest

from hookgate_gateway.dispatch.bodies import LargeBodies

pytestmark = pytest.mark.looptime


async def test_room_is_waited_for_and_given_back():
    bodies, now = LargeBodies(100), asyncio.get_running_loop().time
    entered = []

    async def carry(namespace, size, seconds):
        async with bodies.room(namespace, size):
            entered.append((namespace, size, now()))
            await asyncio.sleep(seconds)

    async with asyncio.TaskGroup() as group:
        group.create_task(carry("a", 40, 10))
        await asyncio.sleep(0)
        group.create_task(carry("a", 20, 1))  # its namespace has half
        group.create_task(carry("b", 50, 5))
        group.create_task(carry("c", 500, 1))  # too large for anything but emptiness
    assert entered == [("a", 40, 0), ("b", 50, 0), ("a", 20, 10), ("c", 500, 11)]
