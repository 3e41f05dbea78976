"""Requests with a key: the first makes something, the others are told what it made."""

import asyncio

from hookgate_gateway.ports import MadeBefore, Once
from tests.gateway.stores import BANK, SHOP, START, new_run

DAY = 86400.0
REQUEST = b"r" * 32


def once(key="k", at=START, request=REQUEST):
    return Once(key=key, request_sha256=request, at=at, since=at - DAY)


async def test_the_first_registers_and_the_others_are_told(store):
    assert await store.register_once(new_run("tsk_1"), once()) is True
    again = await store.register_once(new_run("tsk_2"), once(at=START + 1, request=b"s" * 32))
    assert again == MadeBefore(REQUEST, "tsk_1")
    assert await store.run(SHOP, "tsk_2") is None


async def test_of_twins_one_registers(store):
    runs = [new_run(f"tsk_{n}") for n in range(8)]
    results = await asyncio.gather(*(store.register_once(run, once()) for run in runs))
    assert results.count(True) == 1
    (made,) = {result.made for result in results if isinstance(result, MadeBefore)}
    assert made == f"tsk_{results.index(True)}"
    stored = [run.run_id for run in runs if await store.run(SHOP, run.run_id) is not None]
    assert stored == [made]


async def test_the_very_same_run_is_its_own_first(store):
    assert await store.register_once(new_run("tsk_1"), once()) is True
    assert await store.register_once(new_run("tsk_1"), once()) is True


async def test_a_key_is_its_namespaces(store):
    assert await store.register_once(new_run("tsk_1"), once()) is True
    assert await store.register_once(new_run("tsk_1", namespace=BANK), once()) is True


async def test_a_run_that_exists_is_no_first(store):
    await store.register(new_run("tsk_1"))
    assert await store.register_once(new_run("tsk_1", at=START + 1), once()) is False


async def test_a_key_is_free_again_after_a_day(store):
    await store.register_once(new_run("tsk_1"), once())
    late = once(at=START + DAY)
    assert isinstance(await store.register_once(new_run("tsk_2"), late), MadeBefore)
    assert await store.register_once(new_run("tsk_3"), once(at=START + DAY + 1)) is True
    known = await store.register_once(new_run("tsk_4"), once(at=START + DAY + 2))
    assert known == MadeBefore(REQUEST, "tsk_3")


async def test_it_is_known_after_a_restart(open_store):
    async with open_store() as store:
        await store.register_once(new_run("tsk_1"), once())
    async with open_store() as store:
        again = await store.register_once(new_run("tsk_2"), once(at=START + 60))
        assert again == MadeBefore(REQUEST, "tsk_1")
