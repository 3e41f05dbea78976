"""
Reading an answer, without a socket: bytes in, and whether that was enough.

The receiver is hostile. Everything up to the end of the answer's headers, interim answers (1xx) included,
fits in :data:`HEAD_BYTES`; of what follows :data:`ANSWER_BYTES` are read as they travel, undecoded, and
then the status decides. The grammar is llhttp's in its strict form (RFC 9112): a bare line feed, two
lengths, a length beside chunks, or white space before a colon is no HTTP.
"""

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

HEAD_BYTES = 32 * 1024
MOST_HEADERS = 256
ANSWER_BYTES = 64 * 1024
"""What is read of an answer's body, chunk sizes and trailers included; the connection is closed after it."""
SHOWN_BODY_BYTES = 2048
"""What is kept of it."""

RawHeaders = list[tuple[bytes, bytes]]
"""Names and values as they came, in order."""

_TOO_MANY_HEADERS = "the receiver answered with more headers than are read"


class NotHttp(Exception):
    """What came is no answer in HTTP/1.x, or one that is out of all measure; the message is a sentence."""


class Answer:
    """An answer of which enough was read."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int, headers: RawHeaders, body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body
        """The first :data:`SHOWN_BODY_BYTES`."""

    def header(self, lowered: bytes) -> str:
        """The first value of a header, empty when there is none."""
        for name, value in self.headers:
            if name.lower() == lowered:
                return value.decode("latin-1")
        return ""


class AnswerReader:
    """Reads the answers of one connection, one after the other; :meth:`begin` comes before each."""

    __slots__ = (
        "_body_bytes",
        "_complete",
        "_ending_told",
        "_fault",
        "_head_bytes",
        "_headers",
        "_in_body",
        "_keep_alive",
        "_parser",
        "_shown",
        "_status",
    )

    def __init__(self) -> None:
        self._parser = HttpResponseParser(self)
        self.begin()

    def begin(self) -> None:
        """Expect an answer."""
        self._status = 0
        self._headers: RawHeaders = []
        self._shown = b""
        self._head_bytes = 0
        self._body_bytes = 0
        self._in_body = False
        self._complete = False
        self._keep_alive = False
        self._ending_told = False
        self._fault: str | None = None

    @property
    def begun(self) -> bool:
        """Whether a byte of the answer has come."""
        return self._head_bytes > 0

    @property
    def reusable(self) -> bool:
        """Whether the connection can carry another request: the answer ended, said so, and nothing followed."""
        return self._complete and self._keep_alive

    @property
    def answer(self) -> Answer:
        """The answer, once :meth:`feed` or :meth:`end` has said that it is there."""
        return Answer(self._status, self._headers, self._shown)

    def feed(self, data: bytes) -> bool:
        """Take what came; whether it is enough. Raises NotHttp."""
        if not self._in_body:
            room = HEAD_BYTES - self._head_bytes
            self._head_bytes += len(data)
            if len(data) <= room:
                self._parse(data)
                return self._complete
            self._parse(data[:room])
            data = data[room:]
        return self._complete or self._feed_body(data)

    def _feed_body(self, data: bytes) -> bool:
        if not self._in_body:
            raise NotHttp(_TOO_MANY_HEADERS)
        room = ANSWER_BYTES - self._body_bytes
        self._body_bytes += len(data)
        self._parse(data[:room] if len(data) > room else data)
        if not self._complete and self._body_bytes >= ANSWER_BYTES:
            self._complete, self._keep_alive = True, False
        return self._complete

    def end(self) -> bool:
        """The connection ended; whether that completes the answer."""
        if not self._complete and self._in_body and not self._ending_told:
            self._complete, self._keep_alive = True, False
        return self._complete

    def _parse(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except HttpParserUpgrade:
            self._fault = "the receiver wants to speak another protocol"
        except HttpParserError:
            self._fault = self._fault or "the receiver answered with something that is not HTTP"
        if self._fault is not None:
            if not self._complete:
                raise NotHttp(self._fault)
            self._keep_alive = False  # the answer was whole; what follows it is not

    # -------------------------------------------------------------------- what the parser calls

    def on_message_begin(self) -> None:
        if self._complete:  # a second answer to one request
            self._keep_alive = False

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._in_body:
            return  # a trailer, or a second answer's
        if len(self._headers) >= MOST_HEADERS:
            self._fault = _TOO_MANY_HEADERS
            return
        self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        if self._complete or self._fault is not None:
            return
        self._status = self._parser.get_status_code()
        if self._status >= 200:
            self._in_body = True
            self._keep_alive = self._parser.should_keep_alive()
            self._ending_told = self._keep_alive or _tells_its_end(self._headers)
        elif self._status == 101:
            self._fault = "the receiver wants to speak another protocol"
        else:
            self._headers = []

    def on_body(self, data: bytes) -> None:
        missing = SHOWN_BODY_BYTES - len(self._shown)
        if missing > 0 and not self._complete:
            self._shown += data[:missing]

    def on_message_complete(self) -> None:
        if self._in_body:
            self._complete = True


def _tells_its_end(headers: RawHeaders) -> bool:
    """Whether an answer says where it ends; one that does not ends with its connection (RFC 9112 §6.3)."""
    codings = b""
    sized = False
    for name, value in headers:
        lowered = name.lower()
        if lowered == b"transfer-encoding":
            codings = value
        elif lowered == b"content-length":
            sized = True
    if codings:
        return codings.rpartition(b",")[2].strip().lower() == b"chunked"
    return sized
