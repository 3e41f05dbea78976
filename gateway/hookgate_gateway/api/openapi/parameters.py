"""
Query parameters and headers of the document, with the bounds that are really enforced.
"""

from typing import Any, Final

from hookgate.deliveries import DeliveryState, Outcome
from hookgate_gateway.api import idempotency, paging
from hookgate_gateway.api.openapi.operation import Parameter
from hookgate_gateway.upstream.addresses import ASKED as ASKED_NAME

__all__ = [
    "ALL",
    "ASKED",
    "CURSOR",
    "DELIVERY_FILTERS",
    "EVENT_FILTERS",
    "IDEMPOTENCY_KEY",
    "LIMIT",
    "PAGE",
    "PREVIEW",
    "RUN_FILTERS",
    "SIGNATURE",
]

_TEXT: Final = {"type": "string", "maxLength": 512}
_MOMENT: Final = {"type": "string", "examples": ["2024-03-01T10:00:00Z"]}
_WORDS: Final = {"type": "array", "items": _TEXT, "maxItems": 50}


def _query(name: str, description: str, schema: dict[str, Any]) -> Parameter:
    return Parameter(name=name, description=description, schema=schema)


def _whole(most: int, default: int) -> dict[str, Any]:
    return {"type": "integer", "minimum": 1, "maximum": most, "default": default}


LIMIT = _query(
    "limit",
    "Items of a page at most. Where they are large it holds fewer: go on until `next_cursor` is null.",
    _whole(paging.MAX_LIMIT, paging.DEFAULT_LIMIT),
)
ALL = _query("limit", "Subscriptions of a page.", _whole(paging.MAX_LIMIT, paging.MAX_LIMIT))
CURSOR = _query("cursor", "`next_cursor` of the page before.", {"type": "string"})
PAGE = (
    _query("page", "The n-th page.", _whole(1000, 1)),
    _query("page_size", "Runs of a page.", _whole(paging.MAX_LIMIT, 10)),
    _query("cursor", "Where to go on, from the `Link` header.", {"type": "string"}),
)
_SINCE = _query("since", "Not before; RFC 3339 or naive UTC.", _MOMENT)
_UNTIL = _query("until", "Before; RFC 3339 or naive UTC.", _MOMENT)
_RUN_ID = _query("run_id", "Of this run.", _TEXT)

ASKED = _query(ASKED_NAME, "Which request the run was made for, as an upstream was told.", _TEXT)
RUN_FILTERS = (
    _query("status", "Any of these; may be repeated.", _WORDS),
    _query("run_type", "Any of these; may be repeated.", _WORDS),
    _query("search_key", "A part of the run id, the workflow id or the request.", _TEXT),
)
EVENT_FILTERS = (
    _RUN_ID,
    _query("run_type", "Of this run type.", _TEXT),
    _query("status", "With this status.", _TEXT),
    _SINCE,
    _UNTIL,
)
DELIVERY_FILTERS = (
    _query(
        "state",
        "`pending` includes held ones, `held` selects them.",
        {"type": "string", "enum": [*map(str, DeliveryState), "held"]},
    ),
    _query("subscription", "To this subscription.", _TEXT),
    _RUN_ID,
    _query("event_id", "Of this event.", _TEXT),
    _query(
        "outcome",
        "Whose last attempt ended so.",
        {"type": "string", "enum": [str(outcome) for outcome in Outcome]},
    ),
    _SINCE,
    _UNTIL,
)
PREVIEW = (
    _query("override_webhook_url", "Another URL (also `webhook_url`).", {"type": "string"}),
    _query("subscription", "Of several subscriptions, this one.", _TEXT),
)
IDEMPOTENCY_KEY = Parameter(
    name=idempotency.HEADER,
    place="header",
    description=(
        "The same key within 24 hours answers what was answered, with `Idempotent-Replayed: true`;"
        " with another request it is a 409."
    ),
    schema={"type": "string", "minLength": 1, "maxLength": 255},
)
SIGNATURE = (
    Parameter(
        name="X-Skyvern-Signature",
        place="header",
        description="HMAC-SHA256 of the body with a key of the source, in hex; with `sha256=` or without.",
        schema={"type": "string"},
    ),
    Parameter(
        name="X-Skyvern-Timestamp",
        place="header",
        description="Unix seconds; judged only where the source asks for freshness.",
        schema={"type": "string"},
    ),
)
