"""What one attempt looks like now."""

from dataclasses import replace

import pytest

from hookgate.signing import SigningScheme
from hookgate_gateway.contract import Endpoint, Signing, Tls
from hookgate_gateway.dispatch.plan import Blocked, Held, lane_terms, plan, terms
from hookgate_gateway.ports import Shipment
from hookgate_gateway.rules.delivery import Delivery, HoldReason, KeyRef, Kind, Target
from hookgate_gateway.rules.lane import LaneLimits, run_lane, subscription_lane
from hookgate_gateway.rules.retry import ONCE, RetryPolicy
from tests.gateway.dispatch.fakes import EPOCH, api_key, held, snapshot, subscription

URL = "https://app.example/hook"
FULL = Endpoint(
    url="https://billing.example/in",
    headers=(("x-team", "billing"),),
    secret_headers=frozenset({"x-team"}),
    timeout=7.0,
    tls=Tls(server_name="billing"),
)
SIGNING = Signing(scheme=SigningScheme.STANDARD_WEBHOOKS, keys=(b"a" * 24, b"b" * 24))


def delivery(target=Target(subscription="invoices"), **changes):  # noqa: B008 - frozen
    lane = run_lane("shop", target.url) if target.url else subscription_lane("shop", "invoices")
    made = Delivery(
        id="dlv_1",
        namespace="shop",
        event_id="evt_1",
        run_id="tsk_1",
        target=target,
        lane=lane,
        kind=Kind.EVENT,
        attempts=2,
        due=EPOCH,
        accepted_at=EPOCH,
        body=b"{}",
        body_size=2,
    )
    return replace(made, **changes)


def to_run(secret="app", fingerprint="f1"):
    return delivery(Target(url=URL, key=KeyRef(secret, fingerprint)))


def test_a_subscriptions_shipment_is_what_it_says():
    found = plan(delivery(), b"{1}", snapshot(subscription(endpoint=FULL, signing=SIGNING)))
    assert (found.url, found.headers, found.secret_headers) == (
        FULL.url,
        FULL.headers,
        FULL.secret_headers,
    )
    assert (found.timeout, found.tls) == (7.0, FULL.tls)
    assert (found.scheme, found.keys) == (SIGNING.scheme, SIGNING.keys)
    assert (found.body, found.number, found.event_id, found.delivery_id) == (
        b"{1}",
        3,
        "evt_1",
        "dlv_1",
    )
    assert not found.replay
    assert not found.test


@pytest.mark.parametrize("kind", [Kind.REPLAY, Kind.DIRECT])
def test_a_replay_says_so(kind):
    assert plan(delivery(kind=kind), b"", snapshot(subscription())).replay


@pytest.mark.parametrize(
    ("subscriptions", "expected"),
    [
        ([], Held(None)),
        ([subscription(namespace="bank")], Held(None)),
        *[([held(subscription(), reason)], Held(reason)) for reason in HoldReason],
        ([subscription(endpoint=None)], Held(HoldReason.UNRESOLVED)),
        ([subscription(signing=None)], Held(HoldReason.UNRESOLVED)),
        (
            [subscription(signing=Signing(scheme=SigningScheme.SKYVERN, keys=()))],
            Held(HoldReason.UNRESOLVED),
        ),
    ],
)
def test_what_is_held_is_not_sent(subscriptions, expected):
    assert plan(delivery(), b"", snapshot(*subscriptions)) == expected
    assert lane_terms(delivery().lane, snapshot(*subscriptions)).held


@pytest.mark.parametrize(
    ("fingerprint", "key"), [("f1", b"1" * 24), ("f2", b"2" * 24), ("gone", b"2" * 24)]
)
def test_a_runs_delivery_is_signed_with_the_value_that_created_it_else_the_current_one(
    fingerprint, key
):
    keys = [api_key(f2=b"2" * 24, f1=b"1" * 24)]
    found = plan(to_run(fingerprint=fingerprint), b"", snapshot(keys=keys))
    assert found.keys == (key,)
    assert (found.url, found.timeout, found.headers) == (URL, 30.0, ())
    assert found.scheme is SigningScheme.SKYVERN


@pytest.mark.parametrize(
    ("owed", "keys"),
    [
        (to_run(), []),
        (to_run(), [api_key(namespace="bank")]),
        (to_run(), [replace(api_key(), values=())]),
        (delivery(Target(url=URL)), [api_key()]),
    ],
)
def test_nothing_is_ever_sent_unsigned(owed, keys):
    found = plan(owed, b"", snapshot(keys=keys))
    assert isinstance(found, Blocked)
    assert "unsigned" in found.error


def test_no_secret_in_what_is_printed():
    found = plan(delivery(), b"body!", snapshot(subscription()))
    assert isinstance(found, Shipment)
    assert "kkkk" not in repr(found)
    assert "body!" not in repr(found)


def test_the_terms_are_those_of_now():
    policy = RetryPolicy(delays=(1.0,))
    now = snapshot(subscription(retry=policy, resumed_at=EPOCH + 5))
    assert terms(delivery(), now) == (policy, EPOCH + 5)
    assert terms(delivery(accepted_at=EPOCH + 9), now) == (policy, EPOCH + 9)
    assert terms(delivery(kind=Kind.DIRECT), now) == (ONCE, EPOCH + 5)
    assert terms(delivery(), snapshot()) == (RetryPolicy(), EPOCH)
    assert terms(to_run(), now) == (RetryPolicy(), EPOCH)


def test_a_runs_lane_has_the_default_limits_and_no_hold():
    found = lane_terms(to_run().lane, snapshot())
    assert (found.limits, found.held) == (LaneLimits(), False)
