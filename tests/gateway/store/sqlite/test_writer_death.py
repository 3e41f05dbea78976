"""The writer is killed, or its gateway is: nothing acknowledged is lost, nothing is stored twice."""

import asyncio
import os
import signal
import socket
import sys
from pathlib import Path

import pytest

from hookgate_gateway.contract import ResourceKey, ResourceKind
from hookgate_gateway.ports import Accepted, Recorded, ResourceDraft, Stale, StoreUnavailable
from hookgate_gateway.store.sqlite import link
from hookgate_gateway.store.sqlite.process import spawn
from tests.gateway.stores import SHOP, START, acceptance, failure, new_run, open_sqlite, success

KEY = ResourceKey(ResourceKind.SUBSCRIPTION, SHOP, "invoices")


def kill(store, number=signal.SIGKILL):
    os.kill(store.link.process.pid, number)


@pytest.fixture
async def store(tmp_path):
    async with open_sqlite(tmp_path) as store:
        yield store


async def test_service_goes_on_with_the_next_writer(store):
    await store.accept([acceptance("tsk_1")])
    kill(store)
    (receipt,) = await store.accept([acceptance("tsk_2")])
    assert isinstance(receipt, Accepted)
    assert await store.event(SHOP, receipt.event_id) is not None
    assert await store.run(SHOP, "tsk_1") is not None


@pytest.mark.faults
async def test_frames_under_way_are_stored_once(store):
    """Ten deaths at moments that differ, under load; every receipt is the one of a new event."""

    async def report(n):
        item = acceptance(f"tsk_{n}", to=("a", "b"))
        (receipt,) = await store.accept([item])
        store.claim(receipt.deliveries)
        recorded = await store.record([success(d) for d in receipt.deliveries])
        return item, receipt, recorded

    async def deaths():
        for n in range(10):
            await asyncio.sleep(0.003 * n)
            kill(store)
            assert await store.writable()  # by the next one

    killer = asyncio.create_task(deaths())
    done = []
    while not killer.done():
        batch = range(len(done), len(done) + 40)
        done += await asyncio.gather(*(report(n) for n in batch))
    await killer
    for item, receipt, recorded in done:
        assert isinstance(receipt, Accepted)
        assert receipt.created == 2
        assert recorded == [Recorded.STORED] * 2
        assert await store.event(SHOP, item.event_id) is not None
    counts = [len(await store.attempts(SHOP, d.id)) for _, r, _ in done for d in r.deliveries]
    assert set(counts) == {1}
    assert (await store.statistics()).pending == {}


async def test_a_frame_that_comes_once_more_is_answered_as_before(store):
    """What the next writer does with what its predecessor had committed without an answer."""
    await store.register(new_run(webhook_url="https://team.example/hook"))
    interim = acceptance(status="running")
    await store.accept([interim])
    item, late = acceptance(), acceptance(status="running", body=b"{}", to=("invoices", "b"))
    for _ in range(2):
        receipt, after = await store.accept([item, late])
        assert receipt.superseded == (interim.deliveries[0].id,)
        assert [d.id for d in receipt.deliveries] == [item.deliveries[0].id, item.run_delivery]
        assert after == Accepted(late.event_id, (), 0)
        assert await store.register(new_run(webhook_url="https://team.example/hook"))
    assert (await store.statistics()).pending == {(SHOP, "invoices"): 1, (SHOP, ""): 1}
    store.claim(receipt.deliveries)
    for _ in range(2):
        await store.record([failure(d, due=START) for d in receipt.deliveries])
        assert await store.cancel(SHOP, [item.run_delivery], "requested", START) == [
            item.run_delivery
        ]
    assert (await store.statistics()).pending == {(SHOP, "invoices"): 1}


async def test_a_frame_that_comes_once_more_is_not_stale_whatever_was_committed_behind_it(store):
    """Matched again, it would come with other delivery ids beside those that are stored."""
    await store.register(new_run(webhook_url="https://team.example/hook"))
    item, fresh = acceptance(), acceptance("tsk_2")
    await store.accept([item])
    await store.put(ResourceDraft(key=KEY, owner="m", fingerprint="f", document={}), START)
    again, stale = await store.accept([item, fresh])
    assert [d.id for d in again.deliveries] == [item.deliveries[0].id, item.run_delivery]
    assert isinstance(stale, Stale)


async def test_signals_that_stop_a_gateway_do_not_stop_its_writer(store):
    kill(store, signal.SIGTERM)
    kill(store, signal.SIGINT)
    pid = store.link.process.pid
    await store.accept([acceptance()])
    assert store.link.process.pid == pid


async def test_a_writer_that_hangs_is_told_after_a_while_and_recovers(store, monkeypatch):
    patience = link.PATIENCE
    monkeypatch.setattr(link, "PATIENCE", 0.1)
    kill(store, signal.SIGSTOP)
    item = acceptance("tsk_1")
    with pytest.raises(StoreUnavailable):
        await store.accept([item])
    with pytest.raises(StoreUnavailable):
        await store.accept([acceptance("tsk_2")])
    assert not await store.writable()
    monkeypatch.setattr(link, "PATIENCE", patience)  # it is busy now, and hangs no more
    kill(store, signal.SIGCONT)
    async with asyncio.timeout(30):
        while not await store.writable():  # noqa: ASYNC110  # nothing announces it
            await asyncio.sleep(0.01)
    assert isinstance((await store.accept([acceptance("tsk_3")]))[0], Accepted)
    # The first one's frame had reached the writer; its deliveries were not lost with the answer.
    assert await store.event(SHOP, item.event_id) is not None
    async with asyncio.timeout(30):
        await store.wait(float("inf"))
        found = (await store.take_due(START, 10)).deliveries
    assert item.deliveries[0].id in [d.id for d in found]


async def test_leaving_commits_what_was_sent(tmp_path):
    async with open_sqlite(tmp_path) as store:
        pid = store.link.process.pid
        answers = [asyncio.create_task(store.accept([acceptance(f"tsk_{n}")])) for n in range(50)]
        await asyncio.sleep(0)
    receipts = [(await answer)[0] for answer in answers]
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    with pytest.raises(StoreUnavailable):
        await store.accept([acceptance()])
    async with open_sqlite(tmp_path) as again:
        for receipt in receipts:
            assert await again.event(SHOP, receipt.event_id) is not None
    assert not (tmp_path / "hookgate.db-wal").exists()


async def test_a_writer_that_waits_for_the_lock_leaves_with_its_gateway(store, tmp_path):
    ours, theirs = socket.socketpair()
    with theirs:
        process = spawn(theirs, tmp_path / "hookgate.db", 600.0)
    ours.settimeout(60)
    assert b"waiting" in await asyncio.to_thread(ours.recv, 4096)
    ours.close()
    assert await asyncio.to_thread(process.wait, 60) == 1
    assert isinstance((await store.accept([acceptance()]))[0], Accepted), "the holder goes on"


GATEWAY = """
import asyncio, sys
from pathlib import Path
from tests.gateway.stores import acceptance, open_sqlite

async def main():
    async with open_sqlite(Path(sys.argv[1])) as store:
        async def report(n):
            for m in range(100000):
                (receipt,) = await store.accept([acceptance(f"tsk_{n}_{m}")])
                print(receipt.event_id, flush=True)
        await asyncio.gather(*(report(n) for n in range(20)))

asyncio.run(main())
"""


@pytest.mark.faults
async def test_a_killed_gateway_loses_nothing_it_acknowledged(tmp_path):
    root = Path(__file__).parents[4]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", GATEWAY, str(tmp_path), cwd=root, stdout=asyncio.subprocess.PIPE
    )
    acknowledged = [(await process.stdout.readline()).decode().strip() for _ in range(200)]
    process.kill()
    rest = (await process.stdout.read()).decode().splitlines()
    await process.wait()
    acknowledged += [line for line in rest if len(line) == len(acknowledged[0])]
    async with open_sqlite(tmp_path) as store:
        for event_id in acknowledged:
            assert await store.event(SHOP, event_id) is not None
        taken, again = await store.take_due(START, 10**6), await store.take_due(START, 10**6)
        assert len(taken.deliveries) >= len(acknowledged)
        assert again.deliveries == ()
