"""Many subscriptions, and deaths at every moment."""

import asyncio

import pytest

from hookgate_operator.ports import HeldKind, Kind
from tests.controlplane.heart import Heart
from tests.controlplane.worlds import found, key, spec

pytestmark = pytest.mark.looptime


async def test_a_thousand_subscriptions_that_share_fifty_secrets():
    heart = Heart()
    for number in range(50):
        heart.cluster.secrets["shop", f"s{number}"] = found(secret=f"the long value {number}")
    async with heart.beating():
        for number in range(1000):
            heart.queue.add(heart.cluster.apply(f"n{number}", spec=spec(f"s{number % 50}")))
        await asyncio.sleep(1)
        assert heart.cluster.asked["write_status"] == 1000
        assert heart.gateway.asked["put"] == 1000

        for number in range(1000):  # the watch tells of the operator's own writes
            heart.queue.add(key(f"n{number}"))
        await asyncio.sleep(1)
        before = heart.cluster.asked["find"]
        for _ in range(3):
            await heart.resync.once()
            await asyncio.sleep(1)
        assert heart.cluster.asked["write_status"] == 1000
        assert heart.gateway.asked["put"] == 1000
        assert heart.cluster.asked["find"] == before

        heart.change_secret("s7", found(secret="a rotated long value"))
        await asyncio.sleep(1)
        assert heart.gateway.asked["put"] == 1020
        assert heart.cluster.asked["write_status"] == 1020


async def test_what_the_gateway_lost_is_handed_over_again_without_a_write():
    heart = Heart()
    heart.cluster.secrets["shop", "billing"] = found(secret="value")
    async with heart.beating():
        for number in range(100):
            heart.queue.add(heart.cluster.apply(f"n{number}", spec=spec()))
        await asyncio.sleep(1)
        heart.gateway.declared.clear()
        await heart.resync.once()
        await asyncio.sleep(1)
    assert len(heart.gateway.declared) == 100
    assert heart.cluster.asked["write_status"] == 100


async def test_a_gateway_that_comes_back_finds_everybody_waiting():
    heart = Heart()
    heart.cluster.secrets["shop", "billing"] = found(secret="value")
    heart.gateway.is_down = True
    async with heart.beating():
        for number in range(100):
            heart.queue.add(heart.cluster.apply(f"n{number}", spec=spec()))
        await asyncio.sleep(600)
        heart.gateway.is_down = False
        requests = heart.gateway.asked["put"]
        await asyncio.sleep(61)
    assert len(heart.gateway.declared) == 100
    assert heart.cluster.asked["write_status"] == 200
    assert requests < 100 * 30


class Killed(BaseException):
    """The process ends here."""


def mortal(world, calls, deadline):
    """A world whose requests end the process from the ``deadline``-th on, before or after they were done."""

    class Mortal:
        def __getattr__(self, name):
            method = getattr(world, name)

            async def call(*arguments):
                calls.append(name)
                if len(calls) == deadline:
                    raise Killed
                answer = await method(*arguments)
                if len(calls) == deadline - 1 and deadline % 2:
                    raise Killed
                return answer

            return call

    return Mortal()


def applied(heart):
    heart.cluster.secrets["shop", "billing"] = found(secret="value")
    heart.cluster.apply("stays", spec=spec())
    heart.cluster.apply("missing", spec=spec("nowhere"))
    heart.cluster.apply_key("key", {"hookgate.dev/api-key": "true"}, {"api-key": b"k" * 24})


NAMES = [key("stays"), key("goes"), key("missing"), key("key", Kind.KEY_SECRET)]


@pytest.mark.parametrize("deadline", range(1, 24))
async def test_killed_at_any_request_and_restarted_the_end_is_the_same(deadline):
    heart = Heart()
    heart.cluster.secrets["shop", "billing"] = found(secret="old value")
    heart.cluster.apply("goes", spec=spec())
    await heart.reconcile(key("goes"))
    applied(heart)
    del heart.cluster.objects[key("goes")]
    calls = []
    dying = Heart(
        mortal(heart.cluster, calls, deadline), mortal(heart.gateway, calls, deadline)
    )  # fmt: skip
    try:
        await dying.reconcile(*NAMES)
    except Killed:
        pass
    else:
        assert deadline > len(calls)
    next_life = Heart(heart.cluster, heart.gateway)
    async with next_life.beating():
        for which in (*heart.cluster.objects, key("goes")):
            next_life.queue.add(which)
        await asyncio.sleep(1)
        await next_life.resync.once()
        await asyncio.sleep(1)
    assert sorted(heart.gateway.declared) == [
        (HeldKind.API_KEY, "shop", "key"),
        (HeldKind.SUBSCRIPTION, "shop", "missing"),
        (HeldKind.SUBSCRIPTION, "shop", "stays"),
    ]
    assert heart.cluster.reason(key("stays"), "Ready") == "Ready"
    assert heart.cluster.reason(key("missing"), "Ready") == "SecretsUnresolved"
    ready = [name for name, _, reason in heart.cluster.announced if reason == "Ready"]
    assert ready.count("stays") <= 1
