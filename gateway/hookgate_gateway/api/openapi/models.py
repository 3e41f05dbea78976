"""
Answers as models: what the handlers' plain dictionaries hold.

They describe and are not on any request's path; tests hold real answers against them. Clients must expect
further fields.
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from hookgate.deliveries import DeliveryState, Outcome
from hookgate.payloads import RunType
from hookgate_gateway.rules.delivery import Ending, HoldReason, Kind
from hookgate_gateway.rules.health import HealthState
from hookgate_gateway.rules.lane import BreakerState
from hookgate_gateway.rules.report import MAX_ID_LENGTH, MAX_WORD_LENGTH

Moment = Field(description="RFC 3339, UTC, with `Z`.", examples=["2024-03-01T10:00:00.250Z"])
ShownState = DeliveryState | Literal["held"]


class Answer(BaseModel):
    """The base of all answers."""

    model_config = ConfigDict(extra="allow")


# ---------------------------------------------------------------------------------------- errors


class Error(Answer):
    """Why a request was refused: `detail` for people, `code` for machines."""

    detail: str = Field(examples=["run not found"])
    code: str = Field(examples=["not_found"])


class FieldProblem(Answer):
    """One field that is wrong."""

    loc: list[str | int] = Field(examples=[["body", "prompt"]])
    msg: str = Field(examples=["Field required"])
    type: str = Field(examples=["missing"])


class Invalid(Answer):
    """A request that cannot be understood, field by field."""

    detail: list[FieldProblem]
    code: str = Field(examples=["validation_failed"])


# ------------------------------------------------------------------------------------------ runs


class Run(Answer):
    """The run response. `status` is `created`, `queued`, `running`, `paused`, or final: `completed`, `failed`, `terminated`, `canceled`, `timed_out`."""

    run_id: str = Field(examples=["tsk_123456789"])
    run_type: RunType
    status: str = Field(examples=["completed"])
    output: dict[str, Any] | list[Any] | str | None
    downloaded_files: Any = Field(description="Files under both sets of names.")
    recording_url: Any
    screenshot_urls: Any
    failure_reason: Any
    created_at: str = Moment
    modified_at: str = Moment
    queued_at: str | None = Moment
    started_at: str | None = Moment
    finished_at: str | None = Moment
    app_url: Any
    browser_session_id: Any
    errors: Any
    step_count: Any
    run_request: dict[str, Any] | None


class Task(Run):
    """The run response with the older dialect's words."""

    task_id: str
    webhook_callback_url: str | None
    request: dict[str, Any]


class ListedRun(Run):
    """An item of the list of runs, which goes by two names."""

    task_run_id: str
    task_run_type: RunType


class WebhookDelivery(Answer):
    """How the webhook of a run fares."""

    state: ShownState
    attempts: int
    last_status_code: int | None
    next_attempt_at: str | None = Moment


class RunDetails(Run):
    """A run, and how its webhook fares."""

    webhook_failure_reason: str | None = Field(
        description="Null when it was delivered or never tried.",
        examples=["server_error: the receiver answered 500 (2 attempts, pending)"],
    )
    webhook_delivery: WebhookDelivery | None


class TaskDetails(RunDetails):
    """The same with the older dialect's words."""

    task_id: str
    webhook_callback_url: str | None
    request: dict[str, Any]


class FailedCancel(Answer):
    """A run that was not cancelled."""

    run_id: str
    code: str
    detail: str


class CancelledRuns(Answer):
    """What became of each run."""

    cancelled: list[str]
    failed: list[str]
    failures: list[FailedCancel] = Field(description="Why, for each that failed.")


# ---------------------------------------------------------------------------------------- events


class Payload(Answer):
    """A report of a run, read only as far as routing needs; everything else in it is passed on untouched."""

    run_id: str = Field(min_length=1, max_length=MAX_ID_LENGTH, examples=["tsk_123456789"])
    status: str = Field(min_length=1, max_length=MAX_WORD_LENGTH, examples=["completed"])
    run_type: str | None = Field(
        "task_v1", min_length=1, max_length=MAX_WORD_LENGTH, examples=["task_v2"]
    )
    attempt: Any = Field(0, description="A whole number; anything else counts as 0.")
    retry_pending: Any = Field(
        False, description="`true`: the run will be tried again, so this report is not final."
    )


class Receipt(Answer):
    """What was stored."""

    event_id: str = Field(examples=["evt_01JX0000000000000000000000"])
    run_id: str
    deliveries: int
    duplicate: bool


class Event(Answer):
    """A stored event, without its body."""

    id: str
    run_id: str
    run_type: str
    status: str
    attempt: int
    retry_pending: bool
    final: bool
    received_at: str = Moment
    origin: str = Field(examples=["api-key:team"])
    body_size: int
    body_sha256: str


class Events(Answer):
    """A page of events, newest first."""

    items: list[Event]
    next_cursor: str | None


class Hold(Answer):
    """Why a subscription's deliveries wait."""

    reason: HoldReason
    since: str = Moment
    message: str


class Delivery(Answer):
    """An event owed to a target. `state=held` is shown for a pending one whose subscription has a hold."""

    id: str
    event_id: str
    run_id: str
    subscription: str | None
    webhook_url: str | None
    kind: Kind
    state: ShownState
    reason: Ending | None
    outcome: Outcome | None
    status_code: int | None
    error: str | None
    attempts: int
    next_attempt_at: str | None = Moment
    hold: HoldReason | None
    created_at: str = Moment
    ended_at: str | None = Moment
    replay_of: str | None


class Deliveries(Answer):
    """A page of deliveries, newest first."""

    items: list[Delivery]
    next_cursor: str | None


class Attempt(Answer):
    """One POST of a delivery, without secrets."""

    number: int
    outcome: Outcome
    status_code: int | None
    error: str | None
    started_at: str = Moment
    duration_ms: int
    url: str
    request_headers: dict[str, str]
    response_headers: list[list[str]]
    response_body: str = Field(description="The first 2 KiB.")
    response_body_base64: str | None = Field(description="Set when the answer is not UTF-8.")


class DeliveryDetails(Delivery):
    """A delivery with its attempts, the oldest first."""

    attempt_log: list[Attempt]


class ExplainedSubscription(Answer):
    """Why a subscription did or did not get the event."""

    subscription: str
    why: Literal["matched", "replayed", "not_matched", "not_then", "late"]
    reasons: list[str]
    hold: Hold | None
    deliveries: list[Delivery]


class ExplainedTarget(Answer):
    """Why the run's own `webhook_url` did or did not get the event."""

    webhook_url: str | None
    why: Literal["matched", "replayed", "not_then", "late", "not_final", "no_target"]
    reasons: list[str]
    deliveries: list[Delivery]


class Explanation(Answer):
    """Who got an event and why; subscriptions by name."""

    event: Event
    own_target: ExplainedTarget
    subscriptions: list[ExplainedSubscription]
    next_cursor: str | None


# ------------------------------------------------------------------------------- tests and replays


class TestResult(Answer):
    """What came of a test. An unreachable or refused URL has no status, and an error."""

    __test__ = False  # not a test, whatever pytest thinks

    status_code: int | None
    latency_ms: int
    response_body: str | None
    headers_sent: dict[str, str]
    error: str | None


class ReplayedRun(Answer):
    """What was sent (or, in a preview, would be) and what came of it."""

    run_id: str
    run_type: str
    default_webhook_url: str | None
    target_webhook_url: str | None
    payload: Any = Field(description="The stored payload, as an object.")
    headers: dict[str, str]
    status_code: int | None
    latency_ms: int | None
    response_body: str | None
    error: str | None
    delivery_id: str | None


class ReplayedRunText(ReplayedRun):
    """The same with the payload as its text, which Skyvern's SDK insists on."""

    payload: str | None = Field(description="The stored payload, as JSON text.")


# --------------------------------------------------------------------------------- subscriptions


class Lane(Answer):
    """The subscription's queue in this process."""

    breaker: BreakerState
    in_flight: int
    waiting: int
    parked: bool
    paused_until: str | None = Moment


class LastFailure(Answer):
    """A failed attempt."""

    at: str = Moment
    outcome: Outcome
    status_code: int | None


class Health(Answer):
    """What the subscription's attempts say."""

    state: HealthState
    last_success_at: str | None = Moment
    last_failure: LastFailure | None
    consecutive_failures: int


class Subscription(Answer):
    """A subscription as it was declared: it names Secrets and holds none."""

    name: str
    namespace: str
    spec: dict[str, Any]
    hold: Hold | None
    lane: Lane | None = Field(description="Null for one that has had nothing to do.")
    health: Health
    resumed_at: str | None = Moment


class Subscriptions(Answer):
    """A page of subscriptions, by name."""

    items: list[Subscription]
    next_cursor: str | None


class Version(Answer):
    """The gateway's version."""

    version: str
