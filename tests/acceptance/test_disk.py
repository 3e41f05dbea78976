"""A store grows as docs/install.md says that it does."""

import asyncio
import json
import re
from pathlib import Path

import pytest

from tests.acceptance.harness import ROOT, Gateway, eventually, report
from tests.receivers import Receiver

EVENTS = 800
BODY = 1000
TARGETS = 2
AT_ONCE = 64


def said(body: int, deliveries: int) -> int:
    """Bytes of an event by the formula of the documentation."""
    formula = re.search(
        r"^(\d+) \+ body \+ (\d+) × deliveries",
        (ROOT / "docs/install.md").read_text(),
        re.MULTILINE,
    )
    assert formula
    return int(formula[1]) + body + int(formula[2]) * deliveries


def padded(number: int) -> bytes:
    """A report of exactly BODY bytes."""
    fields = report(f"tsk_{number:08d}")
    room = BODY - len(json.dumps({**fields, "output": ""}))
    return json.dumps({**fields, "output": "x" * room}).encode()


def stored(home: Path) -> int:
    return sum(file.stat().st_size for file in home.glob("hookgate.db*"))


async def test_an_event_takes_what_the_formula_says(idle: Gateway, receiver: Receiver) -> None:
    for number in range(TARGETS):
        url = receiver.url("ok200/hook")
        idle.manifests.subscription(f"to-{number}", url, delivery={"maxInFlight": AT_ONCE})
    await idle.start()
    empty = stored(idle.home)
    one_of = asyncio.Semaphore(AT_ONCE)

    async def post(number: int) -> None:
        async with one_of:
            await idle.accepted(padded(number))

    async def all_delivered() -> bool:
        name = "hookgate_webhooks_delivered_total"
        return await idle.total(name, result="delivered") == EVENTS * TARGETS

    await asyncio.gather(*map(post, range(EVENTS)))
    await eventually(all_delivered, within=60)
    assert await idle.stop() == 0
    taken = (stored(idle.home) - empty) / EVENTS
    assert taken == pytest.approx(said(BODY, TARGETS), rel=0.15)
