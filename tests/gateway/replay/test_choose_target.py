"""Where a replay goes."""

import pytest

from hookgate_gateway.catalogue.snapshot import Snapshot
from hookgate_gateway.contract import Subscription
from hookgate_gateway.replay.once import (
    Ambiguous,
    Choice,
    NothingToSendTo,
    UnknownSubscription,
    Wish,
    choose_target,
    lane_of,
    live_subscriptions,
)
from hookgate_gateway.rules.delivery import Hold, HoldReason, KeyRef, Namespace, Target
from hookgate_gateway.rules.lane import LaneLimits
from hookgate_gateway.rules.matching import MatchRule
from hookgate_gateway.rules.retry import RetryPolicy
from tests.gateway.api.test_run_shapes import run

CALLER = KeyRef("team", "0" * 16)
CREATOR = KeyRef("other", "f" * 16)
OWN = "https://a.example/"
THERE = "https://b.example/"


@pytest.mark.parametrize(
    ("own", "override", "named", "got", "expected"),
    [
        (OWN, THERE, None, {"a"}, Target(url=THERE, key=CALLER)),
        (OWN, THERE, "a", {"a"}, Target(url=THERE, key=CALLER)),
        (OWN, None, "b", {"a"}, Target(subscription="b")),
        (OWN, None, "gone", {"a"}, UnknownSubscription("gone")),
        (OWN, None, None, {"a", "b"}, Target(url=OWN, key=CREATOR)),
        (None, None, None, {"a"}, Target(subscription="a")),
        (None, None, None, {"a", "gone"}, Target(subscription="a")),
        (None, None, None, {"b", "a"}, Ambiguous(("a", "b"))),
        (None, None, None, {"gone"}, NothingToSendTo()),
        (None, None, None, set(), NothingToSendTo()),
    ],
)
def test_the_choice(
    own: str | None, override: str | None, named: str | None, got: set[str], expected: Choice
) -> None:
    wish = Wish(key=CALLER, override=override, subscription=named)
    record = run(webhook_url=own, key=CREATOR)
    assert choose_target(record, wish, got=got, live={"a", "b", "c"}) == expected


def test_a_run_that_remembers_no_key_is_signed_with_the_callers() -> None:
    chosen = choose_target(run(webhook_url=OWN, key=None), Wish(key=CALLER), got=(), live=())
    assert chosen == Target(url=OWN, key=CALLER)


def test_lanes() -> None:
    shop = Namespace("shop")
    assert lane_of(shop, Target(subscription="a")) == "s/shop/a"
    assert lane_of(shop, Target(url="https://B.example/x")) == "r/shop/https://b.example:443"


def test_deleted_subscriptions_and_those_of_others_are_not_live() -> None:
    def made(namespace: str, name: str, reason: HoldReason | None = None) -> Subscription:
        return Subscription(
            namespace=Namespace(namespace),
            name=name,
            match=MatchRule(),
            endpoint=None,
            signing=None,
            retry=RetryPolicy(),
            limits=LaneLimits(),
            hold=Hold(reason, 0.0) if reason else None,
        )

    all_ = [
        made("shop", "a"),
        made("shop", "b", HoldReason.SUSPENDED),
        made("shop", "c", HoldReason.DELETED),
        made("other", "d"),
    ]
    snapshot = Snapshot(subscriptions={(s.namespace, s.name): s for s in all_})
    assert live_subscriptions(snapshot, Namespace("shop")) == {"a", "b"}
