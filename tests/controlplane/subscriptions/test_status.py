"""The status document, and when it is written."""

import pytest

from hookgate.resources import SubscriptionSpec
from hookgate.resources.status import SubscriptionStatus
from hookgate_operator.conditions import timestamp
from hookgate_operator.ports import HealthReading, KeyStanding, LastFailure
from hookgate_operator.subscriptions.status import (
    Urgency,
    document,
    pause,
    signing_status,
    urgency,
    whole_seconds,
)
from tests.controlplane.worlds import spec

THEN = "2026-03-01T10:00:00Z"


UNTRIED = HealthReading()


def made(health=UNTRIED, former=None, **changes):
    values = {"generation": 2, "conditions": (), "host": "h:1", "signing": None} | changes
    return document(health=health, former=former or {}, **values)


def test_nothing_known_is_nothing_said():
    assert made(host=None) == {"observedGeneration": 2, "conditions": []}


def test_times_are_whole_seconds_and_failures_have_no_words_of_receivers():
    health = HealthReading(
        last_success_at="2026-03-01T10:00:00.250Z",
        last_failure=LastFailure("2026-03-01T11:07:12.011+01:00", "server_error", 503),
    )
    status = made(health, signing={"scheme": "Skyvern", "keys": []})
    assert status == {
        "observedGeneration": 2,
        "conditions": [],
        "endpointHost": "h:1",
        "signing": {"scheme": "Skyvern", "keys": []},
        "lastSuccessTime": "2026-03-01T10:00:00Z",
        "lastFailureTime": "2026-03-01T10:07:12Z",
        "lastFailure": {"outcome": "server_error", "statusCode": 503},
    }
    SubscriptionStatus.model_validate(status)


def test_what_attempts_once_said_stays():
    former = {
        "lastSuccessTime": THEN,
        "lastFailureTime": THEN,
        "lastFailure": {"outcome": "timeout"},
    }
    assert made(former=former).items() >= former.items()
    newer = HealthReading(last_failure=LastFailure("2026-03-01T11:00:00Z", "dns_error", None))
    status = made(newer, former=former)
    assert status["lastSuccessTime"] == THEN
    assert status["lastFailure"] == {"outcome": "dns_error"}
    unreadable = HealthReading(last_failure=LastFailure("yesterday", "dns_error", None))
    assert made(unreadable, former=former).items() >= former.items()


@pytest.mark.parametrize(
    ("scheme", "fingerprints", "signs"),
    [
        ("Skyvern", ["a", "b", "c"], [True, False, False]),
        ("SkyvernHex", ["a", "b", "c"], [True, False, False]),
        ("StandardWebhooks", ["a", "b", "c"], [True, True, True]),
        ("Skyvern", ["weak", "b", "c"], [True, False, False]),
        ("Skyvern", [None, "b", "c"], [False, False, False]),
        ("StandardWebhooks", ["a", None, "c"], [True, False, True]),
    ],
)
def test_which_keys_sign(scheme, fingerprints, signs):
    refs = [{"name": f"s{n}", "key": "k"} for n in range(3)]
    parsed = SubscriptionSpec.model_validate(
        spec(signing={"scheme": scheme, "secretRefs": refs})
    )  # fmt: skip
    keys = [KeyStanding(f"s{n}", "k", print_) for n, print_ in enumerate(fingerprints)]
    told = signing_status(parsed, keys[::-1])
    assert told["scheme"] == scheme
    assert [key["name"] for key in told["keys"]] == ["s0", "s1", "s2"]
    assert [key.get("fingerprint") for key in told["keys"]] == fingerprints
    assert [key["signs"] for key in told["keys"]] == signs


def test_a_key_that_leaves_the_list_leaves_the_status():
    parsed = SubscriptionSpec.model_validate(spec("new"))
    keys = [KeyStanding("new", "secret", "n"), KeyStanding("old", "secret", "o")]
    assert [key["name"] for key in signing_status(parsed, keys)["keys"]] == ["new"]


def told(ready="Ready", delivering=("Unknown", "NoAttempts"), message="m", **changes):
    return {
        "observedGeneration": 1,
        "conditions": [
            {"type": "Ready", "status": "True", "reason": ready, "message": message},
            {"type": "Delivering", "status": delivering[0], "reason": delivering[1]},
        ],
        **changes,
    }


HEALTHY, FAILING = ("True", "Delivering"), ("False", "Failing")


@pytest.mark.parametrize(
    ("former", "new", "urgent"),
    [
        (told(), told(), Urgency.NONE),
        ({}, told(), Urgency.FLIP),
        (told(), told(message="n"), Urgency.DETAILS),
        (told(), told(lastSuccessTime=THEN), Urgency.DETAILS),
        (told(), told(ready="Suspended"), Urgency.FLIP),
        (told(), told(observedGeneration=2), Urgency.FLIP),
        (told(), told(endpointHost="h"), Urgency.FLIP),
        (told(signing={"keys": [1]}), told(signing={"keys": [2]}), Urgency.FLIP),
        (told(), told(delivering=HEALTHY), Urgency.FLIP),
        (told(delivering=HEALTHY), told(delivering=FAILING), Urgency.FLAP),
        (told(delivering=HEALTHY), told("Suspended", delivering=FAILING), Urgency.FLIP),
        ({**told(), "conditions": told()["conditions"][:1]}, told(), Urgency.FLIP),
        ({**told(), "conditions": [*told()["conditions"], {"type": "X", "status": "True", "reason": "Y"}]},
         told(), Urgency.DETAILS),
    ],
)  # fmt: skip
def test_how_much_a_change_matters(former, new, urgent):
    assert urgency(new, former) is urgent


@pytest.mark.parametrize(
    ("urgent", "since_write", "since_flap", "wait"),
    [
        (Urgency.NONE, 0.0, 0.0, None),
        (Urgency.FLIP, 0.0, 0.0, 0.0),
        (Urgency.DETAILS, None, 0.0, 0.0),
        (Urgency.DETAILS, 12.0, None, 18.0),
        (Urgency.DETAILS, 30.0, None, 0.0),
        (Urgency.DETAILS, 99.0, None, 0.0),
        (Urgency.FLAP, 0.0, None, 0.0),
        (Urgency.FLAP, 99.0, 4.0, 6.0),
        (Urgency.FLAP, 0.0, 10.0, 0.0),
    ],
)
def test_when_it_is_written(urgent, since_write, since_flap, wait):
    assert pause(urgent, since_write=since_write, since_flap=since_flap) == wait


@pytest.mark.parametrize(
    ("since_burst", "wait"), [(None, 0.0), (0.0, 10.0), (7.0, 3.0), (10.0, 0.0), (99.0, 0.0)]
)
def test_even_a_flip_waits_after_a_burst_of_writes(since_burst, wait):
    found = pause(Urgency.FLIP, since_write=0.0, since_flap=None, since_burst=since_burst)
    assert found == wait


def test_times_as_text():
    assert timestamp(1_772_359_200.9) == "2026-03-01T10:00:00Z"
    assert whole_seconds(None) is None
    assert whole_seconds("yesterday") is None
