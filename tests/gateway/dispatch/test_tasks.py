"""Tasks of one owner."""

import asyncio

from prometheus_client import CollectorRegistry

from hookgate_gateway.dispatch.tasks import Tasks
from hookgate_gateway.observe import Observer


async def test_work_that_is_ended_before_it_began_leaves_nothing_behind():
    tasks = Tasks(Observer(CollectorRegistry()))
    tasks.spawn("late", asyncio.sleep(1))
    await (
        tasks.end()
    )  # a coroutine that was never awaited would be a warning, and warnings are errors
