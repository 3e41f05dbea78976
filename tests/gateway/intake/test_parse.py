"""From bytes to a document, whatever the bytes are."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookgate_gateway.intake.parse import parse_document, read_body
from hookgate_gateway.rules.report import Report, Unreadable
from tests.gateway.intake.parts import payload


def test_json_is_parsed():
    assert parse_document(b'{"a": [1, "\xc3\xa4", null]}') == {"a": [1, "ä", None]}


def test_what_skyvern_emits_and_json_does_not_know_is_parsed():
    document = parse_document(b'{"a": NaN, "b": Infinity, "c": -Infinity, "d": 1e999}')
    assert math.isnan(document.pop("a"))
    assert document == {"b": math.inf, "c": -math.inf, "d": math.inf}


def test_a_lone_surrogate_far_from_what_routes_does_no_harm():
    report = read_body(b'{"run_id": "a", "status": "failed", "output": "\\ud800"}')
    assert isinstance(report, Report)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"{'run_id': 1}", "not JSON"),
        (b"{}{}", "not JSON"),
        (b"\xef\xbb\xbf{}", "not JSON"),
        (b'{"a": "\xff"}', "not UTF-8"),
        ('{"run_id": "a"}'.encode("utf-16"), "not UTF-8"),
        (b'{"a": NaN, "b": ' + b"9" * 5000 + b"}", "too long"),
        (b"[" * 200_000, "too deeply"),
        (b'{"a":' * 200_000, "too deeply"),
        (b"[" * 100_000 + b"]" * 100_000, "too deeply"),
    ],
)
def test_what_cannot_be_parsed_is_told_and_not_repeated(body, reason):
    refused = parse_document(body)
    assert isinstance(refused, Unreadable)
    assert (refused.type, refused.loc) == ("json_invalid", ())
    assert reason in refused.msg
    assert "run_id" not in refused.msg
    assert read_body(body) == refused


def test_a_document_that_is_no_report_is_refused_by_the_rules():
    assert read_body(b"[]").type == "dict_type"
    assert read_body(payload("tsk_9")).run_id == "tsk_9"


@given(st.binary())
def test_any_bytes_are_read_or_refused(body):
    assert isinstance(read_body(body), Report | Unreadable)


@given(st.dictionaries(st.text(), st.floats() | st.text() | st.integers(-(2**63), 2**63)))
def test_whatever_python_serialises_is_parsed(document):
    text = json.dumps(document)
    assert json.dumps(parse_document(text.encode())) == text
