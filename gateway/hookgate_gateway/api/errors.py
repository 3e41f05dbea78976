"""
Errors as answers: JSON ``{"detail", "code"}``, never a stack trace, never a secret.

Handlers raise :class:`Refusal`; what other parts raise is translated here, once, at the boundary.
"""

from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from math import ceil
from typing import Any, Final

from aiohttp import web
from pydantic import ValidationError

from hookgate_gateway.api import answers
from hookgate_gateway.dispatch.direct import DirectRefused, TooManyTests
from hookgate_gateway.intake.accept import Overloaded
from hookgate_gateway.intake.quota import BacklogFull
from hookgate_gateway.observe import Credential, Observer, RefusedRequest
from hookgate_gateway.ports import InvalidCursor, OwnedByAnother, StoreFull, StoreUnavailable
from hookgate_gateway.rules.report import Unreadable
from hookgate_process.failures import where_raised

__all__ = [
    "Refusal",
    "conflict",
    "from_exception",
    "invalid",
    "unknown",
    "unreadable",
    "validation",
]

RETRY_AFTER: Final = 5.0
"""Seconds after which a client may try again what the store could not take."""


class Refusal(Exception):
    """A request that is answered with an error.

    ``detail`` is a sentence for people or, for a validation, a list of ``{loc, msg, type}``; ``code`` a
    word for machines; ``retry_after`` seconds for the header of that name; ``challenge`` how one shows
    who one is (a 401's WWW-Authenticate).
    """

    def __init__(
        self,
        status: int,
        code: str,
        detail: str | list[dict[str, Any]],
        *,
        retry_after: float | None = None,
        challenge: str | None = None,
        **more: Any,
    ) -> None:
        super().__init__(f"{status} {code}")
        self.status = status
        self.code = code
        self.detail = detail
        self.retry_after = retry_after
        self.challenge = challenge
        self.more = more

    def response(self) -> web.Response:
        headers = {}
        if self.retry_after is not None:
            headers["Retry-After"] = str(max(1, ceil(self.retry_after)))
        if self.challenge is not None:
            headers["WWW-Authenticate"] = self.challenge
        body = {"detail": self.detail, "code": self.code, **self.more}
        return answers.answer(body, self.status, headers)


def unknown(what: str) -> Refusal:
    """404. Another namespace's things are answered with the very same words."""
    return Refusal(404, "not_found", f"{what} not found")


def conflict(code: str, detail: str) -> Refusal:
    """409."""
    return Refusal(409, code, detail)


def invalid(loc: Sequence[str | int], message: str, kind: str = "value_error") -> Refusal:
    """422 for one field."""
    return Refusal(422, "validation_failed", [{"loc": list(loc), "msg": message, "type": kind}])


def unreadable(why: Unreadable) -> Refusal:
    """400 for a body that is no JSON at all, 422 for one that is no report."""
    if why.type == "json_invalid":
        return Refusal(400, "invalid_json", why.msg)
    return invalid(["body", *why.loc], why.msg, why.type)


def validation(error: ValidationError) -> Refusal:
    """422 with every field that is wrong; what the client sent is not repeated."""
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    return Refusal(
        422,
        "validation_failed",
        [{"loc": ["body", *p["loc"]], "msg": p["msg"], "type": p["type"]} for p in problems],
    )


def from_exception(error: Exception, observer: Observer, route: str) -> web.StreamResponse:
    """The answer to whatever a handler raised.

    Raises ConnectionError again: the client has left, and the server ends the connection.
    """
    if isinstance(error, ConnectionError):
        raise error
    refusal = _translated(error)
    if refusal is not None:
        if isinstance(error, BacklogFull):
            observer.backlog_full(error.namespace)
        elif reason := _COUNTED.get(refusal.code):
            observer.refused(reason)
        elif credential := _UNAUTHENTICATED.get(refusal.code):
            observer.unauthenticated(credential)
        return refusal.response()
    # The exception's own text may repeat a payload: its name and its place say enough.
    where = where_raised(error)
    observer.error("request_failed", route=route, error=type(error).__name__, where=where)
    return Refusal(500, "internal_error", "an internal error; it has been logged").response()


def _translated(error: Exception) -> Refusal | None:
    if isinstance(error, Refusal):
        return error
    for kind, translated in _TRANSLATIONS:
        if isinstance(error, kind):
            return translated(error)
    return None


def _full(_error: Exception) -> Refusal:
    detail = "the store has no room; nothing was stored"
    return Refusal(503, "store_full", detail, retry_after=RETRY_AFTER)


def _unavailable(_error: Exception) -> Refusal:
    detail = "the store cannot take this now"
    return Refusal(503, "store_unavailable", detail, retry_after=RETRY_AFTER)


def _overloaded(error: Overloaded) -> Refusal:
    return Refusal(503, "overloaded", str(error), retry_after=error.retry_after)


def _backlog_full(error: BacklogFull) -> Refusal:
    return Refusal(
        429,
        "backlog_full",
        str(error),
        retry_after=error.retry_after,
        pending=error.pending,
        limit=error.limit,
    )


def _too_many(error: DirectRefused) -> Refusal:
    code = "too_many_tests" if isinstance(error, TooManyTests) else "no_slot"
    return Refusal(429, code, str(error), retry_after=error.retry_after)


def _bad_cursor(error: InvalidCursor) -> Refusal:
    return invalid(["query", "cursor"], str(error))


def _owned(error: OwnedByAnother) -> Refusal:
    return conflict("owned_by_another", str(error))


def _broken_body(_error: Exception) -> Refusal:
    return Refusal(400, "bad_request", "the body is not valid HTTP")


def _too_deep(_error: Exception) -> Refusal:
    return Refusal(500, "too_deep", "nested too deeply to be shown")


def _foreign(error: web.HTTPException) -> Refusal:
    """An error that aiohttp itself raised, in our shape."""
    try:
        phrase = HTTPStatus(error.status).phrase
    except ValueError:
        phrase = "Error"
    return Refusal(error.status, phrase.lower().replace(" ", "_"), phrase)


_TRANSLATIONS: Final[Sequence[tuple[type[Exception], Callable[[Any], Refusal]]]] = (
    (ValidationError, validation),
    (StoreFull, _full),  # before its parent
    (StoreUnavailable, _unavailable),
    (Overloaded, _overloaded),
    (BacklogFull, _backlog_full),
    (DirectRefused, _too_many),
    (InvalidCursor, _bad_cursor),
    (OwnedByAnother, _owned),
    (web.HTTPException, _foreign),
    (web.RequestPayloadError, _broken_body),
    (RecursionError, _too_deep),
)

_COUNTED: Final[Mapping[str, RefusedRequest]] = {
    "request_timeout": RefusedRequest.SLOW_BODY,
    "body_too_large": RefusedRequest.BODY_TOO_LARGE,
    "too_many_requests": RefusedRequest.KEY_RATE,
    "too_many_tests": RefusedRequest.DIRECT_RATE,
    "no_slot": RefusedRequest.DIRECT_RATE,
    "overloaded": RefusedRequest.OVERLOADED,
    "store_full": RefusedRequest.STORE,
    "store_unavailable": RefusedRequest.STORE,
}
"""Refusals that a limit is the reason of, by their code; a full backlog is told by its namespace, too."""

_UNAUTHENTICATED: Final[Mapping[str, Credential]] = {
    "invalid_credentials": Credential.API_KEY,
    "unauthorized": Credential.CONTROL_TOKEN,
}
"""Refusals of those who did not show who they are, by their code."""
