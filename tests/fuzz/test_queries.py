"""Query parameters and cursors: a value, or the documented refusal."""

import base64
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import MultiDict

from hookgate_gateway.api import paging, times
from hookgate_gateway.api.errors import Refusal
from hookgate_gateway.ports import InvalidCursor
from hookgate_gateway.store.cursor import read_cursor, write_cursor
from tests.fuzz.hostile import damaged, json_values

texts = st.text(max_size=40) | st.from_regex(r"[-+]?[0-9_.e]{0,30}") | st.sampled_from(["", "x" * 513, "\x00", "٣", "50 ", "\ud800"])  # fmt: skip
moments = damaged(st.just(b"2024-03-01T10:00:00.25+02:00"), st.sampled_from([b"Z", b" ", b"24", b"0000", b"9999", b"W53", b"+24:00", b"-", b"1e9"])).map(lambda b: b.decode("latin-1"))  # fmt: skip

SHAPES = [(str,), (float, str)]


@given(st.lists(texts | moments, max_size=60))
def test_any_parameter_is_a_value_or_a_422(given_texts):
    query = MultiDict(("p", text) for text in given_texts)
    questions: list[Any] = [
        lambda: paging.limit(MultiDict(limit=query.get("p", ""))),
        lambda: paging.word(query, "p"),
        lambda: paging.words(query, "p"),
        lambda: paging.moment(query, "p"),
    ]
    for question in questions:
        assert _refused(question) in (None, 422)


def _refused(question):
    """The status that a question is refused with."""
    try:
        question()
    except Refusal as refusal:
        return refusal.response().status
    return None


@given(texts | moments)
def test_a_time_that_is_read_can_be_told(text):
    try:
        moment = times.parse(text)
    except ValueError:
        return
    assert abs(times.parse(times.text(moment)) - moment) < 0.002


@given(st.sampled_from(SHAPES), st.text(max_size=80) | json_values().map(repr))
def test_any_text_is_a_cursor_or_refused(shape, text):
    _judge(text, shape)


@given(
    st.sampled_from(SHAPES),
    json_values() | st.lists(st.floats() | st.text(max_size=9) | st.integers(), max_size=3),
)
def test_any_document_in_a_cursor(shape, document):
    try:
        inside = orjson.dumps(document)
    except TypeError:  # JSON has no form for it
        return
    _judge(base64.urlsafe_b64encode(inside).decode().rstrip("="), shape)


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False) | st.text(alphabet=st.characters(codec="utf-8")), min_size=1, max_size=3))  # fmt: skip
def test_a_cursor_is_read_as_it_was_written(position):
    assert read_cursor(write_cursor(position), *map(type, position)) == position


@pytest.mark.parametrize(
    "text", ["W" * 100_000, base64.b64encode(b"[" * 3000).decode(), "====", "é"]
)
def test_large_and_deep_cursors(text):
    with pytest.raises(InvalidCursor):
        read_cursor(text, str)


def _judge(text, shape):
    try:
        position = read_cursor(text, *shape)
    except InvalidCursor:
        return
    assert [type(part) for part in position] == list(shape)
