"""What attempts say about a subscription's health."""

import pytest

from hookgate.deliveries import Outcome
from hookgate_gateway.rules.delivery import Attempt
from hookgate_gateway.rules.health import UNTRIED, Failure, Health, HealthState


def attempt(outcome=Outcome.SUCCESS, *, at=100.0, status=None):
    return Attempt(outcome=outcome, started_at=at - 1.0, duration=1.0, status=status)


@pytest.mark.parametrize(
    ("before", "what", "after", "state"),
    [
        (UNTRIED, attempt(), Health(100.0), HealthState.HEALTHY),
        (
            UNTRIED,
            attempt(Outcome.SERVER_ERROR, status=503),
            Health(None, Failure(100.0, Outcome.SERVER_ERROR, 503), 1),
            HealthState.FAILING,
        ),
        (
            Health(50.0, Failure(60.0, Outcome.TIMEOUT, None), 3),
            attempt(),
            Health(100.0, Failure(60.0, Outcome.TIMEOUT, None)),
            HealthState.HEALTHY,
        ),
        (
            Health(50.0, Failure(60.0, Outcome.TIMEOUT, None), 3),
            attempt(Outcome.BLOCKED),
            Health(50.0, Failure(100.0, Outcome.BLOCKED, None), 4),
            HealthState.FAILING,
        ),
        # An attempt that ended before what is known already: the later moment stays.
        (Health(200.0), attempt(), Health(200.0), HealthState.HEALTHY),
        (
            Health(None, Failure(200.0, Outcome.TIMEOUT, None), 1),
            attempt(Outcome.DNS_ERROR),
            Health(None, Failure(200.0, Outcome.TIMEOUT, None), 2),
            HealthState.FAILING,
        ),
    ],
)
def test_after_an_attempt(before, what, after, state):
    assert before.after(what) == after
    assert after.state is state


def test_untried_is_unknown():
    assert UNTRIED.state is HealthState.UNKNOWN
