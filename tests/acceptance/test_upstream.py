"""A Skyvern server runs the runs, the real command in between: from the client's call to its webhook."""

import functools
import json
import os
import signal
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from tests.acceptance.harness import (
    Gateway,
    Reply,
    arrivals,
    at,
    clean_environment,
    command,
    leaks,
)
from tests.acceptance.manifests import API_KEY
from tests.acceptance.signatures import assert_skyvern
from tests.gateway.upstream.skyvern import KEY, Skyvern, hang, skyvern
from tests.receivers import Receiver


@pytest.fixture(name="server")
async def _server() -> AsyncIterator[Skyvern]:
    async with skyvern() as it:
        yield it


@pytest.fixture(name="forwarding")
async def _forwarding(idle: Gateway, server: Skyvern) -> Gateway:
    """A started gateway with that upstream."""
    idle.settings |= settings(idle.home, server.url, idle.url(""))
    await idle.start()
    return idle


def settings(home: Path, upstream: str, public: str) -> dict[str, str]:
    file = home / "upstream-api-key"
    file.write_text(f"{KEY}\n")
    return {
        "upstream_url": upstream,
        "upstream_api_key_file": str(file),
        "public_url": f"{public}/",
    }


async def test_from_the_call_to_the_clients_webhook(
    forwarding: Gateway, server: Skyvern, receiver: Receiver
) -> None:
    hook = receiver.url("switch/hook")
    asked = {"prompt": "buy milk", "webhook_url": hook, "url": None}
    created = (await forwarding.call("POST", "/v1/run/tasks", json=asked)).json()
    run_id = created["run_id"]
    assert (created["status"], created["run_request"]["webhook_url"]) == ("queued", hook)
    told = server.runs[run_id]["run_request"]["webhook_url"]
    assert told.startswith(forwarding.url("/v1/ingest/default/upstream?asked=ask_"))
    assert await server.report(run_id) == [200, 200, 200]
    [request] = await arrivals(receiver, 1)
    assert json.loads(request.body)["output"] == {"price": 9}
    assert_skyvern(request, API_KEY)
    await forwarding.delivery_of(run_id, state="delivered")
    shown = await forwarding.get(f"/v1/runs/{run_id}")
    assert (shown["status"], shown["webhook_failure_reason"]) == ("completed", None)
    assert len(at(receiver)) == 1
    assert not leaks(forwarding.log_text(), KEY, API_KEY)


async def test_a_run_outlives_the_gateway_that_created_it(
    forwarding: Gateway, server: Skyvern, receiver: Receiver
) -> None:
    asked = {"prompt": "a", "webhook_callback_url": receiver.url("switch/hook")}
    run_id = (await forwarding.call("POST", "/api/v1/tasks", json=asked)).json()["task_id"]
    forwarding.kill()
    await forwarding.start()
    (forwarding.home / "upstream-api-key").write_text(f"another-key-0123456789\n{KEY}\n")
    assert await server.report(run_id, times=1) == [200]
    await arrivals(receiver, 1)
    assert (await forwarding.get(f"/v1/runs/{run_id}"))["status"] == "completed"
    assert forwarding.logged("upstream_away")[0]["code"] == "upstream_key_refused"


async def ask(gateway: Gateway, receiver: Receiver) -> Reply:
    asked = {"prompt": "a", "webhook_url": receiver.url("switch/hook")}
    headers = {"Idempotency-Key": "the-same"}
    return await gateway.call("POST", "/v1/run/tasks", json=asked, headers=headers)


async def before_the_answer(gateway: Gateway, _: web.Request) -> None:
    """The upstream has made the run."""
    gateway.kill()


async def before_the_adoption(gateway: Gateway, request: web.Request) -> None:
    """The gateway has read the answer, and what it writes of it stays unread: its writer is stopped."""
    [writer] = gateway.writer_pids()
    os.kill(writer, signal.SIGSTOP)
    answer = web.json_response({"run_id": "tsk_upstream_1", "status": "queued"})
    await answer.prepare(request)
    await answer.write_eof()

    try:
        await hang()
    finally:  # cancelled as soon as the gateway has closed its end
        gateway.kill()
        os.kill(writer, signal.SIGKILL)


@pytest.mark.parametrize("killed", [before_the_answer, before_the_adoption])
@pytest.mark.parametrize("status", ["running", "completed"])
async def test_a_kill_while_a_run_is_made_loses_no_webhook(
    forwarding: Gateway, server: Skyvern, receiver: Receiver, killed: Any, status: str
) -> None:
    server.after = functools.partial(killed, forwarding)
    with pytest.raises(aiohttp.ClientError):
        await ask(forwarding, receiver)
    server.after = None
    await forwarding.start()
    assert await forwarding.get("/v1/runs") == []
    assert (await ask(forwarding, receiver)).status == 409  # nobody knows: it is not made twice
    [run_id] = server.runs
    assert await server.report(run_id, status) == [200, 200, 200]
    again = await ask(forwarding, receiver)
    assert (again.status, again.json()["run_id"]) == (200, run_id)
    if status == "running":
        await server.report(run_id)
    [request] = await arrivals(receiver, 1)
    assert json.loads(request.body)["run_id"] == run_id
    assert_skyvern(request, API_KEY)
    await forwarding.delivery_of(run_id, state="delivered", subscription=None)
    shown = await forwarding.get(f"/v1/runs/{run_id}")
    assert shown["run_request"]["webhook_url"] == receiver.url("switch/hook")
    assert [run["run_id"] for run in await forwarding.get("/v1/runs")] == [run_id]
    assert len(forwarding.logged("upstream_run_known_by_report")) == 1


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"upstream_api_key_file": None}, ["HOOKGATE_UPSTREAM_URL needs HOOKGATE_UPSTREAM_API_KEY_FILE"]),
        ({"public_url": None}, ["HOOKGATE_UPSTREAM_URL needs HOOKGATE_PUBLIC_URL"]),
        ({"upstream_url": None}, ["HOOKGATE_UPSTREAM_API_KEY_FILE", "set both or none"]),
        ({"upstream_url": "http://gate.example/"}, ["HOOKGATE_UPSTREAM_URL", "in a circle"]),
        ({"upstream_api_key_file": "nowhere"}, ["HOOKGATE_UPSTREAM_API_KEY_FILE", "cannot be read"]),
        ({"upstream_url": "skyvern:8000"}, ["HOOKGATE_UPSTREAM_URL", "http://"]),
        ({"public_url": "http://gate.example/?a=1"}, ["HOOKGATE_PUBLIC_URL", "without a query"]),
    ],
    ids=str,
)  # fmt: skip
def test_settings_that_do_not_fit_are_one_line(
    idle: Gateway, changed: dict[str, str | None], words: list[str]
) -> None:
    wanted = {
        **idle.settings,
        "log_level": "info",
        **settings(idle.home, "http://skyvern.example", "http://gate.example"),
        **changed,
    }
    done = subprocess.run(
        command(),
        env=clean_environment(**{k: v for k, v in wanted.items() if v is not None}),
        cwd=idle.home,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    lines = (done.stdout + done.stderr).splitlines()
    assert done.returncode in (1, 2), lines
    assert len(lines) == 1, lines
    assert all(word in lines[0] for word in words), lines
    assert KEY not in lines[0]
