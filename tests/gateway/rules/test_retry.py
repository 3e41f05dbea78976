"""When to try again, and when to stop."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookgate.deliveries import Outcome
from hookgate_gateway.rules.delivery import Attempt, Ending
from hookgate_gateway.rules.retry import (
    LONGEST_PAUSE,
    ONCE,
    GiveUp,
    RetryAt,
    RetryPolicy,
    Succeed,
    asked_pause,
    decide,
)

NOW = 1_700_000_000.0
SEED = RetryPolicy(jitter_percent=0.0)


def attempt(outcome=Outcome.SERVER_ERROR, **changes):
    return Attempt(outcome=outcome, started_at=NOW, duration=0.0, **changes)


def verdict(policy=SEED, outcome=Outcome.SERVER_ERROR, number=1, jitter=0.0, age=0.0, **changes):
    return decide(
        policy,
        attempt(outcome, **changes),
        number=number,
        now=NOW,
        jitter=jitter,
        age_from=NOW - age,
    )


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (1, RetryAt(NOW + 60)),
        (2, RetryAt(NOW + 300)),
        (3, RetryAt(NOW + 900)),
        (4, RetryAt(NOW + 1800)),
        (5, GiveUp(Ending.ATTEMPTS_USED_UP)),
        (6, GiveUp(Ending.ATTEMPTS_USED_UP)),
    ],
)
def test_the_seeds_schedule(number, expected):
    assert verdict(RetryPolicy(jitter_percent=0.0), number=number) == expected


@pytest.mark.parametrize("outcome", Outcome)
def test_only_success_and_gone_are_final(outcome):
    final = {Outcome.SUCCESS: Succeed(), Outcome.GONE: GiveUp(Ending.GONE)}
    assert verdict(outcome=outcome) == final.get(outcome, RetryAt(NOW + 60))


@pytest.mark.parametrize(
    ("status", "retry_after", "granted"),
    [
        (429, 10.0, 10.0),
        (503, 10.0, 10.0),
        (503, 7200.0, LONGEST_PAUSE),
        (429, -5.0, 0.0),
        (429, None, 0.0),
        (500, 10.0, 0.0),
        (302, 10.0, 0.0),
        (None, None, 0.0),
    ],
)
def test_what_a_receiver_can_ask_for(status, retry_after, granted):
    assert asked_pause(attempt(status=status, retry_after=retry_after)) == granted


@pytest.mark.parametrize(
    ("asked", "pause"), [(10.0, 60.0), (61.0, 61.0), (3600.0, 3600.0), (1e9, 3600.0)]
)
def test_retry_after_lengthens_a_pause_and_never_shortens_it(asked, pause):
    found = verdict(outcome=Outcome.RATE_LIMITED, status=429, retry_after=asked)
    assert found == RetryAt(NOW + pause)


@pytest.mark.parametrize(
    ("age", "expected"),
    [(0, RetryAt(NOW + 60)), (940, RetryAt(NOW + 60)), (941, GiveUp(Ending.EXPIRED))],
)
def test_it_expires_when_the_next_attempt_would_come_too_late(age, expected):
    assert verdict(RetryPolicy(jitter_percent=0.0, max_age=1000.0), age=age) == expected


def test_a_late_success_counts():
    assert verdict(outcome=Outcome.SUCCESS, number=99, age=1e9) == Succeed()


def test_a_single_attempt_is_not_retried():
    assert verdict(ONCE) == GiveUp(Ending.ATTEMPTS_USED_UP)


@st.composite
def attempts(draw):
    return attempt(
        draw(st.sampled_from(Outcome)),
        status=draw(st.sampled_from([None, 302, 404, 410, 429, 500, 503])),
        retry_after=draw(st.none() | st.floats(-10, 1e6)),
    )


@st.composite
def policies(draw):
    delays = draw(st.lists(st.floats(1, 86400), max_size=20))
    return RetryPolicy(tuple(delays), draw(st.floats(0, 100)))


@given(policies(), attempts(), st.integers(1, 25), st.floats(0, 1), st.floats(0, 1e6))
def test_a_retry_is_never_early_nor_late_nor_beyond_the_schedule(
    policy, tried, number, jitter, age
):
    age_from = NOW - age
    found = decide(policy, tried, number=number, now=NOW, jitter=jitter, age_from=age_from)
    if not isinstance(found, RetryAt):
        assert isinstance(found, Succeed) is (tried.outcome is Outcome.SUCCESS)
        return
    assert number <= len(policy.delays)
    scheduled, pause = policy.delays[number - 1], found.due - NOW
    assert pause >= scheduled - 1e-3
    assert pause <= max(scheduled * (1 + policy.jitter_percent / 100), LONGEST_PAUSE) + 1e-3
    assert found.due <= age_from + policy.max_age
