"""The gateway's health feed, in virtual time."""

import asyncio

import pytest

from hookgate_operator.declarations import Handed, Ledger, Place
from hookgate_operator.ports import (
    EndpointStanding,
    GatewayAwaited,
    GatewayUnavailable,
    HealthChanges,
    HealthReading,
    HeldKind,
    Standing,
)
from hookgate_operator.subscriptions.health import HealthFeed
from tests.controlplane.worlds import Recorder, key

pytestmark = pytest.mark.looptime

NAME = ("shop", "invoices")
PLACE = Place(HeldKind.SUBSCRIPTION, *NAME)
FAILING = HealthReading(state="failing")


class Told:
    """Answers as it is told to, then waits for ever."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = []

    async def health(self, token):
        self.asked.append((token, asyncio.get_running_loop().time()))
        if not self.answers:
            await asyncio.Event().wait()
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


class Followed:
    def __init__(self, *answers):
        self.gateway = Told(*answers)
        self.ledger = Ledger()
        self.woken = []
        self.resyncs = 0
        self.seen = Recorder()
        self.feed = HealthFeed(
            self.gateway,
            self.ledger,
            wake=lambda which: self.woken.append(which.name),
            resync=self.resync,
            observer=self.seen,
        )

    def resync(self):
        self.resyncs += 1

    def record(self, name="invoices", kind=HeldKind.SUBSCRIPTION, **standing):
        values = {"fingerprint": "f", "resolved": True} | standing
        handed = Handed(
            key=key(name), uid="u", version="1", fingerprint="f", standing=Standing(**values)
        )
        self.ledger.record(Place(kind, "shop", name), handed)

    async def follow(self, seconds=600):
        task = asyncio.create_task(self.feed.run())
        await asyncio.sleep(seconds)
        assert not task.done()
        task.cancel()


def changes(readings=None, removed=(), *, full=False, token="t"):
    return HealthChanges(token=token, full=full, readings=readings or {}, removed=removed)


async def test_it_asks_with_the_last_token():
    followed = Followed(changes(full=True, token="one"), changes(token="two"))
    await followed.follow()
    assert [token for token, _ in followed.gateway.asked] == [None, "one", "two"]


async def test_what_changed_is_remembered_and_wakes_its_object_once():
    followed = Followed(changes({NAME: FAILING}), changes({NAME: FAILING}))
    await followed.follow()
    assert followed.ledger.health(NAME) == FAILING
    assert followed.woken == ["invoices"]
    assert followed.resyncs == 0


async def test_another_process_of_the_gateway_makes_a_resync_and_forgets_what_it_has_not():
    followed = Followed(changes({NAME: HealthReading()}, full=True))
    followed.record("invoices")
    followed.record("lost")
    followed.record("a-key", HeldKind.API_KEY)
    await followed.follow()
    assert followed.resyncs == 1
    assert followed.woken == ["lost"]
    assert {place.name for place in followed.ledger.everything()} == {"invoices", "a-key"}


async def test_what_is_removed_is_forgotten_and_looked_at():
    followed = Followed(changes(removed=[NAME]))
    followed.record()
    await followed.follow()
    assert followed.ledger.get(PLACE) is None
    assert followed.woken == ["invoices"]


ALLOWED, REFUSED = EndpointStanding(True), EndpointStanding(False)


@pytest.mark.parametrize(
    ("hold", "standing", "is_doubted"),
    [
        (None, {"endpoint": ALLOWED}, False),
        (None, {"endpoint": REFUSED}, True),
        (None, {"resolved": False}, True),
        ("Unresolved", {"resolved": False}, False),
        ("Unresolved", {"endpoint": ALLOWED}, True),
        ("EndpointForbidden", {"endpoint": ALLOWED}, True),
        ("EndpointForbidden", {"endpoint": REFUSED}, False),
        ("Gone", {"endpoint": ALLOWED}, False),
        ("Suspended", {"resolved": False}, False),
    ],
)
async def test_a_gateway_that_judges_otherwise_now_is_asked_how_it_stands(
    hold, standing, is_doubted
):
    followed = Followed(changes({NAME: HealthReading(state="healthy", hold=hold)}))
    followed.record(**standing)
    await followed.follow()
    assert followed.ledger.get(PLACE).is_current is not is_doubted


async def test_a_gateway_that_may_be_starting_is_nothing_to_warn_of():
    yet, away = GatewayAwaited("not yet"), GatewayUnavailable("no answer")
    followed = Followed(yet, yet, away, yet, changes(full=True))
    await followed.follow()
    assert followed.seen.of("event") == [
        ("gateway_health_unread", {"message": "not yet"}),
        ("gateway_health_unread", {"message": "not yet"}),
        ("gateway_answers_again",),
    ]
    assert [fields["message"] for _, fields in followed.seen.of("warning")] == ["no answer"]
    reachable = [value for (value,) in followed.seen.of("gateway_reachable")]
    assert reachable == [False, False, False, False, True], (
        "metric and readiness tell from the first"
    )


async def test_a_gateway_that_is_away_is_asked_less_and_less():
    away = [GatewayUnavailable("no answer") for _ in range(7)]
    followed = Followed(*away, GatewayUnavailable("busy", 100.0), changes())
    await followed.follow()
    gaps = [round(at) for _, at in followed.gateway.asked]
    assert gaps == [0, 1, 3, 7, 15, 31, 61, 91, 191, 191]
    assert [fields["message"] for _, fields in followed.seen.of("warning")] == ["no answer", "busy"]
    assert [name for name, *_ in followed.seen.of("event")] == ["gateway_answers_again"]
    assert followed.resyncs == 1
    reachable = [value for (value,) in followed.seen.of("gateway_reachable")]
    assert reachable == [False] * 8 + [True]


async def test_answers_without_end_do_not_make_a_hot_loop():
    followed = Followed(*[changes(full=True) for _ in range(1000)])
    await followed.follow(seconds=10)
    assert len(followed.gateway.asked) <= 51
