"""The reference of the control API says what the gateway does."""

import json
import re
from pathlib import Path

import pytest

from hookgate_gateway.settings import SETTINGS
from tests.gateway.api.control.world import Control

TEXT = (Path(__file__).parents[4] / "docs/reference/control-api.md").read_text()
PUT, STANDS, REPLAY_PUT, REPLAY, CHANGES = (
    json.loads(block) for block in re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL)
)


@pytest.mark.asyncio(loop_scope="module")
async def test_the_examples_are_real(control: Control) -> None:
    told = await control.put("shop/subscriptions/invoices", PUT)
    assert told.keys() == STANDS.keys()
    for name in ("keys", "endpoint", "health"):
        shown, real = STANDS[name], told[name]
        pairs = zip(shown, real, strict=True) if isinstance(shown, list) else [(shown, real)]
        assert all(one.keys() == other.keys() for one, other in pairs)
    changes = await control.get("health")
    assert changes.keys() == CHANGES.keys()
    assert changes["items"][0].keys() == CHANGES["items"][0].keys()


@pytest.mark.asyncio(loop_scope="module")
async def test_the_examples_of_a_replay_are_real(control: Control) -> None:
    await control.put("shop/subscriptions/invoices", PUT)
    told = await control.put(f"shop/replays/{REPLAY['id']}", REPLAY_PUT)
    assert told.keys() == REPLAY.keys()
    declared = ("id", "namespace", "owner", "filter", "to_subscription", "rate_per_second")
    assert [told[name] for name in declared] == [REPLAY[name] for name in declared]
    ends = ("delivered", "failed", "skipped", "remaining")
    assert REPLAY["matched"] == sum(REPLAY[name] for name in ends)


def test_every_setting_it_names_is_one() -> None:
    assert set(re.findall(r"HOOKGATE_\w+", TEXT)) <= SETTINGS.known()
