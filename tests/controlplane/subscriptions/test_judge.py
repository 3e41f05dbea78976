"""How a subscription stands: the table of cases."""

import pytest

from hookgate.resources import SubscriptionSpec
from hookgate_operator.ports import (
    EndpointStanding,
    HealthReading,
    KeyStanding,
    LastFailure,
    Standing,
)
from hookgate_operator.subscriptions.judge import (
    Circumstances,
    Kept,
    Owned,
    Refused,
    Stands,
    Unreached,
    judge,
    judge_invalid,
)
from hookgate_operator.subscriptions.values import Lack, Need, Shortage
from tests.controlplane.worlds import spec

NEED = Need("spec.signing.secretRefs[0]", "billing", "secret")
ABSENT = (Lack(NEED, Shortage.ABSENT),)
UNREADABLE = (*ABSENT, Lack(NEED, Shortage.UNREADABLE))

FAILURE = LastFailure("2026-03-01T10:00:00Z", "server_error", 503)
UNTRIED = HealthReading()
HEALTHY = HealthReading(state="healthy", last_success_at="2026-03-01T10:00:00Z")
FAILING = HealthReading(state="failing", last_failure=FAILURE)
OPEN = HealthReading(state="failing", last_failure=FAILURE, breaker="open")
HALF_OPEN = HealthReading(state="failing", breaker="half_open")
GONE = HealthReading(state="failing", hold="Gone", last_failure=FAILURE)
HELD = HealthReading(state="healthy", hold="Unresolved")


def stands(**changes):
    values = {"fingerprint": "f", "resolved": True, "endpoint": EndpointStanding(True)} | changes
    return Stands(Standing(**values))


WELL = stands()
UNRESOLVED = stands(resolved=False, reasons=("x is empty",), endpoint=EndpointStanding(None))
FORBIDDEN = stands(endpoint=EndpointStanding(False, "10.0.0.0/8 is private"))


def judged(answer, health=UNTRIED, lacks=(), **changes):
    return judge(
        Circumstances(
            namespace="shop",
            spec=SubscriptionSpec.model_validate(spec(**changes)),
            lacks=lacks,
            answer=answer,
            health=health,
        )
    )


@pytest.mark.parametrize(
    ("answer", "health", "lacks", "changes", "reasons"),
    [
        # what stands, by health
        (WELL, UNTRIED, (), {}, "Ready Resolved Allowed NoAttempts"),
        (WELL, HEALTHY, (), {}, "Ready Resolved Allowed Delivering"),
        (WELL, FAILING, (), {}, "Ready Resolved Allowed Failing"),
        (WELL, OPEN, (), {}, "Ready Resolved Allowed CircuitOpen"),
        (WELL, HALF_OPEN, (), {}, "Ready Resolved Allowed CircuitOpen"),
        (WELL, GONE, (), {}, "EndpointGone Resolved Allowed EndpointGone"),
        # a reading older than what was just put
        (WELL, HELD, (), {}, "Ready Resolved Allowed Delivering"),
        # suspended
        (WELL, HEALTHY, (), {"suspend": True}, "Suspended Resolved Allowed Held"),
        (WELL, GONE, (), {"suspend": True}, "EndpointGone Resolved Allowed EndpointGone"),
        (UNRESOLVED, UNTRIED, ABSENT, {"suspend": True}, "SecretsUnresolved SecretNotFound Unresolved Held"),
        # unresolved, forbidden
        (UNRESOLVED, UNTRIED, ABSENT, {}, "SecretsUnresolved SecretNotFound Unresolved Held"),
        (UNRESOLVED, UNTRIED, UNREADABLE, {}, "SecretsUnresolved SecretForbidden Unresolved Held"),
        (UNRESOLVED, HEALTHY, (), {}, "SecretsUnresolved ValueRefused Unresolved Held"),
        (FORBIDDEN, UNTRIED, (), {}, "EndpointForbidden Resolved Forbidden Held"),
        # kept because of RBAC: what the gateway has goes on
        (Kept(), HEALTHY, UNREADABLE, {}, "SecretsUnresolved SecretForbidden Unresolved Delivering"),
        (Kept(), HELD, UNREADABLE, {}, "SecretsUnresolved SecretForbidden Unresolved Held"),
        # not taken
        (Refused(("no",)), HEALTHY, (), {}, "GatewayRefused GatewayRefused GatewayRefused Delivering"),
        (Refused(("no",)), HELD, ABSENT, {}, "GatewayRefused SecretNotFound GatewayRefused Held"),
        (Owned("by x"), HEALTHY, (), {}, "OwnedByAnother OwnedByAnother OwnedByAnother NoAttempts"),
        (Unreached(), HEALTHY, (), {}, " ".join(["GatewayUnreachable"] * 4)),
        (Unreached(), HEALTHY, ABSENT, {},
         "GatewayUnreachable SecretNotFound GatewayUnreachable GatewayUnreachable"),
    ],
)  # fmt: skip
def test_the_table(answer, health, lacks, changes, reasons):
    states = judged(answer, health, lacks, **changes)
    assert [state.type for state in states] == [
        "Ready",
        "SecretsResolved",
        "EndpointAllowed",
        "Delivering",
    ]
    assert " ".join(state.reason for state in states) == reasons
    assert all(state.row for state in states)


@pytest.mark.parametrize(
    ("health", "delivering"),
    [(UNTRIED, "NoAttempts"), (HEALTHY, "Delivering"), (HELD, "Held"), (GONE, "EndpointGone")],
)
def test_what_is_not_valid_tells_how_what_was_put_before_fares(health, delivering):
    states = judge_invalid(["spec.endpoint: is required"], health)
    reasons = ["InvalidSpec", "InvalidSpec", "InvalidSpec", delivering]
    assert [state.reason for state in states] == reasons
    assert states[0].message.startswith("spec.endpoint: is required")


@pytest.mark.parametrize(
    ("answer", "health", "lacks", "condition", "message"),
    [
        (FORBIDDEN, UNTRIED, (), 0, "10.0.0.0/8 is private"),
        (stands(endpoint=EndpointStanding(False)), UNTRIED, (), 2, "The gateway's egress rules refuse it."),
        (Refused(("a", "b")), UNTRIED, (), 0,
         "The gateway refuses it: a; b (what the gateway had before goes on)"),
        (Owned("it belongs to manifests"), UNTRIED, (), 0, "it belongs to manifests"),
        (UNRESOLVED, UNTRIED, (), 0, "x is empty"),
        (WELL, FAILING, (), 3, "The last attempt failed. Outcome: server_error, HTTP 503."),
        (WELL, HALF_OPEN, (), 3, "Too many attempts failed in a row; the gateway pauses between tries."),
        (WELL, HealthReading(state="failing", last_failure=LastFailure("", "timeout", None)), (), 3,
         "The last attempt failed. Outcome: timeout."),
    ],
)  # fmt: skip
def test_what_is_said(answer, health, lacks, condition, message):
    assert judged(answer, health, lacks)[condition].message == message


def test_a_missing_secret_is_told_once_with_what_else_the_gateway_says():
    gateway = stands(
        resolved=False,
        reasons=(
            f"{NEED.field}: Secret shop/billing, key secret: is not there",
            "spec.x: is empty",
        ),
    )
    message = judged(gateway, UNTRIED, ABSENT)[1].message
    assert message == f"{ABSENT[0].sentence('shop')}; spec.x: is empty"


def test_signing_keys_that_can_be_guessed_are_named():
    refs = [{"name": name, "key": "secret"} for name in ("billing", "old")]
    keys = (
        KeyStanding("billing", "secret", "0f8ac3e1d2b4a697"),
        KeyStanding("old", "secret", "weak"),
    )
    secrets = judged(stands(keys=keys), signing={"secretRefs": refs})[1]
    assert secrets.reason == "Resolved"
    assert secrets.message == (
        "Everything that is named is there. spec.signing.secretRefs[1]: key secret of Secret shop/old has "
        "fewer than 16 bytes, so that whoever sees a webhook can find it by trying; make a longer one."
    )
    assert "fewer" not in judged(stands(keys=keys))[1].message
