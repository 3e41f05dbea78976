"""
Bulk replays and bulk cancels, told: models of their answers, and the operations.
"""

from typing import Any, Final

from pydantic import Field

from hookgate_gateway.api.bulk_requests import BulkCancelRequest, BulkReplayRequest
from hookgate_gateway.api.idempotency import REPLAYED
from hookgate_gateway.api.openapi import parameters as p
from hookgate_gateway.api.openapi.models import Answer, Moment
from hookgate_gateway.api.openapi.operation import Operation, Returns
from hookgate_gateway.rules.replay import ReplayState

__all__ = ["BULK"]


class Matched(Answer):
    """What a dry run counts."""

    matched: int


class CancelledDeliveries(Answer):
    """How many were cancelled; for a dry run how many would be."""

    cancelled: int | None = None
    matched: int | None = None


class BulkReplay(Answer):
    """A replay of many deliveries. `matched` = `delivered` + `failed` + `skipped` + `remaining`."""

    id: str
    matched: int = Field(description="Selected when it was created.")
    sent: int = Field(description="Deliveries made so far.")
    delivered: int
    failed: int = Field(description="Exhausted.")
    skipped: int = Field(
        description="Cancelled, or not made: the target is gone, or has the event."
    )
    remaining: int = Field(description="Still to be made, or made and not ended.")
    state: ReplayState
    filter: dict[str, Any]
    to_subscription: str | None
    rate_per_second: float | None
    created_at: str = Moment


class BulkReplays(Answer):
    """A page of replays, newest first."""

    items: list[BulkReplay]
    next_cursor: str | None


_AGAIN: Final = dict.fromkeys(REPLAYED, "`true` when this was answered before.")
_OUTAGE: Final = {
    "subscription": "invoices",
    "state": "exhausted",
    "since": "2024-03-01T10:00:00Z",
    "until": "2024-03-01T11:00:00Z",
}

BULK: Final = (
    Operation(
        routes=("POST /v1/replays",),
        tag="replays",
        summary="Send many deliveries once more",
        description=(
            "The selection is frozen now: each delivery counts as it stands, whatever becomes of it later."
            " What is still pending is left out unless `state` asks for it. Made at the rate, and only"
            " while the receiver's lane has no other work waiting. Unknown fields of the filter are"
            " refused; `{}` selects all."
        ),
        request=BulkReplayRequest,
        examples={
            "count": {"filter": _OUTAGE, "dry_run": True},
            "replay": {"filter": _OUTAGE, "rate_per_second": 50},
            "elsewhere": {"filter": {"not_replayed": True}, "to_subscription": "archive"},
            "what one receiver does not take now, to another": {
                "filter": {"subscription": "invoices", "state": "pending", "outcome": "timeout"},
                "to_subscription": "standby",
            },
        },
        parameters=(p.IDEMPOTENCY_KEY,),
        returns={
            202: Returns("The replay, begun.", BulkReplay, headers=_AGAIN),
            200: Returns("A dry run's count.", Matched),
        },
        errors=frozenset({404, 409}),
    ),
    Operation(
        routes=("GET /v1/replays",),
        tag="replays",
        summary="List bulk replays, newest first",
        parameters=(p.LIMIT, p.CURSOR),
        returns={200: Returns("A page.", BulkReplays)},
    ),
    Operation(
        routes=("GET /v1/replays/{id}",),
        tag="replays",
        summary="See how far a bulk replay has come",
        returns={200: Returns("The replay.", BulkReplay)},
    ),
    Operation(
        routes=("POST /v1/replays/{id}/pause",),
        tag="replays",
        summary="Make nothing more until it is resumed",
        returns={200: Returns("The replay.", BulkReplay)},
        errors=frozenset({409}),
    ),
    Operation(
        routes=("POST /v1/replays/{id}/resume",),
        tag="replays",
        summary="Go on with a bulk replay that was paused",
        returns={200: Returns("The replay.", BulkReplay)},
        errors=frozenset({409}),
    ),
    Operation(
        routes=("POST /v1/replays/{id}/cancel",),
        tag="replays",
        summary="End a bulk replay; what it made and is still pending is cancelled",
        returns={200: Returns("The replay.", BulkReplay)},
        errors=frozenset({409}),
    ),
    Operation(
        routes=("POST /v1/deliveries/cancel",),
        tag="deliveries",
        summary="Cancel many pending deliveries",
        description="Unknown fields of the filter are refused; `{}` selects all.",
        request=BulkCancelRequest,
        examples={"all of one": {"filter": {"subscription": "invoices"}, "dry_run": True}},
        returns={200: Returns("What was done.", CancelledDeliveries)},
    ),
)
