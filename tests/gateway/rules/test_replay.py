"""The figures of a replay always add up to what it matched."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookgate_gateway.rules.lane import TokenBucket
from hookgate_gateway.rules.replay import Counts, Replay, ReplayFilter, ReplayPlan, ReplayState


def plan(to=None, **wanted):
    return ReplayPlan(
        id="rpl_1",
        namespace="shop",
        filter=ReplayFilter(**wanted),
        created_at=0.0,
        to_subscription=to,
    )


def replay(*, selecting=True, state=ReplayState.RUNNING, **counts):
    return Replay(plan=plan(), state=state, selecting=selecting, counts=Counts(**counts))


@pytest.mark.parametrize(
    ("counts", "selecting", "figures", "is_over"),  # figures: pending, remaining, skipped
    [
        ({"matched": 9}, True, (0, 9, 0), False),
        ({"matched": 9, "made": 4, "delivered": 1, "passed": 2}, True, (3, 6, 2), False),
        ({"matched": 9, "made": 4, "delivered": 1, "cancelled": 1}, True, (2, 7, 1), False),
        ({"matched": 9, "made": 9, "delivered": 5, "exhausted": 4}, False, (0, 0, 0), True),
        ({"matched": 9, "made": 4, "delivered": 1}, False, (3, 3, 5), False),  # cancelled
        ({"matched": 9, "made": 4, "delivered": 1, "cancelled": 3}, False, (0, 0, 8), True),
    ],
)
def test_figures(counts, selecting, figures, is_over):
    found = replay(selecting=selecting, **counts)
    assert (found.pending, found.remaining, found.skipped) == figures
    assert found.is_over is is_over
    done = found.counts.delivered + found.counts.exhausted
    assert found.counts.matched == done + found.skipped + found.remaining


@pytest.mark.parametrize(
    ("made", "lane"),
    [
        (plan(), None),
        (plan(subscription="invoices"), "s/shop/invoices"),
        (plan("archive", subscription="invoices"), "s/shop/archive"),
    ],
)
def test_the_lane_of_its_only_target(made, lane):
    assert made.lane == lane


@given(
    rate=st.floats(0.1, 5000),
    burst=st.integers(1, 500),
    pauses=st.lists(st.floats(0, 2), min_size=1, max_size=50),
)
def test_taking_all_that_is_available_never_exceeds_the_rate(rate, burst, pauses):
    bucket, now, taken = TokenBucket(rate, burst), 0.0, 0
    for pause in pauses:
        now += pause
        count = bucket.available(now)
        bucket = bucket.spent(now, count)
        taken += count
        assert bucket.available(now) == 0
    assert taken <= burst + rate * (now + 2e-5) + 1e-6
