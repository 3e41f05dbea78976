"""
What went wrong with a request, as the errors of the port.

An answer's sentences go into conditions, which everybody in the namespace reads: they are taken from the
gateway's ``detail`` alone, shortened, and nothing that was sent is repeated.
"""

import os
import ssl
from collections.abc import Mapping, Sequence
from typing import Any, Final

import aiohttp

from hookgate.resources.problems import field_path
from hookgate_operator.ports import (
    LONGEST_PATIENCE,
    GatewayAwaited,
    GatewayError,
    GatewayRefused,
    GatewayUnavailable,
    OwnedByAnother,
    ReplayDiffers,
)

__all__ = ["from_answer", "from_failure"]

_LONGEST_SENTENCE: Final = 512
_MOST_SENTENCES: Final = 20

_CONFLICTS: Final[Mapping[str, type[GatewayError]]] = {
    "owned_by_another": OwnedByAnother,
    "replay_differs": ReplayDiffers,
}
_WORDS: Final[Mapping[int, str]] = {
    401: "it does not accept the token",
    403: "it does not accept the token",
    404: "it does not know this call; is this the control listener of a gateway of this version?",
    429: "it asks for patience (429)",
}


def from_answer(status: int, headers: Mapping[str, str], document: Any) -> GatewayError:
    """The error that an answer other than the expected one means."""
    body = document if isinstance(document, Mapping) else {}
    detail = body.get("detail")
    if status in (400, 413, 422):
        return GatewayRefused(_sentences(detail) or [f"the gateway refuses it ({status})"])
    if status == 409 and (conflict := _CONFLICTS.get(str(body.get("code")))):
        return conflict(_shown(detail) or "the gateway has another one")
    what = _WORDS.get(status, f"it answers {status}")
    return GatewayUnavailable(f"the gateway cannot be used: {what}", _pause(headers))


def from_failure(error: Exception, *, is_awaited: bool = False) -> GatewayUnavailable:
    """The error that having no answer means, of a gateway that may be starting or of one that should be there."""
    if is_awaited and not isinstance(error, aiohttp.ClientSSLError | ssl.SSLError):
        return GatewayAwaited(f"the gateway does not answer yet: {_reason(error)}")
    return GatewayUnavailable(f"the gateway does not answer: {_reason(error)}")


def _reason(error: Exception) -> str:
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return _certificate(error.certificate_error)
    if isinstance(error, aiohttp.ClientConnectorSSLError):
        return "TLS fails; is this an https listener?"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "its name cannot be resolved"
    if isinstance(error, aiohttp.ClientConnectorError):
        return os.strerror(error.errno).lower() if error.errno else "no connection"
    if isinstance(error, TimeoutError):
        return "it takes too long"
    return "the connection broke"


def _certificate(error: Exception) -> str:
    why = error.verify_message if isinstance(error, ssl.SSLCertVerificationError) else ""
    return f"its certificate is not trusted: {why}" if why else "its certificate is not trusted"


def _sentences(detail: object) -> Sequence[str]:
    """A validation's problems, or the one sentence of a refusal."""
    if isinstance(detail, str):
        return [_shown(detail)]
    problems = detail if isinstance(detail, Sequence) else []
    told = dict.fromkeys(_sentence(p) for p in problems if isinstance(p, Mapping))
    return list(told)[:_MOST_SENTENCES]


def _sentence(problem: Mapping[str, Any]) -> str:
    """``spec.endpoint.url: must …``: the place as the object's author knows it."""
    place = problem.get("loc")
    parts = [p for p in place if isinstance(p, (str, int))] if isinstance(place, list) else []
    while parts and parts[0] in ("body", "resource"):
        parts = parts[1:]
    path, message = field_path(parts), _shown(problem.get("msg"))
    return f"{path}: {message}" if path else message


def _shown(text: object) -> str:
    plain = "".join(filter(str.isprintable, str(text or "")))
    return plain if len(plain) <= _LONGEST_SENTENCE else plain[: _LONGEST_SENTENCE - 1] + "…"


def _pause(headers: Mapping[str, str]) -> float | None:
    seconds = headers.get("Retry-After", "")
    known = seconds.isascii() and seconds.isdigit() and len(seconds) < 9
    return min(float(seconds), LONGEST_PATIENCE) if known else None
