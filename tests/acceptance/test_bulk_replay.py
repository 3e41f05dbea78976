"""A receiver was down: find out what failed, count it, replay it at a safe rate, watch it; by HTTP alone."""

import json
import sqlite3
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.harness import Gateway, at, eventually, report, run_id
from tests.acceptance.signatures import assert_skyvern
from tests.receivers import Receiver

NO_RETRY: tuple[int, ...] = ()


async def ended(gateway: Gateway, replay: dict[str, Any], state: str = "completed") -> Any:
    async def found() -> Any:
        now = await gateway.get(f"/v1/replays/{replay['id']}")
        return now if now["state"] == state and not now["remaining"] else None

    return await eventually(found, within=60, what=f"{replay['id']} {state}")


async def post(gateway: Gateway, path: str, body: Any, status: int = 200) -> Any:
    reply = await gateway.post(path, json.dumps(body).encode())
    assert reply.status == status, reply
    return reply.json()


async def failed(gateway: Gateway, receiver: Receiver, name: str, count: int) -> list[str]:
    """So many runs whose deliveries are exhausted; then the receiver is well again."""
    gateway.manifests.subscription(name, receiver.url("nothing-is-here"), retry=NO_RETRY)
    await gateway.held(name, None)
    runs = [run_id() for _ in range(count)]
    for run in runs:
        await gateway.accepted(report(run))

    async def all_failed() -> bool:
        query = f"/v1/deliveries?subscription={name}&state=exhausted&limit=200"
        return len((await gateway.get(query))["items"]) == count

    await eventually(all_failed, what="all failed")
    gateway.manifests.subscription(name, receiver.url("slow?seconds=0.001"), retry=NO_RETRY)
    url = receiver.url("slow")

    async def well_again() -> bool:
        shown = await gateway.get(f"/v1/subscriptions/{name}")
        return url in json.dumps(shown)

    await eventually(well_again, what="the new endpoint")
    return runs


async def test_an_outage_as_a_person_on_call_sees_it(idle: Gateway, receiver: Receiver) -> None:
    await idle.start()
    since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    runs = await failed(idle, receiver, "billing", 60)
    # What failed, and why?
    items = await idle.deliveries("?subscription=billing&state=exhausted&limit=200")
    assert Counter(item["outcome"] for item in items).total() == 60
    # How many would be sent?
    wanted = {"filter": {"subscription": "billing", "state": "exhausted", "since": since}}
    assert await post(idle, "/v1/replays", {**wanted, "dry_run": True}) == {"matched": 60}
    # At 40 a second.
    began = time.time()  # noqa: TID251  # the receiver's clock
    replay = await post(idle, "/v1/replays", {**wanted, "rate_per_second": 40}, 202)
    done = await ended(idle, replay)
    assert (done["matched"], done["sent"], done["delivered"], done["failed"]) == (60, 60, 60, 0)
    arrived = at(receiver, "/slow")
    assert sorted(json.loads(r.body)["run_id"] for r in arrived) == sorted(runs)
    assert {r.header("x-hookgate-replay") for r in arrived} == {"1"}
    assert len({r.header("x-hookgate-event-id") for r in arrived}) == 60
    assert_skyvern(arrived[0])
    # From before the call: a receiver that stalls at the first ones makes it no shorter.
    assert max(r.at for r in arrived) - began > (60 - 8) / 40, "faster than it was asked to be"
    assert await idle.total("hookgate_replay_deliveries_total") == 60
    assert len(idle.logged("replay_created")) == 1

    async def told() -> list[Any]:
        return idle.logged("replay_ended")

    [line] = await eventually(told, what="the end is told")
    assert (line["state"], line["delivered"]) == ("completed", 60)
    # Nothing is left to be replayed.
    again = {"filter": {**wanted["filter"], "not_replayed": True}, "dry_run": True}
    assert await post(idle, "/v1/replays", again) == {"matched": 0}


async def test_pause_restart_resume_cancel(idle: Gateway, receiver: Receiver) -> None:
    await idle.start()
    await failed(idle, receiver, "billing", 40)
    body = {
        "filter": {"subscription": "billing"},
        "rate_per_second": 4,
    }  # it takes longer than all the steps
    replay = await post(idle, "/v1/replays", body, 202)
    path = f"/v1/replays/{replay['id']}"

    async def some() -> bool:
        return int((await idle.get(path))["delivered"]) >= 5

    await eventually(some, what="some were delivered")
    assert (await post(idle, f"{path}/pause", {}))["state"] == "paused"
    assert await idle.stop() == 0
    await idle.start()
    paused = await idle.get(path)
    assert paused["state"] == "paused"
    assert paused["sent"] < 40
    assert (await post(idle, f"{path}/resume", {}))["state"] == "running"

    async def more() -> bool:
        return int((await idle.get(path))["delivered"]) > int(paused["sent"]) + 3

    await eventually(more, what="it went on")
    await post(idle, f"{path}/cancel", {})
    done = await ended(idle, replay, "cancelled")
    assert done["delivered"] + done["skipped"] == 40
    assert len(at(receiver, "/slow")) == done["delivered"] < 40


async def test_a_retry_after_the_call_changes_nothing_of_what_is_selected(
    idle: Gateway, receiver: Receiver
) -> None:
    """Of two that fail alike one had been given up by then; the other one is tried a moment later."""
    await idle.start()
    [given_up] = await failed(idle, receiver, "billing", 1)
    idle.manifests.subscription(
        "billing", receiver.url("nothing-is-here"), retry=NO_RETRY, suspend=True
    )
    await idle.held("billing", "Suspended")
    owed = run_id()
    await idle.accepted(report(owed))
    wanted = {"filter": {"outcome": "client_error", "run_ids": [given_up, owed]}}
    replay = await post(idle, "/v1/replays", wanted, 202)
    assert replay["matched"] == 1
    idle.manifests.subscription("billing", receiver.url("nothing-is-here"), retry=NO_RETRY)
    await idle.delivery_of(owed, state="exhausted", outcome="client_error")
    done = await ended(idle, replay)
    assert (done["matched"], done["sent"]) == (1, 1)
    arrived = Counter(json.loads(each.body)["run_id"] for each in at(receiver, "/nothing-is-here"))
    assert arrived == {given_up: 2, owed: 1}


async def test_what_is_still_owed_is_sent_once_unless_it_is_asked_for(
    idle: Gateway, receiver: Receiver
) -> None:
    idle.manifests.subscription("billing", receiver.url(), suspend=True)
    await idle.start()
    await idle.held("billing", "Suspended")
    owed = run_id()
    await idle.accepted(report(owed))
    wanted = {"subscription": "billing", "run_ids": [owed]}
    replay = await post(idle, "/v1/replays", {"filter": wanted}, 202)
    assert replay["matched"] == 0
    pending = {"filter": {**wanted, "state": "pending"}}
    assert await post(idle, "/v1/replays", {**pending, "dry_run": True}) == {"matched": 1}
    idle.manifests.subscription("billing", receiver.url())
    await idle.delivery_of(owed, state="delivered")
    assert (await ended(idle, replay))["sent"] == 0
    assert len(at(receiver, "/ok200")) == 1


@pytest.mark.timeout(120)
async def test_a_large_store_is_gone_over_in_bounded_memory(
    idle: Gateway, receiver: Receiver
) -> None:
    """200,000 stored deliveries, of which a hundred far apart are selected."""
    idle.manifests.subscription("billing", receiver.url("slow?seconds=0.001"), retry=NO_RETRY)
    await idle.start()
    await idle.accepted(report(run_id()))
    assert await idle.stop() == 0
    fill(idle.home / "hookgate.db", 200_000)
    await idle.start()
    before = resident(idle)
    wanted = {"filter": {"run_type": "rare", "subscription": "billing"}}
    assert await post(idle, "/v1/replays", {"filter": {}, "dry_run": True}) == {"matched": 200_001}
    replay = await post(idle, "/v1/replays", wanted, 202)
    done = await ended(idle, replay)
    assert (done["matched"], done["delivered"]) == (100, 100)
    everything = await post(idle, "/v1/replays", {"filter": {}, "rate_per_second": 100}, 202)

    async def under_way() -> bool:
        return int((await idle.get(f"/v1/replays/{everything['id']}"))["delivered"]) > 200

    await eventually(under_way, what="it is under way")
    await post(idle, f"/v1/replays/{everything['id']}/cancel", {})
    grown = {name: now - before[name] for name, now in resident(idle).items()}
    assert all(bytes_ < 48 << 20 for bytes_ in grown.values()), grown


def fill(path: Path, count: int) -> None:
    """Copies of the one event and delivery that are there, under ids of their own."""
    with sqlite3.connect(path) as connection:
        connection.execute(
            """
            WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
            INSERT INTO events (namespace, id, run_id, run_type, status, attempt, retry_pending,
                final, received_at, origin, body_size, body_sha256, body)
            SELECT namespace, printf('evt_1%025d', i), printf('tsk_fill_%d', i),
                iif(i % 2000 = 0, 'rare', run_type), status, 0, 0, 1, received_at, origin, body_size,
                body_sha256, body
            FROM events, n
            """,
            (count,),
        )
        connection.execute(
            """
            WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
            INSERT INTO deliveries (namespace, id, event_id, run_id, subscription, lane, state,
                ending, attempts, created_at, ended_at, body_size, outcome)
            SELECT namespace, printf('dlv_1%025d', i), printf('evt_1%025d', i),
                printf('tsk_fill_%d', i), subscription, lane, 'exhausted', 'attempts_used_up', 1,
                created_at, created_at, body_size, 'timeout'
            FROM deliveries, n
            """,
            (count,),
        )
    connection.close()


def resident(gateway: Gateway) -> dict[str, int]:
    """Bytes that the gateway and its writer hold for themselves."""
    assert gateway.process is not None
    [writer, *_] = gateway.writer_pids()
    return {"gateway": private(gateway.process.pid), "writer": private(writer)}


def private(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    [anonymous] = [line.split()[1] for line in lines if line.startswith("RssAnon:")]
    return int(anonymous) * 1024
