"""What an upstream was asked for: known from before it is asked, whoever names the run first."""

import asyncio
from dataclasses import replace

import pytest

from hookgate_gateway.ports import Asking, MadeBefore, NamedRun, Settled
from hookgate_gateway.rules.delivery import RunId
from tests.gateway.store.test_once import DAY, REQUEST, once
from tests.gateway.stores import BANK, SHOP, START, acceptance, ids, new_run, success

URL = "https://app.example/hook"
NAMED = NamedRun(SHOP, RunId("tsk_1"), "task_v1", "completed")
MADE = "tsk_1 begins"


def asking(*, url=URL, namespace=SHOP, key=None, at=START, **more):
    """A run to be asked for; ``key`` is of the request."""
    id_ = ids.asking()
    run = new_run("", webhook_url=url, namespace=namespace, at=at, workflow_id="wpid_1")
    header = None if key is None else once(key, at=at)
    return Asking(id=id_, run=run, once=header, reservation=f"asked {id_}", **more)


def named(asked, run_id="tsk_1", status="queued"):
    """The run as the upstream's answer names it."""
    return replace(asked.run, run_id=RunId(run_id), status=status)


def settled(asked, made):
    return Settled(asked.once.key, asked.reservation, made)


async def reported(store, status="completed"):
    [receipt] = await store.accept([acceptance(status=status, to=())])
    store.claim(receipt.deliveries)
    return receipt


async def owed(store):
    """What can be taken, whenever it is due."""
    return (await store.take_due(START + 10, 10)).deliveries


async def known_as_asked(store, asked):
    run = await store.run(SHOP, "tsk_1")
    return (run.webhook_url, run.key, run.request, run.workflow_id, run.created_at) == (
        asked.run.webhook_url, asked.run.key, asked.run.request, asked.run.workflow_id, asked.run.created_at,
    )  # fmt: skip


class TestAnAnswerNamesIt:
    @pytest.mark.parametrize("before", [None, "running"])
    async def test_before_its_end(self, store, before):
        asked = asking()
        assert await store.ask(asked) is None
        if before:
            await reported(store, before)
        assert await store.adopt(asked, named(asked))
        assert await known_as_asked(store, asked)
        assert not await owed(store)
        receipt = await reported(store)
        assert [d.target.url for d in receipt.deliveries] == [URL]

    async def test_after_its_end_what_ended_it_is_owed(self, store):
        asked = asking()
        await store.ask(asked)
        await reported(store)
        for _ in range(2):  # a frame that comes once more
            assert await store.adopt(asked, named(asked))
        run = await store.run(SHOP, "tsk_1")
        assert run.final
        [delivery] = await owed(store)
        assert (delivery.target.url, delivery.target.key) == (URL, asked.run.key)
        assert delivery.event_id == run.event_id
        assert (await store.statistics()).pending == {(SHOP, ""): 1}

    async def test_one_without_a_url_is_owed_nothing(self, store):
        asked = asking(url=None)
        await store.ask(asked)
        await reported(store)
        assert await store.adopt(asked, named(asked))
        assert (await store.statistics()).pending == {}

    async def test_another_run_of_that_id_stays_what_it_is(self, store):
        await store.register(new_run(webhook_url="https://other.example/", at=START - 5))
        asked = asking()
        await store.ask(asked)
        assert not await store.adopt(asked, named(asked))
        assert (await store.run(SHOP, "tsk_1")).webhook_url == "https://other.example/"
        assert not await store.adopt_reported(asked.id, NAMED, MADE)


class TestAReportNamesIt:
    async def test_before_any_answer(self, open_store):
        asked = asking()
        async with open_store() as store:
            await store.ask(asked)
        async with open_store() as store:  # killed, and started again
            assert await store.adopt_reported(asked.id, NAMED, MADE)
            assert not await store.adopt_reported(asked.id, NAMED, MADE)
            assert await known_as_asked(store, asked)
            receipt = await reported(store)
            assert [d.target.url for d in receipt.deliveries] == [URL]
            assert [d.target.key for d in receipt.deliveries] == [asked.run.key]

    async def test_after_its_end_what_ended_it_is_owed(self, store):
        asked = asking()
        await store.ask(asked)
        await reported(store)
        assert await store.adopt_reported(asked.id, NAMED, MADE)
        [delivery] = await owed(store)
        assert (delivery.target.url, delivery.accepted_at) == (URL, START)

    async def test_the_answer_that_follows_owes_nothing_more(self, store):
        asked = asking()
        await store.ask(asked)
        await store.adopt_reported(asked.id, NAMED, MADE)
        receipt = await reported(store)
        await store.record([success(d, at=d.due) for d in receipt.deliveries])
        assert await store.adopt(asked, named(asked))
        assert not await owed(store)
        assert (await store.run(SHOP, "tsk_1")).status == "completed"

    async def test_of_another_namespace_it_names_nothing(self, store):
        asked = asking()
        await store.ask(asked)
        stranger = NamedRun(BANK, RunId("tsk_1"), "task_v1", "completed")
        assert not await store.adopt_reported(asked.id, stranger, MADE)
        assert await store.run(BANK, "tsk_1") is None
        assert await store.adopt_reported(asked.id, NAMED, MADE)


class TestKeys:
    async def test_of_twins_one_asks_until_it_is_settled(self, store):
        twins = [asking(key="k") for _ in range(8)]
        results = await asyncio.gather(*map(store.ask, twins))
        mine = twins[results.index(None)]
        assert {r.made for r in results if r is not None} == {mine.reservation}
        assert await store.ask(mine) is None  # a frame that comes once more
        assert await store.ask(asking(key="k", namespace=BANK)) is None
        others = next(twin for twin in twins if twin is not mine)
        await store.withdraw(others)
        assert await store.ask(asking(key="k")) == MadeBefore(REQUEST, mine.reservation)
        assert not await store.adopt_reported(others.id, NAMED, MADE)
        assert await store.adopt(mine, named(mine), settled(mine, MADE))
        assert await store.ask(asking(key="k")) == MadeBefore(REQUEST, MADE)
        await store.withdraw(mine)
        assert await store.register_once(new_run("tsk_2"), once()) == MadeBefore(REQUEST, MADE)

    async def test_what_was_withdrawn_was_never_asked(self, store):
        asked = asking(key="k")
        await store.ask(asked)
        await store.withdraw(asked)
        assert not await store.adopt_reported(asked.id, NAMED, MADE)
        assert await store.register_once(new_run("tsk_2"), once()) is True

    async def test_a_report_settles_it_and_the_answer_adds_to_that(self, store):
        asked = asking(key="k")
        await store.ask(asked)
        await store.adopt_reported(asked.id, NAMED, MADE)
        assert await store.ask(asking(key="k")) == MadeBefore(REQUEST, MADE)
        whole = f"{MADE} and goes on"
        assert await store.adopt(asked, named(asked), settled(asked, whole))
        assert await store.ask(asking(key="k")) == MadeBefore(REQUEST, whole)

    async def test_a_later_request_with_that_key_is_left_alone(self, store):
        asked = asking(key="k")
        await store.ask(asked)
        late = asking(key="k", at=START + DAY + 1)
        assert await store.ask(late) is None
        assert await store.adopt(asked, named(asked), settled(asked, MADE))
        again = asking(key="k", at=START + DAY + 1)
        assert await store.ask(again) == MadeBefore(REQUEST, late.reservation)


async def test_a_question_that_nobody_answers_goes_with_the_events_of_its_time(store):
    old, new = asking(), asking(at=START + 100)
    for asked in (old, new):
        await store.ask(asked)
    await store.prune(START + 50, 10)
    assert not await store.adopt_reported(old.id, NAMED, MADE)
    assert await store.adopt_reported(new.id, NAMED, MADE)
