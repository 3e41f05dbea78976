"""Our Standard Webhooks scheme and the official library understand each other, in both directions."""

import base64
import time
from datetime import UTC, datetime

import pytest
import standardwebhooks
from hypothesis import given
from hypothesis import strategies as st

from hookgate.signing import SignatureMismatch, SigningScheme, TimestampTooOld, sign, verify

STANDARD = SigningScheme.STANDARD_WEBHOOKS

# The vector that the specification's own libraries are tested with.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
EVENT_ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"
SENT_AT = 1_614_265_330
PAYLOAD = '{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_published_vector_is_signed_as_published():
    headers = sign(
        STANDARD, [SECRET.encode()], PAYLOAD.encode(), event_id=EVENT_ID, timestamp=SENT_AT
    )
    assert headers == {
        "webhook-id": EVENT_ID,
        "webhook-timestamp": str(SENT_AT),
        "webhook-signature": SIGNATURE,
    }


def test_the_published_vector_verifies():
    headers = {
        "webhook-id": EVENT_ID,
        "webhook-timestamp": str(SENT_AT),
        "webhook-signature": SIGNATURE,
    }
    verify(PAYLOAD, headers, [SECRET], now=SENT_AT)
    with pytest.raises(TimestampTooOld):
        verify(PAYLOAD, headers, [SECRET])


secrets = st.binary(min_size=1, max_size=64).map(
    lambda key: "whsec_" + base64.b64encode(key).decode()
)


@given(secrets, st.text(max_size=40).map(lambda text: f'{{"a": {len(text)}, "b": "é"}}'))
def test_the_official_library_verifies_what_we_sign(secret, body):
    now = int(time.time())  # noqa: TID251  # the library reads the clock itself
    headers = sign(STANDARD, [secret.encode()], body.encode(), event_id="evt_1", timestamp=now)
    assert standardwebhooks.Webhook(secret).verify(body, headers)["b"] == "é"


@given(secrets, secrets)
def test_the_official_library_verifies_with_either_of_two_keys(first, second):
    now = int(time.time())  # noqa: TID251  # the library reads the clock itself
    keys = [first.encode(), second.encode()]
    headers = sign(STANDARD, keys, PAYLOAD.encode(), event_id="evt_1", timestamp=now)
    for secret in (first, second):
        standardwebhooks.Webhook(secret).verify(PAYLOAD, headers)


@given(secrets, st.text(alphabet=st.characters(codec="utf-8"), max_size=60))
def test_we_verify_what_the_official_library_signs(secret, body):
    signature = standardwebhooks.Webhook(secret).sign(
        EVENT_ID, datetime.fromtimestamp(SENT_AT, UTC), body
    )
    headers = {
        "Webhook-Id": EVENT_ID,
        "Webhook-Timestamp": str(SENT_AT),
        "Webhook-Signature": signature,
    }
    verify(body, headers, [secret], now=SENT_AT)
    with pytest.raises(SignatureMismatch):
        verify(body + " ", headers, [secret], now=SENT_AT)


def test_the_official_library_refuses_another_key():
    now = int(time.time())  # noqa: TID251  # the library reads the clock itself
    headers = sign(STANDARD, [b"another"], PAYLOAD.encode(), event_id="evt_1", timestamp=now)
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        standardwebhooks.Webhook(SECRET).verify(PAYLOAD, headers)
