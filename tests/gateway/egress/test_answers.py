"""Reading answers: the same whatever the pieces they come in, and in measure whoever sends them."""

from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookgate_gateway.egress.answers import (
    ANSWER_BYTES,
    HEAD_BYTES,
    MOST_HEADERS,
    SHOWN_BODY_BYTES,
    AnswerReader,
    NotHttp,
)

OK = b"HTTP/1.1 200 OK\r\n"
SIZED = OK + b"Content-Length: 2\r\n\r\nok"
CHUNKS = b"Transfer-Encoding: chunked\r\n\r\n"
Result = tuple[int, bytes, bool] | str
"""Status, what is shown of the body, whether the connection may be used again; or why it is no HTTP."""

WHOLE: list[tuple[bytes, Result]] = [
    (SIZED, (200, b"ok", True)),
    (b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", (200, b"", True)),
    (b"HTTP/1.1 204 No Content\r\n\r\n", (204, b"", True)),
    (b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", (204, b"", True)),
    (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", (304, b"", True)),
    (b"HTTP/1.1 799 ?\r\nContent-Length: 0\r\n\r\n", (799, b"", True)),
    (OK + b"Connection: close\r\nContent-Length: 2\r\n\r\nok", (200, b"ok", False)),
    (OK + b"Connection: Keep-Alive\r\nContent-Length: 2\r\n\r\nok", (200, b"ok", True)),
    (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", (200, b"ok", False)),
    (b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok", (200, b"ok", True)),
    (OK + CHUNKS + b"2\r\nok\r\n0\r\n\r\n", (200, b"ok", True)),
    (OK + CHUNKS + b'1\r\no\r\n1;name="value"\r\nk\r\n000\r\n\r\n', (200, b"ok", True)),
    (OK + CHUNKS + b"2\r\nok\r\n0\r\nX-Trailer: 1\r\nX-Other: 2\r\n\r\n", (200, b"ok", True)),
    (OK + CHUNKS + b"A\r\n0123456789\r\n0\r\n\r\n", (200, b"0123456789", True)),
    (b"HTTP/1.1 100 Continue\r\n\r\n" + SIZED, (200, b"ok", True)),
    (b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" * 3 + SIZED, (200, b"ok", True)),
    (OK + b"X-Empty:\r\nX-Blank:  \r\nContent-Length: 2\r\n\r\nok", (200, b"ok", True)),
    (OK + b"Upgrade: h2c\r\nContent-Length: 2\r\n\r\nok", (200, b"ok", True)),
]  # fmt: skip
NOT_HTTP = "the receiver answered with something that is not HTTP"
BROKEN: list[tuple[bytes, Result]] = [
    (b"SSH-2.0-OpenSSH_9.6\r\n", NOT_HTTP),
    (b"\x15\x03\x01\x00\x02\x02\x46", NOT_HTTP),
    (b"HTTP/2.0 200 OK\r\nContent-Length\r\n\r\n", NOT_HTTP),
    (b"HTTP/1.1 20 OK\r\n\r\n", NOT_HTTP),
    (b"HTTP/1.1 2x0 OK\r\n\r\n", NOT_HTTP),
    (b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok", NOT_HTTP),
    (OK + b"Content-Length: 2\nX-A: 1\r\n\r\nok", NOT_HTTP),
    (OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nok", NOT_HTTP),
    (OK + b"Content-Length: -1\r\n\r\n", NOT_HTTP),
    (OK + b"Content-Length: 99999999999999999999999\r\n\r\n", NOT_HTTP),
    (OK + b"Content-Length: 2\r\n" + CHUNKS + b"2\r\nok\r\n0\r\n\r\n", NOT_HTTP),
    (OK + b"X-A : 1\r\n\r\n", NOT_HTTP),
    (OK + b"X-A: 1\r\n folded\r\nContent-Length: 0\r\n\r\n", NOT_HTTP),
    (OK + b"X-A: a\x00b\r\n\r\n", NOT_HTTP),
    (OK + CHUNKS + b"x\r\nok\r\n0\r\n\r\n", NOT_HTTP),
    (OK + CHUNKS + b"-1\r\nok\r\n0\r\n\r\n", NOT_HTTP),
    (OK + CHUNKS + b"2\r\nokk\r\n0\r\n\r\n", NOT_HTTP),
    (OK + CHUNKS + b"2\nok\n0\n\n", NOT_HTTP),
    (OK + CHUNKS + b"ffffffffffffffffff\r\nok", NOT_HTTP),
    (b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n", "the receiver wants to speak another protocol"),
    (b"HTTP/1.1 101 Switching Protocols\r\n\r\n", "the receiver wants to speak another protocol"),
]  # fmt: skip
TILL_THE_END: list[tuple[bytes, Result]] = [
    (OK + b"\r\nok", (200, b"ok", False)),
    (OK + b"Connection: close\r\n\r\nok", (200, b"ok", False)),
    (b"HTTP/1.0 200 OK\r\n\r\n", (200, b"", False)),
    (OK + b"Transfer-Encoding: gzip\r\n\r\nok", (200, b"ok", False)),
]


def read(pieces: list[bytes], *, ends: bool = False) -> Result | None:
    """What a reader makes of it; None when the answer is not there yet."""
    reader = AnswerReader()
    complete = False
    try:
        for piece in pieces:
            complete = complete or reader.feed(piece)
    except NotHttp as error:
        return str(error)
    if not complete and not (ends and reader.end()):
        return None
    answer = reader.answer
    return answer.status, answer.body, reader.reusable


def cuts(data: bytes) -> list[list[bytes]]:
    """Every way to send it in two pieces, and byte by byte."""
    bytewise = [data[at : at + 1] for at in range(len(data))]
    return [[data[:at], data[at:]] for at in range(1, len(data))] + [bytewise, [data]]


@pytest.mark.parametrize(("data", "result"), WHOLE + BROKEN)
def test_an_answer_reads_the_same_however_it_is_cut(data: bytes, result: Result) -> None:
    assert {read(pieces) for pieces in cuts(data)} == {result}


@pytest.mark.parametrize(("data", "result"), TILL_THE_END)
def test_an_answer_that_does_not_tell_its_end_ends_with_the_connection(
    data: bytes, result: Result
) -> None:
    for pieces in cuts(data):
        assert read(pieces) is None
        assert read(pieces, ends=True) == result


@pytest.mark.parametrize("data", [data for data, _ in WHOLE])
def test_half_an_answer_is_none_whatever_ends(data: bytes) -> None:
    for at in range(len(data)):
        assert read([data[:at]], ends=True) is None


@given(st.sampled_from(WHOLE), st.lists(st.integers(0, 200), max_size=8))
def test_any_pieces_of_two_answers_on_one_connection(
    case: tuple[bytes, Result], places: list[int]
) -> None:
    data, result = case
    reader = AnswerReader()
    for _ in range(2):
        reader.begin()
        bounds = sorted({0, len(data), *(place for place in places if place < len(data))})
        fed = [reader.feed(data[a:b]) for a, b in pairwise(bounds)]
        assert fed == [False] * (len(fed) - 1) + [True]
        answer = reader.answer
        assert (answer.status, answer.body, reader.reusable) == result
        if not reader.reusable:
            return


@given(st.lists(st.binary(max_size=400), max_size=6))
def test_no_bytes_do_more_than_be_refused(pieces: list[bytes]) -> None:
    read([OK, *pieces], ends=True)
    read(pieces, ends=True)


@pytest.mark.parametrize("excess", [SIZED, b"HTTP/1.1 500 No\r\n\r\n", b"garbage", b"\x00"])
def test_what_follows_an_answer_spoils_the_connection_and_not_the_answer(excess: bytes) -> None:
    assert read([SIZED + excess]) == (200, b"ok", False)


def test_trailers_are_no_headers() -> None:
    reader = AnswerReader()
    assert reader.feed(OK + CHUNKS + b"0\r\nRetry-After: 7\r\n\r\n")
    assert reader.answer.headers == [(b"Transfer-Encoding", b"chunked")]


def test_headers_of_interim_answers_are_none_of_the_answers() -> None:
    reader = AnswerReader()
    assert reader.feed(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + SIZED)
    assert reader.answer.headers == [(b"Content-Length", b"2")]


# ---------------------------------------------------------------------------------------- measure


class Pieces:
    """Data in pieces of one size, and how much of it was taken."""

    def __init__(self, data: bytes, size: int) -> None:
        self.data = data
        self.size = size
        self.taken = 0

    def __iter__(self) -> Iterator[bytes]:
        while self.taken < len(self.data):
            piece = self.data[self.taken : self.taken + self.size]
            self.taken += self.size
            yield piece


def feed(reader: AnswerReader, pieces: Pieces) -> bool:
    return any(reader.feed(piece) for piece in pieces)


@pytest.mark.parametrize(
    "flood",
    [
        b"HTTP/1.1 100 Continue\r\n\r\n" * 4000,
        b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" * 4000,
        OK + b"X-Huge: " + b"y" * HEAD_BYTES,
        OK + b"y" * 2 * HEAD_BYTES,
        b"HTTP/1.1 200 " + b"y" * 2 * HEAD_BYTES,
        OK + b"".join(b"X-Many-%d: z\r\n" % n for n in range(MOST_HEADERS + 1)) + b"\r\n",
    ],
)
@pytest.mark.parametrize("size", [1 << 20, 1460, 7])
def test_heads_are_read_in_measure(flood: bytes, size: int) -> None:
    reader, pieces = AnswerReader(), Pieces(flood, size)
    with pytest.raises(NotHttp, match="more headers than are read"):
        feed(reader, pieces)
    assert size > 1460 or pieces.taken <= HEAD_BYTES + size


@pytest.mark.parametrize(
    ("head", "unit"),
    [
        (b"Content-Length: 1000000000\r\n\r\n", b"x" * 1000),
        (CHUNKS, b"3e8\r\n" + b"x" * 1000 + b"\r\n"),
        (CHUNKS, b"1;" + b"e" * 1000 + b"\r\nx\r\n"),
        (CHUNKS + b"0\r\n", b"X-Trailer: " + b"t" * 1000 + b"\r\n"),
        (b"Connection: close\r\n\r\n", b"x" * 1000),
    ],
)
@pytest.mark.parametrize("size", [1 << 20, 1460])
def test_bodies_are_read_in_measure_and_then_the_status_decides(
    head: bytes, unit: bytes, size: int
) -> None:
    reader, pieces = AnswerReader(), Pieces(OK + head + unit * 200, size)
    assert feed(reader, pieces)
    assert size > 1460 or pieces.taken <= ANSWER_BYTES + 2 * size
    assert reader.answer.status == 200
    assert len(reader.answer.body) <= SHOWN_BODY_BYTES
    assert not reader.reusable


def test_an_answer_of_just_the_measure_is_whole() -> None:
    data = OK + b"Content-Length: %d\r\n\r\n" % ANSWER_BYTES + b"x" * ANSWER_BYTES
    assert read([data[:100], data[100:]]) == (200, b"x" * SHOWN_BODY_BYTES, True)
