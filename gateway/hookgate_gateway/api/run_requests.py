"""
What a client may ask for when it creates a run, in every spelling in use.

Each spelling is brought to the SDK's before validation. Unknown fields are kept, ``null`` is the same as
left out, and two spellings that disagree are refused: nothing, least of all a webhook URL, is dropped in
silence.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema

from hookgate.payloads import RunType
from hookgate_gateway.api.errors import invalid
from hookgate_gateway.rules.destination import MAX_URL_LENGTH, read_url

__all__ = [
    "WEBHOOK_SPELLINGS",
    "CancelRequest",
    "ReplayRequest",
    "RunRequest",
    "SubscriptionTestRequest",
    "TaskRequest",
    "TestRequest",
    "WorkflowOfPathRequest",
    "WorkflowRequest",
    "read",
    "respell",
    "spellings",
]

Engine = Literal[
    "skyvern-1.0",
    "skyvern-2.0",
    "skyvern-3.0",
    "openai-cua",
    "anthropic-cua",
    "ui-tars",
    "yutori-navigator",
]

_RUN_TYPES: Final[Mapping[str | None, RunType]] = {
    None: RunType.TASK_V2,
    "skyvern-1.0": RunType.TASK_V1,
    "skyvern-2.0": RunType.TASK_V2,
    "skyvern-3.0": RunType.TASK_V3,
    "openai-cua": RunType.OPENAI_CUA,
    "anthropic-cua": RunType.ANTHROPIC_CUA,
    "ui-tars": RunType.UI_TARS,
    "yutori-navigator": RunType.YUTORI_NAVIGATOR,
}

WEBHOOK_SPELLINGS: Final = {
    "webhook_callback_url": "webhook_url",
    "webhookUrl": "webhook_url",
    "webhookCallbackUrl": "webhook_url",
}
_TASK_SPELLINGS: Final = {
    **WEBHOOK_SPELLINGS,
    "user_prompt": "prompt",
    "navigation_goal": "prompt",
    "extracted_information_schema": "data_extraction_schema",
}
_WORKFLOW_SPELLINGS: Final = {
    **WEBHOOK_SPELLINGS,
    "agent_id": "workflow_id",
    "data": "parameters",
}
_REPLAY_SPELLINGS: Final = dict.fromkeys(
    ("webhook_url", "overrideWebhookUrl", *WEBHOOK_SPELLINGS), "override_webhook_url"
)

MAX_RUN_IDS: Final = 200
"""Runs that one call cancels."""


def _webhook_url(value: str) -> str:
    """Trimmed. Raises BadUrl, whose sentence says what is wrong and does not repeat it."""
    read_url(value)
    return value.strip()


def _name(value: str) -> str:
    if not value.isprintable():
        raise ValueError("must not contain control characters")
    return value


_URL_SCHEMA: Final = {
    "type": "string",
    "maxLength": MAX_URL_LENGTH,
    "pattern": r"^https?://[^\s/?#@]+([/?#]\S*)?$",
    "examples": ["https://your-app.com/webhooks/skyvern"],
}
WebhookUrl = Annotated[str, AfterValidator(_webhook_url), WithJsonSchema(_URL_SCHEMA)]
Name = Annotated[str, Field(min_length=1, max_length=512), AfterValidator(_name)]


class _Request(BaseModel):
    model_config = ConfigDict(extra="allow", hide_input_in_errors=True)


class RunRequest(_Request):
    """What tasks and workflows have in common."""

    webhook_url: WebhookUrl | None = None

    def document(self) -> dict[str, Any]:
        """The request as it is stored: unset options left out, unknown ones kept."""
        return {name: value for name, value in self if value is not None}


class TaskRequest(RunRequest):
    """A task to run."""

    prompt: str = Field(min_length=1)
    url: str | None = None
    data_extraction_schema: dict[str, Any] | list[Any] | str | None = None
    engine: Engine | None = None

    @property
    def run_type(self) -> RunType:
        """The engine's run type; without an engine the seed's ``task_v2``."""
        return _RUN_TYPES[self.engine]


class WorkflowRequest(RunRequest):
    """A workflow (Skyvern's newer word is agent) to run."""

    workflow_id: Name
    parameters: dict[str, Any] | None = None

    @property
    def run_type(self) -> RunType:
        return RunType.WORKFLOW_RUN


class WorkflowOfPathRequest(WorkflowRequest):
    """A workflow to run that the path names; the body may say the same."""

    workflow_id: Name = ""


class CancelRequest(_Request):
    """Runs to be cancelled."""

    run_ids: list[Name] = Field(min_length=1, max_length=MAX_RUN_IDS)


class TestRequest(_Request):
    """A URL to be tested with a sample payload."""

    __test__ = False  # not a test, whatever pytest thinks

    webhook_url: WebhookUrl
    run_type: Literal["task"] | RunType = "task"
    run_id: Name | None = None


class SubscriptionTestRequest(_Request):
    """A subscription to be tested; by default with a run type that it would get."""

    run_type: Literal["task"] | RunType | None = None


class ReplayRequest(_Request):
    """Where a run's webhook is to be sent again; everything is optional."""

    override_webhook_url: WebhookUrl | None = None
    subscription: Name | None = None


M = TypeVar("M", bound=BaseModel)

_SPELLINGS: Final[Mapping[type[BaseModel], Mapping[str, str]]] = {
    TaskRequest: _TASK_SPELLINGS,
    WorkflowRequest: _WORKFLOW_SPELLINGS,
    WorkflowOfPathRequest: _WORKFLOW_SPELLINGS,
    CancelRequest: {},
    TestRequest: WEBHOOK_SPELLINGS,
    SubscriptionTestRequest: {},
    ReplayRequest: _REPLAY_SPELLINGS,
}


def spellings(model: type[BaseModel]) -> Mapping[str, str]:
    """Other names of a model's fields, each with the field's own."""
    return _SPELLINGS.get(model, {})


def read(model: type[M], body: Mapping[str, Any], **given: Any) -> M:
    """Validate a body; ``given`` comes from the path and counts as one more spelling.

    Raises pydantic's ValidationError, or Refusal 422 when spellings disagree.
    """
    document = respell(body, spellings(model))
    for name, value in given.items():
        _take(document, name, value, name)
    return model.model_validate(document)


def respell(body: Mapping[str, Any], spellings: Mapping[str, str]) -> dict[str, Any]:
    """A body in one spelling, without its nulls. Raises Refusal 422 when two spellings disagree."""
    document: dict[str, Any] = {}
    for name, value in body.items():
        if value is not None:
            _take(document, spellings.get(name, name), value, name)
    return document


def _take(document: dict[str, Any], name: str, value: Any, spelling: str) -> None:
    if name in document and not _same(document[name], value):
        raise invalid(["body", spelling], f"says something else than another spelling of {name}")
    document[name] = value


def _same(value: Any, other: Any) -> bool:
    """Whether two spellings agree; what is too deep to be compared does not."""
    try:
        return bool(value == other)
    except RecursionError:
        return False
