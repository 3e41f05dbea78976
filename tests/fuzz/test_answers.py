"""A hostile receiver's answer: the same however it is cut, small whatever it holds; its pauses are bounded."""

import math

from hypothesis import given
from hypothesis import strategies as st

from hookgate.deliveries import Outcome
from hookgate_gateway.egress.answers import (
    MOST_HEADERS,
    SHOWN_BODY_BYTES,
    Answer,
    AnswerReader,
    NotHttp,
)
from hookgate_gateway.egress.attempt import (
    LONGEST_RETRY_AFTER,
    explain_status,
    outcome_of,
    retry_after,
    shown_headers,
)
from hookgate_gateway.rules.delivery import Attempt
from hookgate_gateway.rules.retry import LONGEST_PAUSE, asked_pause
from tests.fuzz.hostile import damaged, pieces

NOW = 1_700_000_000.0

statuses = st.sampled_from(
    [b"100", b"101", b"103", b"200", b"204", b"304", b"410", b"429", b"503", b"999"]
)
header = st.sampled_from(
    [
        *(b"Content-Length: 5", b"Content-Length: 0", b"content-length: 5, 5", b"Content-Length: 99999"),
        *(b"Transfer-Encoding: chunked", b"Transfer-Encoding: gzip, chunked", b"Transfer-Encoding: gzip"),
        *(b"Connection: close", b"Connection: keep-alive", b"Connection: upgrade", b"Upgrade: h2c"),
        *(b"Retry-After: 7", b"Set-Cookie: a=b", b"X-Odd: caf\xe9", b"X : y", b" folded", b"X-Long: " + b"z" * 4000),
    ]
)  # fmt: skip
body = st.sampled_from([b"", b"hello", b"5\r\nhello\r\n0\r\n\r\n", b"0\r\nT: 1\r\n\r\n", b"5;x=y\r\nhello\r\n", b"FFFFFFFFFFFFFFFFF\r\n"])  # fmt: skip


@st.composite
def answers(draw):
    """One or two answers, most of them nearly sound."""
    line = b"HTTP/1." + draw(st.sampled_from([b"0 ", b"1 "])) + draw(statuses) + b" Whatever"
    head = b"\r\n".join([line, *draw(st.lists(header, max_size=4))])
    return head + b"\r\n\r\n" + draw(body)


splinters = st.sampled_from(
    [b"\r\n", b"\n", b"\r", b"\x00", b":", b" ", b"HTTP/1.1 200 OK\r\n\r\n", b"0\r\n\r\n", b"\xff"]
)
streams = damaged(st.lists(answers(), min_size=1, max_size=3).map(b"".join), splinters)


def read(data, *, ends):
    """What an answer comes to: a refusal, nothing yet, or status, headers, body and whether it is kept."""
    reader = AnswerReader()
    try:
        complete = False
        for piece in data:
            complete = complete or reader.feed(piece)
        if not complete and not (ends and reader.end()):
            return None
    except NotHttp as error:
        return str(error)
    answer = reader.answer
    return answer.status, answer.headers, answer.body


@given(streams, st.booleans(), st.data())
def test_an_answer_is_the_same_however_it_is_cut(stream, ends, data):
    cut = data.draw(pieces(stream))
    bytewise = [stream[at : at + 1] for at in range(len(stream))]
    assert read(cut, ends=ends) == read([stream], ends=ends) == read(bytewise, ends=ends)


@given(streams)
def test_what_is_kept_of_an_answer_is_little_and_can_be_shown(stream):
    found = read([stream], ends=True)
    if not isinstance(found, tuple):
        return
    status, headers, kept = found
    assert 200 <= status <= 999
    assert len(headers) <= MOST_HEADERS
    assert len(kept) <= SHOWN_BODY_BYTES
    assert isinstance(outcome_of(status), Outcome)
    explain_status(status)
    for name, value in shown_headers(headers):
        assert (name + value).encode()
        assert "a=b" not in value or name.lower() != "set-cookie"


dates = damaged(st.just(b"Wed, 21 Oct 2065 07:28:00 GMT"), st.sampled_from([b"-2400", b"+9999", b"0000", b"99999", b"-0000", b"Feb", b"(", b'"']))  # fmt: skip


@given(
    st.sampled_from([429, 503, 200]),
    st.binary(max_size=80) | dates | st.from_regex(rb"-?[0-9]{1,70}"),
)
def test_any_retry_after_is_a_pause_of_at_most_an_hour(status, value):
    answer = Answer(status, [(b"Retry-After", value)], b"")
    asked = retry_after(answer, NOW)
    assert asked is None or (0 <= asked <= LONGEST_RETRY_AFTER and math.isfinite(asked))
    assert asked is None or status != 200
    attempt = Attempt(outcome=outcome_of(status), started_at=NOW, duration=0.1, status=status, retry_after=asked)  # fmt: skip
    assert 0 <= asked_pause(attempt) <= LONGEST_PAUSE
