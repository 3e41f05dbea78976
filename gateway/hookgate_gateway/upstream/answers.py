"""
What an answer of the upstream means: a run, its own refusal, or nothing that could be used.

Functions of what was received. A failure that we expect is a value.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from hookgate_gateway.intake.parse import parse_document
from hookgate_gateway.rules.report import Report, Unreadable, read_report

__all__ = ["Answer", "Answered", "Away", "Refused", "read_run", "understood"]

_NOT_NOW: Final = frozenset({429, 503})
_LONGEST_DETAIL: Final = 64 * 1024
_LONGEST_PAUSE: Final = 3600


@dataclass(frozen=True, slots=True)
class Answered:
    """2xx; ``document`` is what it said, None for nothing or null."""

    document: Any


@dataclass(frozen=True, slots=True)
class Refused:
    """4xx: the upstream did nothing, and says why."""

    status: int
    detail: Any
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Away:
    """No usable answer. ``status`` is what a gateway says of that: 502, or 504 for too slow."""

    code: str
    detail: str
    status: int = 502
    undone: bool = False
    """Certainly nothing was done; otherwise nobody knows."""


Answer = Answered | Refused | Away


def understood(status: int, headers: Mapping[str, str], content: bytes) -> Answer:
    """The meaning of a whole answer."""
    if status in (401, 403):
        detail = f"the upstream does not accept this gateway's key ({status})"
        return Away("upstream_key_refused", detail, undone=True)
    if 400 <= status < 500:
        return Refused(status, _detail(content), _pause(headers))
    if not 200 <= status < 300:
        detail = f"the upstream answered {status}"
        return Away("upstream_failed", detail, undone=status in _NOT_NOW)
    document = parse_document(content) if content.strip() else None
    if isinstance(document, Unreadable):
        return Away("upstream_unreadable", "the upstream's answer is no JSON")
    return Answered(document)


def read_run(answer: Answer) -> tuple[dict[str, Any], Report] | Refused | Away:
    """The run response of an answer, and what routing needs of it."""
    if not isinstance(answer, Answered):
        return answer
    report = read_report(answer.document)
    if isinstance(report, Unreadable):
        return Away("upstream_unreadable", "the upstream's answer is no run")
    return answer.document, report


def _detail(content: bytes) -> Any:
    document = parse_document(content) if len(content) <= _LONGEST_DETAIL else None
    detail = document.get("detail") if isinstance(document, dict) else None
    return detail if isinstance(detail, (str, list)) and detail else "the upstream refused this"


def _pause(headers: Mapping[str, str]) -> float | None:
    seconds = headers.get("Retry-After", "")
    known = seconds.isascii() and seconds.isdigit() and len(seconds) < 9
    return float(min(int(seconds), _LONGEST_PAUSE)) if known else None
