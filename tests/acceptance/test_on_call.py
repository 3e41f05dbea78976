"""A receiver was down: the words of docs/operations.md, as they stand there, in a shell with curl."""

import asyncio
import json
import os
import re
import shutil
import time
from typing import Any

import pytest

from tests.acceptance.harness import ROOT, Gateway, at, eventually
from tests.acceptance.manifests import API_KEY
from tests.acceptance.test_bulk_replay import failed
from tests.receivers import Receiver

FROM, TO = "2026-03-01T10:00:00Z", "2026-03-01T11:00:00Z"


def commands() -> list[str]:
    """The code blocks of the story, in its order."""
    told = (ROOT / "docs/operations.md").read_text().partition("## A receiver was down")[2]
    return re.findall(r"```bash\n(.*?)```", told.partition("\n## ")[0], re.DOTALL)


async def typed(script: str, **variables: str) -> Any:
    """What bash prints for a block. An error, and anything but JSON, fails."""
    shell = await asyncio.create_subprocess_exec(
        "bash", "-ceu", script, env={**os.environ, **variables}, stdout=asyncio.subprocess.PIPE
    )
    printed, _ = await asyncio.wait_for(shell.communicate(), 60)
    assert shell.returncode == 0, script
    return json.loads(printed)


@pytest.mark.skipif(
    not (shutil.which("curl") or os.environ.get("CI")), reason="the story is told in curl"
)
async def test_every_command_of_the_story_does_what_is_said(
    idle: Gateway, receiver: Receiver
) -> None:
    await idle.start()
    since = time.time() - 1  # noqa: TID251  # the gateway's clock
    runs = await failed(idle, receiver, "invoices", 20)
    look, count, begin, steer, cancel = (
        command.replace(FROM, _told(since)).replace(TO, _told(since + 3600))
        for command in commands()
    )
    watch, pause = steer.splitlines()
    begin = begin.replace('"rate_per_second": 50', '"rate_per_second": 3')  # time to pause it
    here = {"GATEWAY": idle.url(""), "KEY": API_KEY}
    items = (await typed(look, **here))["items"]
    assert {(i["state"], i["outcome"], i["status_code"]) for i in items} == {
        ("exhausted", "client_error", 404)
    }
    assert {item["run_id"] for item in items} == set(runs)
    assert all(item["error"] for item in items)
    assert await typed(count, **here) == {"matched": 20}
    replay = await typed(begin, **here)
    assert (await typed(begin, **here))["id"] == replay["id"], "typed once more it is the same"
    here["ID"] = replay["id"]
    assert (await typed(pause, **here))["state"] == "paused"
    assert (await typed(pause.replace("/pause", "/resume"), **here))["id"] == replay["id"]
    done = await eventually(lambda: _completed(watch, here), what="the replay is over")
    assert (done["matched"], done["sent"], done["delivered"]) == (20, 20, 20)
    assert len(at(receiver, "/slow")) == 20
    assert await typed(cancel, **here) == {"matched": 0}


async def _completed(watch: str, here: dict[str, str]) -> Any:
    shown = await typed(watch, **here)
    return shown if shown["state"] == "completed" and not shown["remaining"] else None


def _told(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
