"""
Everything that is hard on memory at once, in a cgroup with the limit that the chart demands: nobody is killed,
and whatever was promised is delivered.
"""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from tests.acceptance.harness import Gateway, eventually, gateway
from tests.acceptance.manifests import SIGNING_SECRET, api_key, secret, subscription
from tests.faults.crowd import LARGEST, Crowd, costly_report, plain_report
from tests.faults.memory import MemoryGroup, memory_group
from tests.gateway.upstream.skyvern import KEY, Skyvern, skyvern
from tests.receivers import Receiver

MIB = 1024 * 1024
BODY_MEMORY = 320 * MIB
"""More than the least for reports of 8 MiB (160 MiB), and a fraction of what comes."""
LIMIT = BODY_MEMORY + 30 * LARGEST + 256 * MIB
"""What the chart demands for it (charts/hookgate/templates/validate/_memory.tpl)."""
NAMESPACES = {name: f"key-of-{name}-0123456789abcdef" for name in ("north", "south", "west")}
HOOKS = ("a", "b", "c")
UPLOADS, REPORTS, COSTLY, READERS, LOOKS = 60, 45, 3, 45, 12
REPORTING, UPLOADING = 5.0, 3.0
"""Seconds until the uploads come, which leave little room for reports, and until all is over: at the least."""
ENOUGH = 5
"""Reports that are promised before the uploads come, however slow the machine is."""


@pytest.mark.timeout(240)
async def test_nobody_is_killed_for_memory(tmp_path: Path, receiver: Receiver) -> None:
    async with _crowded(tmp_path, receiver) as (it, group, server):
        crowd = Crowd(it.port)
        event_id, run_id = await _before(it, crowd, server)
        await _press(it, crowd, event_id, run_id)
        assert group.killed() == 0, crowd.answers
        resident = sum(resident_peak(pid) for pid in (it.process.pid, *it.writer_pids()))
        # What the group holds beside them is page cache, which is given up when it is asked for.
        assert resident < LIMIT, (resident, group.peak_bytes())
        assert len(crowd.promised) >= ENOUGH, crowd.answers
        assert crowd.answers[503] > 0, "there was more than it may hold"
        receiver.script = dict.fromkeys(receiver.script, "ok200")
        await _all_delivered(it, crowd)
        assert group.killed() == 0
        assert it.logged("store_writer_died") == []


@asynccontextmanager
async def _crowded(
    home: Path, receiver: Receiver
) -> AsyncIterator[tuple[Gateway, MemoryGroup, Skyvern]]:
    """A gateway in its group: three tenants with three receivers each that hang, and an upstream."""
    async with AsyncExitStack() as stack:
        group = stack.enter_context(memory_group(LIMIT))
        server = await stack.enter_async_context(skyvern())
        (home / "upstream-key").write_text(f"{KEY}\n")
        it = await stack.enter_async_context(
            gateway(
                home,
                log_level="info",
                body_memory_bytes=str(BODY_MEMORY),
                upstream_url=server.url,
                upstream_api_key_file=str(home / "upstream-key"),
                public_url="http://gateway.example",
            )
        )
        for namespace, key in NAMESPACES.items():
            it.manifests.write(
                namespace,
                api_key(namespace, key),
                secret("signing", namespace, secret=SIGNING_SECRET),
                *(_hook(receiver, namespace, name) for name in HOOKS),
            )
        await it.start(preexec_fn=group.enter)
        yield it, group, server


def _hook(receiver: Receiver, namespace: str, name: str) -> dict[str, object]:
    receiver.script[f"{namespace}-{name}"] = "hang"
    return subscription(
        name,
        receiver.url(f"switch/{namespace}-{name}"),
        namespace=namespace,
        timeout=5,
        retry=(1,) * 20,
        delivery={"maxInFlight": 64},
    )


async def _before(it: Gateway, crowd: Crowd, server: Skyvern) -> tuple[str, str]:
    """An event whose body is large, and a run of which the upstream will say much."""
    key = NAMESPACES["north"]
    await crowd.report(key, "tsk_first", plain_report("tsk_first"))
    [event] = (await it.get("/v1/events?limit=1", key=key))["items"]
    reply = await it.post("/v1/run/tasks", b'{"prompt": "look"}', key=key)
    assert reply.status == 200, reply
    run_id = reply.json()["run_id"]
    told = json.dumps({**server.runs[run_id], "output": "x" * (LARGEST * 3 // 2)}).encode()

    async def much() -> web.Response:
        return web.Response(body=told, content_type="application/json")

    server.answer = much
    return event["id"], run_id


async def _press(it: Gateway, crowd: Crowd, event_id: str, run_id: str) -> None:
    """All of them for some seconds, and until enough was promised and refused."""
    keys = itertools.cycle(NAMESPACES.values())
    north = NAMESPACES["north"]
    plain = [f"tsk_plain_{n}" for n in range(REPORTS)]
    costly = [f"tsk_costly_{n}" for n in range(COSTLY)]
    async with asyncio.TaskGroup() as group:
        for run in plain:
            group.create_task(crowd.report(next(keys), run, plain_report(run)))
        for run in costly:
            group.create_task(crowd.report(next(keys), run, costly_report(run)))
        for _ in range(READERS):
            group.create_task(crowd.ask_and_never_read(north, f"/v1/events/{event_id}/body"))
        for _ in range(LOOKS):
            group.create_task(crowd.ask_and_never_read(north, f"/v1/runs/{run_id}"))
        await asyncio.sleep(REPORTING)
        await eventually(
            lambda: _holds(len(crowd.promised) >= ENOUGH), within=60, what="enough is promised"
        )
        for _ in range(UPLOADS):
            group.create_task(crowd.upload_slowly(next(keys)))
        await asyncio.sleep(UPLOADING)
        await eventually(
            lambda: _holds(crowd.answers[503] > 0), within=30, what="somebody is refused"
        )
        crowd.over.set()


async def _holds(truth: bool) -> bool:
    return truth


async def _all_delivered(it: Gateway, crowd: Crowd) -> None:
    """Each of the promised, to each receiver of its tenant."""

    async def ended() -> bool:
        for key in NAMESPACES.values():
            if await it.deliveries("?state=pending&limit=1", key=key):
                return False
        return True

    await eventually(ended, within=90, what="nothing is pending")
    for run, key in crowd.promised.items():
        found = await it.deliveries(f"?run_id={run}", key=key)
        assert sorted(each["subscription"] for each in found) == list(HOOKS), run
        assert {each["state"] for each in found} == {"delivered"}, run


def resident_peak(pid: int) -> int:
    """The most that a process had in memory, in bytes."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))
