"""What a subscription's life does to its deliveries."""

import asyncio
from dataclasses import replace

import pytest

from hookgate.deliveries import Outcome
from hookgate.signing import SigningScheme
from hookgate_gateway.contract import Endpoint, Signing
from hookgate_gateway.rules.delivery import Ending
from hookgate_gateway.rules.lane import LaneLimits
from hookgate_gateway.rules.retry import RetryPolicy
from tests.gateway.dispatch.fakes import (
    DELETED,
    EPOCH,
    GONE,
    LANE,
    SUSPENDED,
    World,
    api_key,
    hangs,
    held,
    in_turn,
    ok,
    running,
    status,
    subscription,
    takes,
)

pytestmark = pytest.mark.looptime
ONE = LaneLimits(max_in_flight=1)


def states(world):
    return sorted(world.backlog.state.values())


async def test_suspended_ones_wait_and_resume_sends_all():
    plain = subscription()
    async with running(held(plain, SUSPENDED)) as world:
        assert world.dispatcher.parks(LANE)
        world.accept(*[world.make() for _ in range(700)])
        world.backlog.add(world.make())  # came due meanwhile
        await asyncio.sleep(100)
        assert world.sender.sent == []
        world.catalogue.swap(plain)
        await asyncio.sleep(1)
        assert len(world.backlog.of("delivered")) == 701
        assert not world.dispatcher.parks(LANE)


async def test_a_suspension_takes_what_waits_out_of_memory():
    plain = subscription(limits=ONE)
    async with running(plain) as world:
        world.sender.script[LANE] = takes(1)
        world.accept(*[world.make() for _ in range(10)])
        await asyncio.sleep(2.5)
        world.catalogue.swap(held(plain, SUSPENDED))
        await asyncio.sleep(10)
        assert len(world.sender.sent) == 3  # the third was in flight and finished
        assert world.dispatcher.waiting_bytes == 0
        assert len(world.backlog.parked) == 7
        world.catalogue.swap(plain)
        await asyncio.sleep(10)
        assert states(world) == ["delivered"] * 10


async def test_a_retry_keeps_its_time_through_a_hold():
    plain = subscription()
    async with running(plain) as world:
        world.sender.script[LANE] = in_turn(status(500), ok)
        world.accept(world.make())
        await asyncio.sleep(10)
        world.catalogue.swap(held(plain, SUSPENDED))
        await asyncio.sleep(10)
        world.catalogue.swap(plain)
        await asyncio.sleep(100)
        assert world.sender.at(LANE) == pytest.approx([0, 60], abs=0.01)


async def test_410_ends_that_delivery_and_holds_the_others():
    plain = subscription(limits=ONE)
    async with running(plain) as world:
        world.catalogue.on_refresh = lambda: world.catalogue.swap(held(plain, GONE))
        world.sender.script[LANE] = in_turn(status(410), ok)
        world.accept(*[world.make() for _ in range(5)])
        await asyncio.sleep(100)
        assert len(world.sender.sent) == 1
        assert world.backlog.marked_gone == ["invoices"]
        assert world.catalogue.refreshes == 1
        assert world.backlog.ending == {"dlv_000001": Ending.GONE}
        world.accept(world.make())
        await asyncio.sleep(10)
        assert len(world.sender.sent) == 1
        world.catalogue.swap(plain)  # resumed
        await asyncio.sleep(10)
        assert states(world) == ["delivered"] * 5 + ["exhausted"]


async def test_410_from_a_runs_own_url_ends_that_delivery_only():
    url = "https://app.example/hook"
    async with running(keys=[api_key()]) as world:
        world.sender.script[world.make(url).lane] = in_turn(status(410), ok)
        world.accept(*[world.make(url) for _ in range(3)])
        await asyncio.sleep(1)
        assert states(world) == ["delivered", "delivered", "exhausted"]
        assert world.backlog.marked_gone == []


async def test_an_endpoint_edit_resets_breaker_and_connections_and_is_used_at_once():
    plain = subscription(limits=ONE)
    async with running(plain) as world:
        world.sender.script[LANE] = status(500)
        world.accept(*[world.make() for _ in range(9)])
        await asyncio.sleep(1)
        assert len(world.sender.sent) == 5
        world.sender.script[LANE] = ok
        edited = replace(plain, endpoint=Endpoint(url="https://new.example/", fingerprint="e2"))
        world.catalogue.swap(edited)
        await asyncio.sleep(1)
        assert [s.url for _, s in world.sender.sent[5:]] == ["https://new.example/"] * 4
        assert world.sender.forgotten == [LANE]
        await asyncio.sleep(100)
        assert states(world) == ["delivered"] * 9


async def test_new_secrets_sign_the_next_attempt_and_a_new_schedule_decides_it():
    plain = subscription()
    async with running(plain) as world:
        world.sender.script[LANE] = status(500)
        world.accept(world.make())
        await asyncio.sleep(30)
        signing = Signing(scheme=SigningScheme.STANDARD_WEBHOOKS, keys=(b"n" * 24,))
        world.catalogue.swap(replace(plain, signing=signing, retry=RetryPolicy(delays=(5.0,))))
        await asyncio.sleep(4000)
        assert world.sender.at(LANE) == pytest.approx([0, 60], abs=0.01)
        assert world.sender.sent[1][1].keys == (b"n" * 24,)
        assert world.sender.sent[1][1].scheme is SigningScheme.STANDARD_WEBHOOKS


async def test_deleted_holds_and_the_same_name_takes_up():
    plain = subscription()
    async with running(plain) as world:
        world.sender.script[LANE] = in_turn(status(500), ok)
        world.accept(world.make())
        await asyncio.sleep(1)
        world.catalogue.swap(held(plain, DELETED))
        await asyncio.sleep(100)
        world.catalogue.swap()  # its trace is gone: still no reason to send or cancel
        await asyncio.sleep(1000)
        assert len(world.sender.sent) == 1
        assert states(world) == ["pending"]
        world.catalogue.swap(plain)
        await asyncio.sleep(1)
        assert states(world) == ["delivered"]


async def test_an_unknown_subscription_holds():
    async with running() as world:
        world.backlog.add(world.make())
        await asyncio.sleep(1000)
        assert world.sender.sent == []
        assert world.backlog.parked == {"dlv_000001"}


async def test_age_counts_from_the_last_resume():
    old = subscription(retry=RetryPolicy(jitter_percent=0.0, max_age=1000.0))
    async with running(old) as world:
        world.sender.script[LANE] = status(500)
        world.accept(world.make(accepted_at=EPOCH - 970))
        await asyncio.sleep(10)
        assert world.backlog.ending == {"dlv_000001": Ending.EXPIRED}
        world.catalogue.swap(replace(old, resumed_at=EPOCH))
        world.accept(world.make(accepted_at=EPOCH - 970))
        await asyncio.sleep(100)
        assert "dlv_000002" not in world.backlog.ending


async def test_without_its_key_a_runs_delivery_is_blocked_never_unsigned_and_comes_back():
    url = "https://app.example/hook"
    async with running() as world:
        world.accept(world.make(url))
        await asyncio.sleep(1)
        assert world.sender.sent == []
        ((_, attempt),) = world.backlog.attempts["dlv_000001"]
        assert attempt.outcome is Outcome.BLOCKED
        world.catalogue.swap(keys=[api_key()])
        await asyncio.sleep(100)
        assert states(world) == ["delivered"]
        assert world.sender.sent[0][1].keys == (b"v" * 24,)


async def test_cancelled_ones_are_not_sent_and_one_in_flight_is_recorded():
    async with running(subscription(limits=ONE)) as world:
        world.sender.script[LANE] = in_turn(takes(5, status(500)), takes(5), ok)
        world.accept(*[world.make() for _ in range(6)])
        await asyncio.sleep(1)
        ids = ["dlv_000001", "dlv_000003", "dlv_000004"]
        for id_ in ids:
            world.backlog.state[id_] = "cancelled"
        world.dispatcher.cancelled(ids)
        await asyncio.sleep(5)
        world.backlog.state["dlv_000002"] = "cancelled"  # in flight, and about to succeed
        world.dispatcher.superseded(["dlv_000002"])
        await asyncio.sleep(1000)
        assert world.backlog.state == {
            "dlv_000001": "cancelled",
            "dlv_000002": "delivered",
            "dlv_000003": "cancelled",
            "dlv_000004": "cancelled",
            "dlv_000005": "delivered",
            "dlv_000006": "delivered",
        }
        assert len(world.backlog.attempts["dlv_000001"]) == 1
        assert not world.backlog.taken


async def test_large_bodies_are_read_at_send():
    async with running(subscription()) as world:
        world.backlog.bodies["shop", "evt_000001"] = b"large"
        world.accept(world.make(body=None, body_size=100_000), world.make(body=None))
        await asyncio.sleep(1)
        assert [s.body for _, s in world.sender.sent] == [b"large"]
        assert world.backlog.attempts["dlv_000002"][0][1].outcome is Outcome.BLOCKED


async def test_a_limit_edit_holds_at_once():
    async with running(subscription()) as world:
        world.sender.script[LANE] = hangs(1.0)
        world.catalogue.swap(subscription(limits=LaneLimits(max_in_flight=9, breaker_failures=0)))
        world.accept(*[world.make() for _ in range(20)])
        await asyncio.sleep(0.5)
        assert world.sender.in_flight[LANE] == 9


async def test_what_the_former_endpoint_answers_says_nothing_about_the_new_one():
    plain = subscription()
    async with running(plain) as world:
        world.sender.script[LANE] = in_turn(takes(5, status(410)), ok)
        world.accept(world.make())
        await asyncio.sleep(1)
        edited = replace(plain, endpoint=Endpoint(url="https://new.example/", fingerprint="e2"))
        world.catalogue.swap(edited)
        await asyncio.sleep(10)
        assert world.backlog.marked_gone == []
        world.accept(world.make())
        await asyncio.sleep(1)
        assert states(world) == ["delivered", "exhausted"]


@pytest.mark.parametrize("parked", [True, False])
async def test_what_is_cancelled_while_it_is_being_taken_is_not_sent(parked):
    world = World(subscription())
    one, two = world.make(), world.make()
    world.backlog.add(one, two, parked=parked)
    world.backlog.answer_delay = 2.0
    async with world.dispatcher:
        await asyncio.sleep(1)
        assert world.backlog.taken == {one.id, two.id}
        world.backlog.state[one.id] = "cancelled"
        world.dispatcher.cancelled([one.id])
        await asyncio.sleep(100)
        assert [shipment.delivery_id for _, shipment in world.sender.sent] == [two.id]
        assert not world.backlog.taken
        assert world.backlog.of("pending") == []
