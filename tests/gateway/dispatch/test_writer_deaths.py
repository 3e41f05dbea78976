"""The writer dies again and again while everything goes on at once: nothing is lost, nothing comes twice."""

import asyncio
import os
import random
import signal
from collections import Counter
from contextlib import AsyncExitStack, suppress

import pytest
from prometheus_client import CollectorRegistry

from hookgate_gateway.catalogue.catalogue import Catalogue
from hookgate_gateway.catalogue.matching import matching_subscriptions
from hookgate_gateway.dispatch.dispatcher import Dispatcher
from hookgate_gateway.ids import Ids
from hookgate_gateway.intake.accept import Acceptor, Overloaded
from hookgate_gateway.observe import Observer
from hookgate_gateway.ports import StoreUnavailable
from hookgate_gateway.rules.lane import subscription_lane
from hookgate_process.clock import SystemClock
from tests.gateway.catalogue.world import SHOP, draft
from tests.gateway.dispatch.fakes import FakeSender, answered, status, takes
from tests.gateway.stores import open_sqlite

NAMES = ("one", "two")
DEATHS = 8
BETWEEN = 15
"""At least so many reports are promised between two deaths, however slow the machine is."""


async def endlessly(work, pause):
    while True:
        await work()
        await asyncio.sleep(pause())


async def grown(promised, enough):
    async with asyncio.timeout(60):
        while len(promised) < enough:  # noqa: ASYNC110 - a list has no event
            await asyncio.sleep(0.005)


async def owed(store):
    pending = (await store.statistics()).pending
    return [name for name in NAMES if pending.get((SHOP, name))]


@pytest.mark.faults
async def test_catalogue_events_and_attempts_survive_their_writer_together(tmp_path):
    chance, clock, observer = random.Random(1), SystemClock(), Observer(CollectorRegistry())
    sender, got = FakeSender(clock), Counter()

    def taken(shipment):
        got[shipment.lane, shipment.body] += 1
        return answered(200)

    for name in NAMES:
        sender.script[subscription_lane(SHOP, name)] = takes(0.002, taken)
    sender.script[subscription_lane(SHOP, "gone")] = status(410)

    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(open_sqlite(tmp_path))
        catalogue = Catalogue(store, observer, clock, lambda *_: None)
        dispatcher = await stack.enter_async_context(
            Dispatcher(store, sender, catalogue, observer, clock, jitter=lambda: 0.0)
        )
        acceptor = await stack.enter_async_context(
            Acceptor(
                store=store,
                catalogue=catalogue,
                matching=matching_subscriptions,
                handover=dispatcher,
                ids=Ids(clock.now),
                clock=clock,
                observer=observer,
            )
        )
        for name in (*NAMES, "gone"):
            await catalogue.put(draft(name))
        promised = []

        async def report():
            body = b'{"run_id": "tsk_%x", "status": "completed"}' % chance.getrandbits(64)
            with suppress(Overloaded, StoreUnavailable):
                await acceptor.accept(SHOP, body, "test")
                promised.append(body)

        async def edit():
            await catalogue.put(
                draft("gone", endpoint={"url": f"https://{chance.random()}.example"})
            )

        async def strike():
            os.kill(store.link.process.pid, signal.SIGKILL)
            await store.writable()

        everything = [
            asyncio.create_task(endlessly(work, pause))
            for work, pause, many in (
                (report, lambda: 0.0, 8),
                (edit, lambda: 0.01, 1),
            )
            for _ in range(many)
        ]
        for _ in range(DEATHS):
            enough = len(promised) + BETWEEN
            await asyncio.sleep(chance.uniform(0.02, 0.1))
            await grown(promised, enough)
            await strike()
        for task in everything:
            task.cancel()
        await asyncio.gather(*everything, return_exceptions=True)
        async with asyncio.timeout(60):
            while await owed(store):  # noqa: ASYNC110 - a store has no event for "empty"
                await asyncio.sleep(0.05)
        await dispatcher.stop(5)
    assert len(promised) > 100
    lanes = [subscription_lane(SHOP, name) for name in NAMES]
    assert [(lane, body) for lane in lanes for body in promised if (lane, body) not in got] == []
    assert [key for key, count in got.items() if count > 1] == []
