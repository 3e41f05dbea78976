"""
What a client may ask for many deliveries at once.

A filter is the one thing here whose unknown fields are refused, and that has to be said: a misspelt one, or
one that was forgotten, would select everything.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from hookgate.deliveries import DeliveryState, Outcome
from hookgate_gateway.api import times
from hookgate_gateway.rules.delivery import RunId, Timestamp
from hookgate_gateway.rules.replay import ReplayFilter

__all__ = ["BulkCancelRequest", "BulkReplayRequest", "CancelFilter", "SelectionFilter"]

MAX_RUN_IDS = 1000
MAX_RATE = 10_000.0


def _moment(value: object) -> object:
    """A time in RFC 3339, or naive UTC."""
    try:
        return times.parse(value if isinstance(value, str) else "")
    except ValueError:
        raise ValueError("must be a time like 2024-03-01T10:00:00Z") from None


_Moment = Annotated[
    Timestamp,
    BeforeValidator(_moment),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
_Word = Annotated[str, Field(min_length=1, max_length=512, pattern=r"^[^\x00-\x1f\x7f]+$")]


class _Filter(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    subscription: _Word | None = Field(None, description="To this subscription.")
    outcome: Outcome | None = Field(None, description="Of the last attempt.")
    run_type: _Word | None = None
    status: _Word | None = Field(None, description="Of the run, as the event says it.")
    run_ids: Annotated[list[_Word], Field(max_length=MAX_RUN_IDS)] | None = None
    since: _Moment | None = Field(None, description="Created then or later.")
    until: _Moment | None = Field(None, description="Created before.")

    @model_validator(mode="after")
    def _is_a_stretch(self) -> Self:
        if self.since is not None and self.until is not None and self.since >= self.until:
            raise ValueError("since must be before until")
        return self

    def _fields(self) -> dict[str, Any]:
        return {
            "subscription": self.subscription,
            "outcome": self.outcome,
            "run_type": self.run_type,
            "status": self.status,
            "run_ids": tuple(RunId(run_id) for run_id in sorted(set(self.run_ids or ()))),
            "since": self.since,
            "until": self.until,
        }


class SelectionFilter(_Filter):
    """Which deliveries are to be sent once more; what is left out asks for all that have ended."""

    state: DeliveryState | None = Field(
        None,
        description="Left out: all that have ended. `pending` are those not ended yet, held ones included;"
        " they still go out by themselves as well.",
    )
    not_replayed: bool | None = Field(
        None, description="Only those whose event no replay has sent to the same target before."
    )

    def selection(self) -> ReplayFilter:
        return ReplayFilter(
            **self._fields(), state=self.state, not_replayed=self.not_replayed is True
        )


class CancelFilter(_Filter):
    """Which pending deliveries are to be cancelled; what is left out asks for all."""

    state: Literal["pending"] | None = None

    def selection(self) -> ReplayFilter:
        return ReplayFilter(**self._fields(), state=DeliveryState.PENDING)


def _said(value: object) -> object:
    """A filter that is there. Raises PydanticCustomError for null, with what to write instead."""
    if value is None:
        raise PydanticCustomError(
            "missing_filter",
            'is required: say which deliveries, such as {"subscription": "invoices"}; {} is for all',
        )
    return value


class _Request(BaseModel):
    model_config = ConfigDict(extra="allow", hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _forgotten_is_null(cls, body: object) -> object:
        return {"filter": None, **body} if isinstance(body, dict) else body

    dry_run: bool | None = Field(None, description="Only count.")


class BulkReplayRequest(_Request):
    """Many deliveries to be sent once more."""

    filter: Annotated[SelectionFilter, BeforeValidator(_said)]
    rate_per_second: Annotated[float, Field(gt=0, le=MAX_RATE)] | None = Field(
        None, description="Deliveries made a second; left out: as fast as the receivers take them."
    )
    to_subscription: _Word | None = Field(
        None, description="All go there, instead of each to the target of its original."
    )


class BulkCancelRequest(_Request):
    """Many deliveries to be cancelled."""

    filter: Annotated[CancelFilter, BeforeValidator(_said)]
