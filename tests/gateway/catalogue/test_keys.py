"""Which API keys log in, and the one line that says why one does not."""

import hashlib

import pytest

from hookgate.resources.secret_values import key_fingerprint
from hookgate.signing import SigningScheme
from hookgate_gateway.catalogue.keys import admit, read_api_key, read_source
from hookgate_gateway.contract import KeyLimits
from tests.gateway.catalogue.world import KEY, stored_api_key

LONG_ENOUGH = b"a-key-of-twenty-four-characters"

OTHER = b"another-key-of-sensible-length"
SOURCE_KEY = b"of-sixteen-bytes"
ELSEWHERE = "is known elsewhere and logs nobody in; make a new one"


def known(*values, at):
    return {key_fingerprint(value): at for value in values}


def logging_in(admitted):
    return {
        (caller.key.namespace, caller.key.secret, caller.fingerprint)
        for caller in admitted.callers.values()
    }


def test_both_values_log_in_and_the_current_one_is_first():
    admitted = admit([stored_api_key("shop", api_key=KEY + b"\n", api_key_previous=OTHER)])
    [key] = admitted.api_keys.values()
    assert [value for _, value in key.values] == [KEY, OTHER]
    assert admitted.callers[hashlib.sha256(KEY).digest()].key is key
    assert admitted.callers[hashlib.sha256(OTHER).digest()].fingerprint == key_fingerprint(OTHER)
    assert "sensible" not in repr(admitted)


def test_the_scheme_is_the_annotations():
    annotations = {"hookgate.dev/signing-scheme": "StandardWebhooks"}
    [key] = admit([stored_api_key("shop", annotations=annotations, api_key=KEY)]).api_keys.values()
    assert key.scheme is SigningScheme.STANDARD_WEBHOOKS


@pytest.mark.parametrize(
    ("secret", "problem", "keys"),
    [
        (stored_api_key("shop", api_key=b"short"), "Secret shop/dev: key api-key is shorter than 24 characters; make one with: openssl rand -hex 24", 0),
        (stored_api_key("shop", api_key=b"x" * 23 + b"\n"), "Secret shop/dev: key api-key is shorter than 24 characters; make one with: openssl rand -hex 24", 0),
        (stored_api_key("shop", api_key_previous=OTHER), "Secret shop/dev: key api-key is not there", 0),
        (stored_api_key("shop", api_key=KEY, api_key_previous=b"short"), "Secret shop/dev: key api-key-previous is shorter than 24 characters; make one with: openssl rand -hex 24", 1),
        (stored_api_key("shop", annotations={"hookgate.dev/signing-scheme": "x"}, api_key=KEY), "Secret shop/dev: annotation hookgate.dev/signing-scheme must be one of Skyvern, SkyvernHex, StandardWebhooks", 0),
    ],
)  # fmt: skip
def test_refused(secret, problem, keys):
    admitted = admit([secret])
    assert admitted.problems == (problem,)
    assert len(admitted.api_keys) == keys
    assert len(admitted.callers) == keys


def test_who_had_it_first_keeps_it():
    first = stored_api_key("shop", since=known(KEY, at=1.0), api_key=KEY)
    later = stored_api_key("mill", since=known(KEY, at=2.0), api_key=KEY)
    admitted = admit([later, first])
    assert logging_in(admitted) == {("shop", "dev", key_fingerprint(KEY))}
    assert admitted.problems == (f"Secret mill/dev: key api-key {ELSEWHERE}",)


def test_known_since_the_same_moment_nobody_has_it():
    both = [stored_api_key(n, since=known(KEY, at=1.0), api_key=KEY) for n in ("shop", "mill")]
    admitted = admit(both)
    assert admitted.api_keys == {}
    assert admitted.callers == {}
    assert len(admitted.problems) == 2


def test_a_former_value_that_is_known_elsewhere_costs_only_itself():
    first = stored_api_key("shop", since=known(KEY, at=1.0), api_key=KEY)
    later = stored_api_key(
        "mill", since=known(KEY, OTHER, at=2.0), api_key=OTHER, api_key_previous=KEY
    )
    admitted = admit([first, later])
    assert logging_in(admitted) == {
        ("shop", "dev", key_fingerprint(KEY)),
        ("mill", "dev", key_fingerprint(OTHER)),
    }
    assert admitted.problems == (f"Secret mill/dev: key api-key-previous {ELSEWHERE}",)


def test_a_current_value_that_is_known_elsewhere_costs_the_whole_secret():
    first = stored_api_key("shop", since=known(KEY, at=1.0), api_key=KEY)
    later = stored_api_key(
        "mill", since=known(KEY, OTHER, at=2.0), api_key=KEY, api_key_previous=OTHER
    )
    assert logging_in(admit([first, later])) == {("shop", "dev", key_fingerprint(KEY))}


def test_two_secrets_of_one_namespace_may_share_a_value():
    older = stored_api_key("shop", "b", since=known(KEY, at=1.0), api_key=KEY)
    newer = stored_api_key("shop", "a", since=known(KEY, at=2.0), api_key=KEY)
    admitted = admit([newer, older])
    assert admitted.problems == ()
    assert len(admitted.api_keys) == 2
    assert logging_in(admitted) == {("shop", "b", key_fingerprint(KEY))}


@pytest.mark.parametrize(
    ("annotations", "limits"),
    [
        ({}, KeyLimits()),
        ({"hookgate.dev/max-body-bytes": "65536"}, KeyLimits(max_body_bytes=65536)),
        ({"hookgate.dev/requests-per-second": "0.5"}, KeyLimits(requests_per_second=0.5)),
    ],
)
def test_a_secret_can_lower_what_its_key_may_do(annotations, limits):
    assert read_api_key({"api-key": LONG_ENOUGH}, annotations).limits == limits


@pytest.mark.parametrize("value", ["", "0", "-1", "nan", "inf", "many", "1.5", "9" * 40])
def test_a_body_limit_that_is_none_refuses_the_key_and_names_the_annotation(value):
    secret = read_api_key({"api-key": LONG_ENOUGH}, {"hookgate.dev/max-body-bytes": value})
    assert not secret.usable
    assert "hookgate.dev/max-body-bytes" in secret.problems[0]


@pytest.mark.parametrize(("annotations", "tolerance"), [({}, None), ({"hookgate.dev/tolerance-seconds": "300"}, 300.0)])  # fmt: skip
def test_the_timestamp_of_a_source_is_judged_only_where_its_secret_says_so(annotations, tolerance):
    assert read_source({"key": SOURCE_KEY}, annotations).tolerance == tolerance


@pytest.mark.parametrize("value", ["", "0", "-1", "nan", "inf", "5m"])
def test_a_tolerance_that_is_none_refuses_the_source_and_names_the_annotation(value):
    secret = read_source({"key": SOURCE_KEY}, {"hookgate.dev/tolerance-seconds": value})
    assert not secret.usable
    assert secret.problems == (
        "annotation hookgate.dev/tolerance-seconds must be a number of seconds above 0",
    )


FORGEABLE = (
    "is shorter than 16 bytes, so its webhooks could be forged; "
    "it has to be the API key that the server signs with"
)


@pytest.mark.parametrize(
    ("data", "problems", "keys"),
    [
        ({"key": SOURCE_KEY}, (), 1),
        ({"key": SOURCE_KEY[1:] + b"\n"}, (f"key key {FORGEABLE}",), 0),
        ({"key": b"x"}, (f"key key {FORGEABLE}",), 0),
        ({"key": b""}, ("key key is empty",), 0),
        ({"key": SOURCE_KEY, "key-previous": b"x"}, (f"key key-previous {FORGEABLE}",), 1),
    ],
)
def test_a_source_key_that_can_be_guessed_verifies_nothing(data, problems, keys):
    secret = read_source(data, {})
    assert (secret.problems, len(secret.values)) == (problems, keys)
