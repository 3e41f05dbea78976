"""kill -9 in the middle of a bulk replay: every event is replayed, and none twice without a reason."""

import asyncio
import contextlib
import json
import logging
import os
import random
import signal
import sqlite3
import time

import pytest

from tests.acceptance.harness import Gateway, eventually, report
from tests.faults.ledger import Ledger
from tests.faults.load import drained, publishing
from tests.receivers import Receiver

COUNT = 2000
KILLS = 6
_log = logging.getLogger(__name__)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("victim", ["gateway", "writer"])
async def test_a_replay_survives_kills_at_random_moments(
    idle: Gateway, receiver: Receiver, victim: str
) -> None:
    chance = random.Random(f"bulk replay {victim}")
    ledger = Ledger()
    idle.manifests.subscription("hook", receiver.url("nothing-is-here"), retry=())
    await idle.start()
    await _fail(idle, ledger)
    idle.manifests.subscription(
        "hook", receiver.url("slow?seconds=0.002"), retry=(1, 1, 1), delivery={"maxInFlight": 16}
    )
    await _endpoint(idle, "slow")
    body = json.dumps({"filter": {"subscription": "hook"}, "rate_per_second": 500}).encode()
    replay = (await idle.post("/v1/replays", body)).json()
    assert replay["matched"] == COUNT
    beside = Ledger()  # of reports that nobody is told of: they tell how long the disk stalls
    async with publishing(idle, beside, rate=40, status="running"):
        for _ in range(KILLS):
            await asyncio.sleep(chance.uniform(0.05, 0.4))  # the random moment
            left = (await idle.get(f"/v1/replays/{replay['id']}"))["remaining"]
            _log.info("%d are left", left)
            assert left > 0
            await _strike(idle, receiver, victim, ledger)
    ledger.slowest = beside.slowest
    done = await _ended(idle, replay["id"])
    await drained(idle)
    assert (done["matched"], done["sent"], done["delivered"]) == (COUNT, COUNT, COUNT)
    arrived = [r for r in receiver.log if r.header("x-hookgate-replay") == "1"]
    assert ledger.lost(arrived) == set()
    assert ledger.made_up(arrived) == set()
    assert ledger.inexcusable(arrived) == []
    _log.info("%d kills, %d repeats", KILLS, len(ledger.repeats(arrived)))
    assert await idle.stop() == 0
    assert _replays_of_each_event(idle) == {1: COUNT}


async def _strike(idle: Gateway, receiver: Receiver, victim: str, ledger: Ledger) -> None:
    if victim == "writer":
        for pid in idle.writer_pids():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return
    idle.kill()
    await receiver.left()  # what comes from now on is of the next gateway
    ledger.crashes.append(time.time())  # noqa: TID251  # the receiver's clock
    await idle.start()


async def _fail(gateway: Gateway, ledger: Ledger) -> None:
    """So many events whose deliveries are exhausted."""
    runs = [f"tsk_{id(ledger):x}_{n:06d}" for n in range(COUNT)]
    ledger.tried |= set(runs)
    for start in range(0, COUNT, 50):
        batch = runs[start : start + 50]
        replies = await asyncio.gather(*(gateway.report(report(run)) for run in batch))
        assert {reply.status for reply in replies} == {202}
    ledger.promised |= set(runs)
    await drained(gateway)


async def _endpoint(gateway: Gateway, word: str) -> None:
    async def there() -> bool:
        shown = await gateway.get("/v1/subscriptions/hook")
        return f"/{word}" in json.dumps(shown)

    await eventually(there, what="the new endpoint")


async def _ended(gateway: Gateway, id_: str) -> dict[str, int]:
    async def found() -> dict[str, int] | None:
        now = await gateway.get(f"/v1/replays/{id_}")
        return now if now["state"] == "completed" else None

    answer = await eventually(found, within=150, what="completed")
    assert answer is not None
    return answer


def _replays_of_each_event(gateway: Gateway) -> dict[int, int]:
    """How many events were replayed how many times, as the store has it."""
    with sqlite3.connect(gateway.home / "hookgate.db") as connection:
        rows = connection.execute(
            "SELECT n, count(*) FROM (SELECT count(*) AS n FROM deliveries"
            " WHERE kind = 'replay' GROUP BY event_id) GROUP BY n"
        ).fetchall()
    connection.close()
    return dict(rows)
