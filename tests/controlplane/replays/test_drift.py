"""Where gateway and cluster differ: which keys are woken."""

import pytest

from hookgate_operator.ports import GatewayUnavailable, Key, Kind
from hookgate_operator.replays.drift import ReplayDrift
from hookgate_operator.replays.ledger import ReplayLedger
from tests.controlplane.replays.given import KEY, at, condition, replay

FOLLOWED = {"startTime": at(0)}
ENDED = {**FOLLOWED, "conditions": [condition("Complete", "True", "Completed")]}
MINE = ("shop", "again.u-1")
OTHER = Key(Kind.REPLAY, "bank", "gone")


class Gateway:
    """Has these replays."""

    def __init__(self, *places):
        self.places = places

    async def replays(self):
        return self.places


@pytest.mark.parametrize(
    ("objects", "places", "woken"),
    [
        ([], [], set()),
        ([replay()], [], set()),  # it was woken when it came
        ([replay()], [MINE], set()),
        ([replay(status=FOLLOWED)], [MINE], set()),
        ([replay(status=FOLLOWED)], [], {KEY}),  # the gateway lost it
        ([replay(status=ENDED)], [], set()),
        ([replay(status=ENDED)], [MINE], {KEY}),
        ([], [MINE], {KEY}),
        ([replay(uid="u-2")], [MINE], {KEY}),  # made anew
        ([replay(gatewayClass="blue")], [MINE], {KEY}),
        ([replay(metadata={"deletionTimestamp": at(0)})], [MINE], {KEY}),
        ([replay(filter={})], [MINE], {KEY}),
        ([replay(dryRun=True)], [], set()),
        ([replay(status=FOLLOWED)], [MINE, ("bank", "gone.u-9")], {OTHER}),
        ([], [("bank", "not-of-this-make")], set()),
    ],
)
async def test_what_is_looked_at_again(objects, places, woken):
    drift = ReplayDrift(Gateway(*places), ReplayLedger())
    assert await drift.differing({Kind.REPLAY: objects}) == woken


async def test_what_was_found_is_known_to_its_key():
    ledger = ReplayLedger()
    await ReplayDrift(Gateway(MINE, ("shop", "again.u-0")), ledger).differing({Kind.REPLAY: []})
    assert ledger.ids(KEY) == ("again.u-0", "again.u-1")
    ledger.forget(KEY, "again.u-0")
    ledger.forget(KEY, "again.u-0")
    assert ledger.ids(KEY) == ("again.u-1",)
    ledger.forget(KEY, "again.u-1")
    assert ledger.ids(KEY) == ()


async def test_without_a_list_of_objects_nothing_is_an_orphan():
    assert await ReplayDrift(Gateway(MINE), ReplayLedger()).differing({}) == ()


async def test_a_gateway_that_is_away_is_told():
    class Away:
        async def replays(self):
            raise GatewayUnavailable("away")

    with pytest.raises(GatewayUnavailable):
        await ReplayDrift(Away(), ReplayLedger()).differing({Kind.REPLAY: []})
