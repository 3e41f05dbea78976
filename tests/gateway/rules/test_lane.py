"""Names, buckets and breakers of lanes."""

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookgate.deliveries import Outcome
from hookgate_gateway.rules.lane import (
    CLOSED,
    SHARDS,
    Breaker,
    BreakerState,
    LaneLimits,
    TokenBucket,
    is_due,
    lane_subscription,
    run_lane,
    shard,
    subscription_lane,
)

LIMITS = LaneLimits(breaker_failures=3, breaker_open_seconds=60.0)
BAD = [o for o in Outcome if o not in (Outcome.SUCCESS, Outcome.BLOCKED, Outcome.GONE)]


@pytest.mark.parametrize(
    ("url", "lane"),
    [
        ("https://a.example/x?y", "r/shop/https://a.example:443"),
        ("HTTPS://A.example:8443", "r/shop/https://a.example:8443"),
        ("http://a.example/", "r/shop/http://a.example:80"),
        ("http://[::1]:80/", "r/shop/http://[::1]:80"),
    ],
)
def test_a_runs_lane_is_its_origin(url, lane):
    assert run_lane("shop", url) == lane
    assert lane_subscription(lane) == ("shop", None)


def test_a_subscriptions_lane_names_it():
    assert lane_subscription(subscription_lane("shop", "invoices")) == ("shop", "invoices")


def test_the_shard_of_a_lane_is_the_same_everywhere():
    assert shard("s/shop/invoices") == 8
    assert {shard(subscription_lane("shop", str(n))) for n in range(2000)} == set(range(SHARDS))


def test_no_rate_no_bucket():
    assert TokenBucket.of(LaneLimits()) is None


@pytest.mark.parametrize(
    ("rate", "burst", "expected"), [(50.0, 100, 100), (50.0, None, 50), (0.5, None, 1)]
)
def test_the_burst_is_a_seconds_worth_unless_told(rate, burst, expected):
    assert TokenBucket.of(LaneLimits(requests_per_second=rate, burst=burst)).burst == expected


@given(
    rate=st.floats(1, 1000),
    burst=st.integers(1, 200),
    gaps=st.lists(st.floats(0, 3), max_size=60),
)
def test_a_bucket_lets_through_its_burst_and_its_rate_and_no_more(rate, burst, gaps):
    bucket, now, starts = TokenBucket(rate, burst), 0.0, []
    for gap in gaps:
        now += gap
        while is_due(bucket.ready_at, now) and len(starts) < 500:
            bucket = bucket.spent(now)
            starts.append(now)
    for i, first in enumerate(starts):
        count = len(starts) - i
        assert count <= burst + rate * (starts[-1] - first) + 1e-3 + rate * 1e-4


def failed(times, breaker=None, now=0.0):
    breaker = breaker or Breaker()
    for _ in range(times):
        breaker = breaker.after(Outcome.TIMEOUT, LIMITS, now)
    return breaker


def test_it_opens_after_consecutive_failures_and_half_opens_in_time():
    assert failed(2).state(0.0) is BreakerState.CLOSED
    breaker = failed(3)
    assert breaker.state(0.0) is BreakerState.OPEN
    assert breaker.ready_at == 60.0
    assert breaker.state(60.0) is BreakerState.HALF_OPEN


def test_a_success_between_starts_the_count_anew():
    breaker = failed(2).after(Outcome.SUCCESS, LIMITS, 0.0)
    assert failed(2, breaker).state(0.0) is BreakerState.CLOSED


def test_half_open_lets_one_through():
    probing = failed(3).started()
    assert probing.ready_at == inf
    assert probing.after(Outcome.SUCCESS, LIMITS, 61.0) == Breaker()
    assert probing.after(Outcome.TIMEOUT, LIMITS, 61.0).ready_at == 121.0
    assert probing.abandoned().ready_at == 60.0
    assert Breaker().started() == Breaker()
    assert Breaker().abandoned() == Breaker()


@pytest.mark.parametrize("outcome", [Outcome.BLOCKED, Outcome.GONE])
def test_what_says_nothing_about_the_receiver_does_not_count(outcome):
    assert failed(2).after(outcome, LIMITS, 0.0) == failed(2)
    assert failed(3).started().after(outcome, LIMITS, 61.0) == failed(3)


@pytest.mark.parametrize("outcome", BAD)
def test_every_failure_of_the_receiver_counts(outcome):
    assert failed(2).after(outcome, LIMITS, 0.0).state(0.0) is BreakerState.OPEN


def test_a_late_failure_does_not_lengthen_the_pause():
    assert failed(3).after(Outcome.TIMEOUT, LIMITS, 30.0) == failed(3)


def test_zero_switches_it_off():
    off = LaneLimits(breaker_failures=0)
    breaker = Breaker()
    for _ in range(100):
        breaker = breaker.after(Outcome.TIMEOUT, off, 0.0)
    assert breaker.state(0.0) is BreakerState.CLOSED
    assert failed(3).started().after(Outcome.TIMEOUT, off, 61.0).state(61.0) is BreakerState.CLOSED


def test_a_closed_breaker_is_ready_at_any_time():
    assert CLOSED.ready_at == -inf
    assert CLOSED.started() is CLOSED
