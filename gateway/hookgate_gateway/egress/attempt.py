"""
From an answer, or from what went wrong, to an attempt: outcome, sentence, what is shown.

Plain functions. Sentences are written here: an exception's own text can hold a resolved address, a URL
with its secret, or whatever a hostile receiver sent.
"""

import errno
import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from itertools import islice

from hookgate.deliveries import Outcome
from hookgate_gateway.egress.answers import Answer, NotHttp
from hookgate_gateway.egress.request import Unsendable
from hookgate_gateway.rules.delivery import Timestamp

_SHOWN_HEADERS = 32
_SHOWN_VALUE_LENGTH = 512
_MASKED_ANSWERS = frozenset(
    {b"set-cookie", b"set-cookie2", b"authorization", b"proxy-authorization"}
)
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


def retry_after(answer: Answer, now: Timestamp) -> float | None:
    """Seconds to wait that a 429 or 503 asks for, in either form of RFC 9110 §10.2.3; 0 to a day."""
    if answer.status not in (429, 503):
        return None
    value = answer.header(b"retry-after").strip()
    if not value or len(value) > 64 or not value.isascii():
        return None
    if value.isdigit():
        return min(float(value), LONGEST_RETRY_AFTER)
    try:
        moment = parsedate_to_datetime(value).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return min(max(moment - now, 0.0), LONGEST_RETRY_AFTER)


def shown_headers(headers: Iterable[tuple[bytes, bytes]]) -> tuple[tuple[str, str], ...]:
    """An answer's headers for people: not too many, not too long, text, no session of anybody."""
    return tuple(
        [
            (
                name.decode("latin-1"),
                "***"
                if name.lower() in _MASKED_ANSWERS
                else value[:_SHOWN_VALUE_LENGTH].decode("utf-8", "replace"),
            )
            for name, value in islice(headers, _SHOWN_HEADERS)
        ]
    )


# --------------------------------------------------------------------------------------- failures

_CONNECTING = {
    errno.EPIPE: "the receiver closed the connection before it answered",
    errno.ECONNREFUSED: "nothing listens there: the connection was refused",
    errno.ECONNRESET: "the receiver reset the connection",
    errno.EHOSTUNREACH: "there is no route to the receiver",
    errno.ENETUNREACH: "there is no route to the receiver",
    errno.ETIMEDOUT: "connecting to the receiver timed out",
}


def failure_of(error: Exception) -> Failure | None:
    """What went wrong on the network; None for an exception that nobody expects here."""
    if isinstance(error, ssl.SSLError):
        return Failure(Outcome.TLS_ERROR, _explain_tls(error))
    if isinstance(error, OSError):
        sentence = _CONNECTING.get(error.errno or 0, "the connection failed")
        return Failure(Outcome.CONNECTION_ERROR, sentence)
    if isinstance(error, NotHttp | Unsendable):
        return Failure(Outcome.CONNECTION_ERROR, str(error))
    return None


def failure_of_ending(*, begun: bool) -> Failure:
    """What it means that the receiver closed the connection, in or before its answer."""
    if begun:
        sentence = "the connection ended before the answer was complete"
    else:
        sentence = "the receiver closed the connection before it answered"
    return Failure(Outcome.CONNECTION_ERROR, sentence)


def _explain_tls(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        message = getattr(error, "verify_message", "")
        return f"the receiver's certificate is not trusted: {message}".removesuffix(": ")
    reason = (getattr(error, "reason", None) or "").replace("_", " ").lower()
    return f"TLS failed: {reason}" if reason else "TLS failed"
