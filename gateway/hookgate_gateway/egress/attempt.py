"""
From an answer, or from what went wrong, to an attempt: outcome, sentence, what is shown.

Plain functions. Sentences are written here: an exception's own text can hold a resolved address, a URL
with its secret, or whatever a hostile receiver sent.
"""

import errno
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from itertools import islice

import aiohttp

from hookgate_gateway.rules.delivery import Outcome, Timestamp

SHOWN_BODY_BYTES = 2048
_SHOWN_HEADERS = 32
_SHOWN_VALUE_LENGTH = 512
_MASKED_ANSWERS = frozenset({"set-cookie", "set-cookie2", "authorization", "proxy-authorization"})
LONGEST_RETRY_AFTER = 86400.0
"""Seconds; whoever asks for more is understood to ask for this."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why there is no answer that counts, with a sentence for people."""

    outcome: Outcome
    error: str


# ---------------------------------------------------------------------------------------- answers

_BY_STATUS = {410: Outcome.GONE, 429: Outcome.RATE_LIMITED}
_BY_CLASS = {
    2: Outcome.SUCCESS,
    3: Outcome.REDIRECT,
    4: Outcome.CLIENT_ERROR,
    5: Outcome.SERVER_ERROR,
}


def outcome_of(status: int) -> Outcome:
    """The outcome of a complete answer. A status that HTTP does not know counts as the server's error."""
    return _BY_STATUS.get(status) or _BY_CLASS.get(status // 100, Outcome.SERVER_ERROR)


def explain_status(status: int) -> str | None:
    """A sentence for an answer that is no success."""
    if 200 <= status < 300:
        return None
    if 300 <= status < 400:
        return f"the receiver answered {status}; redirects are not followed"
    if status == 410:
        return "the receiver is gone (410)"
    return f"the receiver answered {status}"


def retry_after(status: int, headers: Mapping[str, str], now: Timestamp) -> float | None:
    """Seconds to wait that a 429 or 503 asks for, in either form of RFC 9110 §10.2.3; 0 to a day."""
    if status not in (429, 503):
        return None
    value = headers.get("Retry-After", "").strip()
    if not value or len(value) > 64 or not value.isascii():
        return None
    if value.isdigit():
        return min(float(value), LONGEST_RETRY_AFTER)
    try:
        moment = parsedate_to_datetime(value).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return min(max(moment - now, 0.0), LONGEST_RETRY_AFTER)


def shown_headers(headers: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """An answer's headers for people: not too many, not too long, text, no session of anybody."""
    return tuple(
        [
            (name, "***" if name.lower() in _MASKED_ANSWERS else _as_text(value))
            for name, value in islice(headers.items(), _SHOWN_HEADERS)
        ]
    )


def _as_text(value: str) -> str:
    """Not too long, and without lone surrogates, which stand for bytes that were no UTF-8 and that no store takes."""
    value = value[:_SHOWN_VALUE_LENGTH]
    return value if value.isascii() else value.encode("utf-8", "replace").decode()


# --------------------------------------------------------------------------------------- failures

_CONNECTING = {
    errno.ECONNREFUSED: "nothing listens there: the connection was refused",
    errno.ECONNRESET: "the receiver reset the connection",
    errno.EHOSTUNREACH: "there is no route to the receiver",
    errno.ENETUNREACH: "there is no route to the receiver",
    errno.ETIMEDOUT: "connecting to the receiver timed out",
}


def failure_of(error: Exception) -> Failure | None:
    """What went wrong on the network; None for an exception that nobody expects here."""
    if (cause := _tls_cause(error)) is not None:
        return Failure(Outcome.TLS_ERROR, _explain_tls(cause))
    if isinstance(error, OSError):
        sentence = _CONNECTING.get(error.errno or 0, "the connection failed")
        return Failure(Outcome.CONNECTION_ERROR, sentence)
    for kind, sentence in _SENTENCES:
        if isinstance(error, kind):
            return Failure(Outcome.CONNECTION_ERROR, sentence)
    return None


_SENTENCES: tuple[tuple[type[Exception], str], ...] = (
    (aiohttp.ServerDisconnectedError, "the receiver closed the connection before it answered"),
    (aiohttp.ClientPayloadError, "the connection ended before the answer was complete"),
    (aiohttp.ClientResponseError, "the receiver answered with something that is not HTTP"),
    (aiohttp.ClientError, "the connection failed"),
    (ValueError, "a header or the URL cannot be sent in HTTP"),
)


def is_stale(error: Exception) -> bool:
    """Whether a kept connection ended before a byte of the answer: the receiver had closed it already."""
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return isinstance(error.message, str)  # else it holds the answer that had begun
    if isinstance(error, aiohttp.ClientConnectorError):
        return False  # a new connection that failed: looked up, refused, or not made
    return isinstance(error, aiohttp.ClientOSError) and _tls_cause(error) is None


def _tls_cause(error: BaseException | None) -> ssl.SSLError | None:
    """The TLS library's own error, where one is behind this one."""
    found: ssl.SSLError | None = None
    for _ in range(8):  # a chain of causes can be circular
        if error is None:
            break
        if isinstance(error, ssl.SSLError):
            found = error  # aiohttp's errors are SSLErrors too: the innermost one has the reason
        error = getattr(error, "certificate_error", None) or error.__cause__ or error.__context__
    return found


def _explain_tls(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        message = getattr(error, "verify_message", "")
        return f"the receiver's certificate is not trusted: {message}".removesuffix(": ")
    reason = (getattr(error, "reason", None) or "").replace("_", " ").lower()
    return f"TLS failed: {reason}" if reason else "TLS failed"
