"""What is signed, and what verifying says to everything else."""

import base64
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

import hookgate
from hookgate.signing import (
    DEFAULT_TOLERANCE,
    InvalidKey,
    MalformedHeader,
    MissingHeader,
    SignatureError,
    SignatureMismatch,
    SigningScheme,
    TimestampError,
    TimestampTooNew,
    TimestampTooOld,
    generate_skyvern_webhook_signature,
    sign,
    validate_key,
    verify,
)

SKYVERN, HEX, STANDARD = SigningScheme
KEY = b"an-api-key-of-the-shop"
OLD_KEY = b"the-key-before-it"
BODY = b'{"run_id": "tsk_1", "status": "completed", "note": "\xc3\xa4"}'
NOW = 1_709_294_400

keys = st.binary(min_size=1, max_size=80).filter(lambda key: not key.startswith(b"whsec_"))
whsec = st.binary(min_size=1, max_size=80).map(lambda key: b"whsec_" + base64.b64encode(key))
schemes = st.sampled_from(SigningScheme)


def signed(scheme, *secrets, body=BODY, timestamp=NOW):
    return sign(scheme, secrets or (KEY,), body, event_id="evt_1", timestamp=timestamp)


# --------------------------------------------------------------------------------------- signing


def test_the_three_forms_are_as_published():
    # Computed with: printf '%s' '{}' | openssl dgst -sha256 -hmac key
    digits = "a777724d943eb48dc69bca8a4a6d57a04db3f9ec7e1de4e581e860265bdf3032"
    skyvern = sign(SKYVERN, [b"key"], b"{}", event_id="evt_1", timestamp=7)
    bare = sign(HEX, [b"key"], b"{}", event_id="evt_1", timestamp=7)
    assert skyvern == {"X-Skyvern-Signature": f"sha256={digits}", "X-Skyvern-Timestamp": "7"}
    assert bare == {"X-Skyvern-Signature": digits, "X-Skyvern-Timestamp": "7"}


@pytest.mark.parametrize("payload", [BODY, BODY.decode()])
@pytest.mark.parametrize("key", [KEY, KEY.decode()])
def test_the_guides_function_returns_what_the_header_holds(payload, key):
    expected = signed(SKYVERN)["X-Skyvern-Signature"]
    assert generate_skyvern_webhook_signature(payload, key) == expected


@pytest.mark.parametrize("scheme", [SKYVERN, HEX])
def test_the_skyvern_schemes_sign_with_the_first_key_alone(scheme):
    assert signed(scheme, KEY, OLD_KEY) == signed(scheme, KEY)


def test_standard_webhooks_signs_with_each_key():
    both = signed(STANDARD, KEY, OLD_KEY)["webhook-signature"]
    one, other = (signed(STANDARD, key)["webhook-signature"] for key in (KEY, OLD_KEY))
    assert both == f"{one} {other}"


def test_a_whsec_secret_is_decoded_and_another_is_its_bytes():
    encoded = b"whsec_" + base64.b64encode(KEY)
    assert signed(STANDARD, encoded) == signed(STANDARD, KEY)
    assert signed(STANDARD, encoded.rstrip(b"=")) == signed(STANDARD, KEY)
    assert signed(SKYVERN, encoded) != signed(SKYVERN, KEY)


MALFORMED = [
    b"whsec_",
    b"whsec_not base64!",
    b"whsec_A",
    b"whsec_AAAAA",
    b"whsec_AAAA=",
    b"whsec_AAAA====",
    b"whsec_A===",
    b"whsec_====",
    b"whsec_\xff\xfe",
    b"whsec_AAAA\n",
    b"",
]


@pytest.mark.parametrize("key", MALFORMED)
def test_a_malformed_secret_is_found_before_anything_is_sent(key):
    with pytest.raises(InvalidKey) as found:
        validate_key(STANDARD, key)
    assert "AAA" not in str(found.value)
    with pytest.raises(InvalidKey):
        signed(STANDARD, key)
    with pytest.raises(InvalidKey):
        verify(BODY, signed(STANDARD), [key], now=NOW)


@pytest.mark.parametrize("scheme", [SKYVERN, HEX])
def test_whsec_means_nothing_to_the_skyvern_schemes(scheme):
    validate_key(scheme, b"whsec_not base64!")
    with pytest.raises(InvalidKey):
        validate_key(scheme, b"")


@pytest.mark.parametrize("scheme", SigningScheme)
def test_nothing_is_signed_or_verified_without_a_key(scheme):
    with pytest.raises(InvalidKey):
        sign(scheme, [], BODY, event_id="evt_1", timestamp=NOW)
    with pytest.raises(InvalidKey):
        sign(scheme, [b""], BODY, event_id="evt_1", timestamp=NOW)
    for nothing in ([], [b""], [""], [KEY, b""]):
        with pytest.raises(InvalidKey):
            verify(BODY, signed(scheme), nothing, now=NOW)


def test_the_guides_function_refuses_an_empty_key():
    with pytest.raises(InvalidKey):
        generate_skyvern_webhook_signature("{}", "")


# ------------------------------------------------------------------------------------- verifying


@pytest.mark.parametrize("scheme", SigningScheme)
@pytest.mark.parametrize("spell", [str.lower, str.upper, str.title])
@pytest.mark.parametrize("named", [True, False])
def test_what_was_signed_is_verified(scheme, spell, named):
    headers = {spell(name): value for name, value in signed(scheme).items()}
    headers["content-type"] = "application/json"
    verify(BODY, headers, [KEY], scheme=scheme if named else None, now=NOW)
    verify(BODY.decode(), headers, [KEY.decode()], now=NOW)


@pytest.mark.parametrize("expects", [SKYVERN, HEX, None])
@pytest.mark.parametrize("scheme", [SKYVERN, HEX])
def test_either_skyvern_form_is_taken(expects, scheme):
    verify(BODY, signed(scheme), [KEY], scheme=expects, now=NOW)


@pytest.mark.parametrize("scheme", SigningScheme)
def test_keys_are_rotated_without_a_gap(scheme):
    verify(BODY, signed(scheme, OLD_KEY), [KEY, OLD_KEY], now=NOW)
    verify(BODY, signed(scheme, KEY), [KEY, OLD_KEY], now=NOW)
    with pytest.raises(SignatureMismatch):
        verify(BODY, signed(scheme, b"a third"), [KEY, OLD_KEY], now=NOW)


def test_a_receiver_with_the_old_key_takes_what_both_keys_signed():
    verify(BODY, signed(STANDARD, KEY, OLD_KEY), [OLD_KEY], now=NOW)


def test_a_single_key_may_come_without_a_list():
    verify(BODY, signed(SKYVERN), KEY.decode(), now=NOW)
    verify(BODY, signed(SKYVERN), KEY, now=NOW)


def test_signatures_of_other_versions_are_passed_over():
    headers = signed(STANDARD)
    headers["webhook-signature"] = "v1a,abc v2 " + headers["webhook-signature"] + "  v1,"
    verify(BODY, headers, [KEY], now=NOW)


def test_headers_may_be_bytes_as_asgi_has_them():
    raw = {name.lower().encode(): value.encode() for name, value in signed(SKYVERN).items()}
    verify(BODY, raw, [KEY], now=NOW)


def test_the_clock_is_read_when_no_time_is_given():
    verify(BODY, signed(SKYVERN, timestamp=int(time.time())), [KEY])  # noqa: TID251  # the default is the clock
    with pytest.raises(TimestampTooOld):
        verify(BODY, signed(SKYVERN), [KEY])


@pytest.mark.parametrize("scheme", SigningScheme)
@pytest.mark.parametrize(
    ("off", "refusal"),
    [
        (0, None),
        (DEFAULT_TOLERANCE, None),
        (-DEFAULT_TOLERANCE, None),
        (DEFAULT_TOLERANCE + 1, TimestampTooOld),
        (-DEFAULT_TOLERANCE - 1, TimestampTooNew),
        (10**9, TimestampTooOld),
    ],
)
def test_tolerance_is_kept_in_both_directions(scheme, off, refusal):
    headers = signed(scheme)
    if refusal is None:
        verify(BODY, headers, [KEY], now=NOW + off)
    else:
        with pytest.raises(refusal):
            verify(BODY, headers, [KEY], now=NOW + off)
        verify(BODY, headers, [KEY], now=NOW + off, tolerance=None)
        verify(BODY, headers, [KEY], now=NOW + off, tolerance=abs(off))


def test_without_freshness_the_skyvern_schemes_need_no_timestamp():
    headers = {"X-Skyvern-Signature": signed(SKYVERN)["X-Skyvern-Signature"]}
    verify(BODY, headers, [KEY], tolerance=None)
    headers["X-Skyvern-Timestamp"] = "yesterday"
    verify(BODY, headers, [KEY], tolerance=None)
    with pytest.raises(MalformedHeader):
        verify(BODY, headers, [KEY], now=NOW)


@pytest.mark.parametrize("scheme", SigningScheme)
def test_each_header_is_needed(scheme):
    for name in signed(scheme):
        headers = signed(scheme)
        del headers[name]
        with pytest.raises(MissingHeader):
            verify(BODY, headers, [KEY], scheme=scheme, now=NOW)
        with pytest.raises(MissingHeader):
            verify(BODY, headers | {name: ""}, [KEY], scheme=scheme, now=NOW)


def test_nothing_at_all_is_a_missing_header():
    with pytest.raises(MissingHeader, match="x-skyvern-signature"):
        verify(BODY, {}, [KEY], now=NOW)


def test_a_header_given_twice_is_refused():
    headers = signed(SKYVERN)
    with pytest.raises(MalformedHeader, match="more than once"):
        verify(BODY, headers | {"x-skyvern-signature": "sha256=00"}, [KEY], now=NOW)


def test_one_scheme_does_not_stand_in_for_another():
    with pytest.raises(MissingHeader):
        verify(BODY, signed(SKYVERN), [KEY], scheme=STANDARD, now=NOW)
    with pytest.raises(MissingHeader):
        verify(BODY, signed(STANDARD), [KEY], scheme=SKYVERN, now=NOW)


@pytest.mark.parametrize(
    "timestamp",
    ["", "soon", "1e9", "-1", "+1", " 1", "1_0", "\u0661\u0662", "9" * 16, "9" * 100_000, "1.5", "\ud800"],
)  # fmt: skip
@pytest.mark.parametrize("scheme", [SKYVERN, STANDARD])
def test_odd_timestamps_are_refused(scheme, timestamp):
    name = "webhook-timestamp" if scheme is STANDARD else "X-Skyvern-Timestamp"
    with pytest.raises((MalformedHeader, MissingHeader)):
        verify(BODY, signed(scheme) | {name: timestamp}, [KEY], now=NOW)


def test_a_refusal_never_repeats_key_or_signature():
    for scheme in SigningScheme:
        right = signed(scheme)
        wrong = signed(scheme, b"some other key")
        with pytest.raises(SignatureMismatch) as found:
            verify(BODY, wrong, [KEY], now=NOW)
        told = repr(found.value)
        assert KEY.decode() not in told
        assert not any(value in told for value in (*right.values(), *wrong.values()))


def test_the_package_exports_what_receivers_need():
    for name in hookgate.__all__:
        assert getattr(hookgate, name) is not None
    assert hookgate.verify is verify
    assert issubclass(TimestampTooOld, TimestampError)
    assert issubclass(TimestampTooNew, TimestampError)
    assert all(
        issubclass(error, SignatureError)
        for error in (InvalidKey, MissingHeader, MalformedHeader, TimestampError, SignatureMismatch)
    )


# ------------------------------------------------------------------------------------ properties


@given(schemes, st.lists(keys | whsec, min_size=1, max_size=3), st.binary(), st.data())
def test_what_anybody_signs_verifies_with_the_key_that_signed(scheme, secrets, body, data):
    headers = sign(scheme, secrets, body, event_id="evt_x", timestamp=NOW)
    verify(body, headers, secrets, now=NOW)
    signers = secrets if scheme is STANDARD else secrets[:1]
    verify(body, headers, [data.draw(st.sampled_from(signers))], now=NOW)


@given(schemes, keys, st.binary(), st.binary())
def test_another_body_never_verifies(scheme, key, body, other):
    headers = sign(scheme, [key], body, event_id="evt_x", timestamp=NOW)
    if other != body:
        with pytest.raises(SignatureMismatch):
            verify(other, headers, [key], now=NOW)


@given(schemes, st.binary(max_size=200), st.data())
def test_a_changed_character_of_what_is_signed_never_verifies(scheme, body, data):
    headers = signed(scheme, body=body)
    tampered = [n for n in headers if scheme is STANDARD or n == "X-Skyvern-Signature"]
    name = data.draw(st.sampled_from(tampered))
    value = headers[name]
    at = data.draw(st.integers(0, len(value) - 1))
    character = data.draw(st.characters(exclude_characters=value[at]))
    headers[name] = value[:at] + character + value[at + 1 :]
    with pytest.raises(SignatureError):
        verify(body, headers, [KEY], scheme=scheme, tolerance=None)


@given(st.binary(min_size=1, max_size=60), st.binary(min_size=1, max_size=60))
def test_another_key_never_verifies(key, other):
    # HMAC pads keys with zero bytes: b"k" and b"k\0" are one key by its definition (RFC 2104).
    if key.rstrip(b"\0") != other.rstrip(b"\0"):
        with pytest.raises(SignatureMismatch):
            verify(BODY, signed(SKYVERN, key), [other], now=NOW)


hostile = st.text(max_size=60) | st.sampled_from(["sha256=", "v1,", "v1, v1,", "0" * 64, "\ud800"])
hostile_headers = st.dictionaries(
    st.sampled_from(
        ["x-skyvern-signature", "X-SKYVERN-SIGNATURE", "X-Skyvern-Timestamp", "webhook-id",
         "webhook-timestamp", "Webhook-Signature", "webhook-signature", "\ud800", ""]
    ),
    hostile | st.integers().map(str) | st.binary(max_size=30),
)  # fmt: skip


@given(
    st.binary() | st.text() | st.just("\ud800"),
    hostile_headers,
    st.lists(st.binary(max_size=8) | st.text(max_size=8) | st.sampled_from(MALFORMED), max_size=3),
    st.none() | schemes,
    st.none() | st.floats(0, 1e9),
)
def test_garbage_is_refused_and_nothing_else(body, headers, secrets, scheme, tolerance):
    with pytest.raises(SignatureError):
        verify(body, headers, secrets, scheme=scheme, tolerance=tolerance, now=NOW)
