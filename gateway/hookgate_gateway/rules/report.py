"""
What a payload says about a run, read only as far as routing needs.

Required are a run id and a status; a missing run type is read as ``task_v1``, as Skyvern's own SDK
does. Words nobody knows yet are let through: the payload is the receiver's business. What is read here
becomes rows, lanes and log fields, so it is bounded and free of control characters.
"""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from hookgate.payloads import TERMINAL_STATUSES, RunType
from hookgate_gateway.rules.delivery import RunId

MAX_ID_LENGTH = 512
"""Characters of a run id or a workflow id."""
MAX_WORD_LENGTH = 128
"""Characters of a run type or a status."""
MAX_ATTEMPT = 2**31 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The routing facts of one payload; everything else in it is passed on untouched."""

    run_id: RunId
    run_type: str
    status: str
    attempt: int = 0
    """The payload's ``attempt`` when it has one (an integer), else 0: part of an event's identity."""
    retry_pending: bool = False
    workflow_ids: tuple[str, ...] = ()
    """workflow_id, workflow_permanent_id, agent_id and run_request.workflow_id, as far as present."""

    @property
    def final(self) -> bool:
        """A terminal status of a run that will not be tried again."""
        return self.status in TERMINAL_STATUSES and not self.retry_pending


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """Why a payload is no report: the one item of the API's validation list."""

    loc: tuple[str, ...]
    msg: str
    type: str
    """A machine word, spelled as pydantic spells it where it has one."""


def read_report(document: object) -> Report | Unreadable:
    """Read the routing facts out of a parsed payload."""
    if not isinstance(document, dict):
        return Unreadable(loc=(), msg="the payload must be a JSON object", type="dict_type")
    run_id = _word(document, "run_id", MAX_ID_LENGTH)
    if isinstance(run_id, Unreadable):
        return run_id
    status = _word(document, "status", MAX_WORD_LENGTH)
    if isinstance(status, Unreadable):
        return status
    run_type = _word(document, "run_type", MAX_WORD_LENGTH, default=RunType.TASK_V1.value)
    if isinstance(run_type, Unreadable):
        return run_type
    return Report(
        run_id=cast("RunId", run_id),
        run_type=run_type,
        status=status,
        attempt=_attempt(document.get("attempt")),
        retry_pending=document.get("retry_pending") is True,
        workflow_ids=_workflow_ids(document),
    )


def _word(
    document: Mapping[str, object], name: str, longest: int, default: str | None = None
) -> str | Unreadable:
    value = document.get(name)
    if value is None:  # null says the same as nothing
        value = default
    if isinstance(value, str) and 0 < len(value) <= longest and _is_clean(value):
        return value
    msg, kind = _objection(value, longest)
    return Unreadable(loc=(name,), msg=msg, type=kind)


def _objection(value: object, longest: int) -> tuple[str, str]:
    if value is None:
        return "field required", "missing"
    if not isinstance(value, str):
        return "must be a string", "string_type"
    if not value:
        return "must not be empty", "string_too_short"
    if len(value) > longest:
        return f"must have at most {longest} characters", "string_too_long"
    return "must not contain control characters or lone surrogates", "string_characters"


def _attempt(value: object) -> int:
    # A bool is an int in Python, not in JSON. Anything odd is 0: the body's hash still tells events apart.
    return value if type(value) is int and 0 <= value <= MAX_ATTEMPT else 0


def _workflow_ids(document: Mapping[str, object]) -> tuple[str, ...]:
    """Each once, in the documented order; what cannot be an id is passed over, as it only routes."""
    request = document.get("run_request")
    candidates = (
        document.get("workflow_id"),
        document.get("workflow_permanent_id"),
        document.get("agent_id"),
        request.get("workflow_id") if isinstance(request, dict) else None,
    )
    found = [
        value
        for value in candidates
        if isinstance(value, str) and 0 < len(value) <= MAX_ID_LENGTH and _is_clean(value)
    ]
    return tuple(dict.fromkeys(found)) if found else ()


def _is_clean(text: str) -> bool:
    """No control characters (they forge log lines), no surrogates (no store can encode them)."""
    return text.isprintable() or not any(unicodedata.category(c) in {"Cc", "Cs"} for c in text)
