"""No room on the disk: a clear no, no crash, and on again when there is room."""

import asyncio
import resource

import pytest

from hookgate_gateway.ports import Accepted, StoreFull
from tests.gateway.stores import SHOP, START, acceptance, open_sqlite, success


@pytest.fixture
async def store(tmp_path):
    async with open_sqlite(tmp_path) as store:
        yield store


def limit_files(store, size):
    """No file of the writer may grow over ``size`` bytes from now on."""
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.prlimit(store.link.process.pid, resource.RLIMIT_FSIZE, (size, hard))


async def fill(store):
    """Accept until there is no room; returns what was acknowledged."""
    stored = []
    for n in range(10_000):
        item = acceptance(f"tsk_{n}", body=(b"%d" % n).ljust(4000))
        try:
            await store.accept([item])
        except StoreFull:
            limit_files(store, 4096)  # no room for the smallest row either, nor by a checkpoint
            return stored
        stored.append(item)
    pytest.fail("the disk never got full")
    return stored


async def test_full_and_free_again(store):
    pid = store.link.process.pid
    limit_files(store, 1 << 20)
    stored = await fill(store)
    assert len(stored) > 5
    assert not await store.writable()
    with pytest.raises(StoreFull):
        await store.accept([acceptance("tsk_x")])
    # Reading goes on: for the API and for the dispatcher.
    assert (await store.event(SHOP, stored[0].event_id)).run_id == "tsk_0"
    async with asyncio.timeout(30):
        await store.wait(float("inf"))
    assert (await store.take_due(START, 5)).deliveries
    assert await store.parked_lanes() == []

    limit_files(store, resource.RLIM_INFINITY)
    assert await store.writable()
    (receipt,) = await store.accept([acceptance("tsk_y")])
    assert isinstance(receipt, Accepted)
    for item in stored:
        assert await store.event(SHOP, item.event_id) is not None
    assert store.link.process.pid == pid


async def test_what_was_refused_left_nothing(store):
    limit_files(store, 1 << 20)
    stored = await fill(store)
    refused = acceptance("tsk_x", to=("a", "b"))
    with pytest.raises(StoreFull):
        await store.accept([refused])
    limit_files(store, resource.RLIM_INFINITY)
    assert await store.event(SHOP, refused.event_id) is None
    assert await store.run(SHOP, "tsk_x") is None
    assert (await store.statistics()).pending == {(SHOP, "invoices"): len(stored)}
    (receipt,) = await store.accept([refused])
    assert receipt.created == 2


async def test_a_result_that_found_no_room_stays_in_hand_until_it_is_written(store):
    (receipt,) = await store.accept([acceptance("tsk_0")])
    (delivery,) = receipt.deliveries
    store.claim([delivery])
    limit_files(store, 4096)
    with pytest.raises(StoreFull):
        await store.record([success(delivery)])
    assert (await store.take_due(START, 10)).deliveries == ()
    limit_files(store, resource.RLIM_INFINITY)
    await store.record([success(delivery)])
    assert (await store.delivery(SHOP, delivery.id)).state == "delivered"
