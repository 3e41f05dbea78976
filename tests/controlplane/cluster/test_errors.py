"""What answers of an API server mean, as a table."""

import json

import pytest

from hookgate_operator.cluster.errors import Call, Conflict, Expired, Missing, refusal, silence
from hookgate_operator.cluster.resources import EVENTS, SECRETS, SUBSCRIPTIONS
from hookgate_operator.ports import ClusterError, Forbidden, Throttled, Unavailable

GET = Call("get", SUBSCRIPTIONS, "shop", "invoices")
LIST = Call("list", SECRETS, None)
STATUS = Call("patch", SUBSCRIPTIONS, "shop", "invoices", "status")
CREATE = Call("create", EVENTS, "shop")


def status(message="", **details):
    return json.dumps({"kind": "Status", "message": message, "details": details}).encode()


THERE_IS_NONE = status(name="invoices", group="hookgate.dev", kind="webhooksubscriptions")
GOING = status(causes=[{"reason": "NamespaceTerminating", "field": "metadata.namespace"}])

CASES = [
    # what was asked, code, body → error, a part of its sentence
    (GET, 403, b"", Forbidden, "may not get webhooksubscriptions.hookgate.dev in namespace shop"),
    (LIST, 403, b"", Forbidden, "may not list secrets cluster-wide; give its ServiceAccount"),
    (STATUS, 403, b"", Forbidden, "may not patch webhooksubscriptions.hookgate.dev/status in"),
    (CREATE, 403, GOING, Missing, "the namespace is being deleted"),
    (CREATE, 403, status(causes=[{"reason": "Other"}]), Forbidden, "may not create"),
    (GET, 404, THERE_IS_NONE, Missing, "there is no invoices"),
    (GET, 404, status(), Unavailable, "install the CRDs"),
    (GET, 404, b"404 page not found\n", Unavailable, "install the CRDs"),
    (GET, 404, status(name="invoices", kind="namespaces"), Unavailable, "install the CRDs"),
    (GET, 404, b'["invoices"]', Unavailable, "install the CRDs"),
    (LIST, 404, b"", Unavailable, "does not serve that (404)"),
    (CREATE, 404, status(name="shop", kind="namespaces"), Missing, "no such namespace"),
    (CREATE, 404, status(), Unavailable, "does not serve that (404)"),
    (STATUS, 409, b"", Conflict, "another version"),
    (LIST, 410, b"", Expired, "begun again"),
    (LIST, 401, b"", Unavailable, "token (401)"),
    (LIST, 408, b"", Unavailable, "in trouble (408)"),
    (LIST, 500, b"", Unavailable, "in trouble (500)"),
    (LIST, 504, b"<html>", Unavailable, "in trouble (504)"),
    (STATUS, 422, status("status.conditions: too many"), ClusterError, "status.conditions: too"),
    (STATUS, 400, b"", ClusterError, "without a reason"),
    (STATUS, 418, b"{}", ClusterError, "refused (418)"),
]


@pytest.mark.parametrize(("call", "code", "body", "kind", "words"), CASES)
def test_an_answer_is_one_error_in_one_sentence(call, code, body, kind, words):
    error = refusal(call, code, {}, body)
    assert type(error) is kind
    assert words in str(error)
    assert "\n" not in str(error)


@pytest.mark.parametrize(
    ("headers", "body", "seconds"),
    [
        ({"Retry-After": "7"}, b"", 7.0),
        ({}, status(retryAfterSeconds=3), 3.0),
        ({"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}, b"", 1.0),
        ({"Retry-After": "-1"}, b"", 0.0),
        ({"Retry-After": "86400"}, b"", 60.0),
        ({"Retry-After": "inf"}, b"", 60.0),
        ({"Retry-After": "nan"}, b"", 0.0),
        ({}, b"", 1.0),
    ],
)
def test_patience_is_what_the_server_asks_for(headers, body, seconds):
    error = refusal(GET, 429, headers, body)
    assert (type(error), error.retry_after) == (Throttled, seconds)


def test_trouble_may_come_with_a_time_too():
    assert refusal(GET, 503, {"Retry-After": "5"}, b"").retry_after == 5
    assert refusal(GET, 503, {}, b"").retry_after is None


def test_words_of_the_server_are_bounded():
    assert len(str(refusal(STATUS, 422, {}, status("x" * 10_000)))) < 500


def test_silence_shows_the_kind_of_error_alone():
    assert "no answer in time" in str(silence(GET, TimeoutError("https://user:secret@host")))
    error = silence(GET, OSError("https://user:secret@host"))
    assert type(error) is Unavailable
    assert "(OSError)" in str(error)
    assert "secret@" not in str(error)
