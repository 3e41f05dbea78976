"""What a run request may look like, in every spelling."""

from typing import Any

import pytest
from pydantic import ValidationError

from hookgate_gateway.api.errors import Refusal
from hookgate_gateway.api.run_requests import (
    ReplayRequest,
    TaskRequest,
    TestRequest,
    WorkflowRequest,
    read,
)

HOOK = "https://a.example/hook"


@pytest.mark.parametrize("spelling", ["prompt", "user_prompt", "navigation_goal"])
def test_a_prompt_by_any_name(spelling: str) -> None:
    assert read(TaskRequest, {spelling: "buy"}).document() == {"prompt": "buy"}


@pytest.mark.parametrize(
    "spelling", ["webhook_url", "webhook_callback_url", "webhookUrl", "webhookCallbackUrl"]
)
@pytest.mark.parametrize(
    ("model", "body"),
    [(TaskRequest, {"prompt": "buy"}), (WorkflowRequest, {"agent_id": "wpid_1"})],
)
def test_a_webhook_url_by_any_name_is_kept_and_trimmed(
    model: type[TaskRequest | WorkflowRequest], body: dict[str, Any], spelling: str
) -> None:
    wanted = read(model, {**body, spelling: f" {HOOK}\n"})
    assert wanted.webhook_url == HOOK
    assert wanted.document()["webhook_url"] == HOOK
    assert spelling == "webhook_url" or spelling not in wanted.document()


def test_nulls_are_unset_and_unknown_fields_are_kept() -> None:
    body = {
        "prompt": None,
        "user_prompt": "buy",
        "webhook_url": None,
        "webhook_callback_url": HOOK,
        "engine": None,
        "proxy_location": "RESIDENTIAL",
        "brand_new": {"a": [1, None]},
    }
    assert read(TaskRequest, body).document() == {
        "prompt": "buy",
        "webhook_url": HOOK,
        "proxy_location": "RESIDENTIAL",
        "brand_new": {"a": [1, None]},
    }


@pytest.mark.parametrize(
    ("engine", "run_type"),
    [
        (None, "task_v2"),
        ("skyvern-1.0", "task_v1"),
        ("skyvern-2.0", "task_v2"),
        ("skyvern-3.0", "task_v3"),
        ("openai-cua", "openai_cua"),
        ("anthropic-cua", "anthropic_cua"),
        ("ui-tars", "ui_tars"),
        ("yutori-navigator", "yutori_navigator"),
    ],
)
def test_the_engine_decides_the_run_type(engine: str | None, run_type: str) -> None:
    assert read(TaskRequest, {"prompt": "buy", "engine": engine}).run_type == run_type


def test_a_workflow_by_either_name_and_by_its_path() -> None:
    assert read(WorkflowRequest, {"agent_id": "w", "data": {"a": 1}}).document() == {
        "workflow_id": "w",
        "parameters": {"a": 1},
    }
    assert read(WorkflowRequest, {}, workflow_id="w").workflow_id == "w"
    assert read(WorkflowRequest, {"agent_id": "w"}, workflow_id="w").workflow_id == "w"


@pytest.mark.parametrize(
    ("body", "spelling"),
    [
        ({"prompt": "a", "user_prompt": "b"}, "user_prompt"),
        ({"prompt": "a", "webhook_url": HOOK, "webhook_callback_url": HOOK + "2"}, "webhook_callback_url"),
    ],
)  # fmt: skip
def test_spellings_that_disagree_are_refused(body: dict[str, Any], spelling: str) -> None:
    with pytest.raises(Refusal) as caught:
        read(TaskRequest, body)
    assert caught.value.status == 422
    assert isinstance(caught.value.detail, list)
    assert caught.value.detail[0]["loc"] == ["body", spelling]


@pytest.mark.parametrize(
    ("model", "body"),
    [
        (TaskRequest, {}),
        (TaskRequest, {"prompt": ""}),
        (TaskRequest, {"prompt": 5}),
        (TaskRequest, {"prompt": "a", "engine": "skyvern-9"}),
        (TaskRequest, {"prompt": "a", "url": 1}),
        (TaskRequest, {"prompt": "a", "webhook_url": "a.example"}),
        (TaskRequest, {"prompt": "a", "webhook_url": ["https://a.example"]}),
        (WorkflowRequest, {}),
        (WorkflowRequest, {"workflow_id": "w", "parameters": [1]}),
        (TestRequest, {"run_type": "task"}),
        (TestRequest, {"webhook_url": HOOK, "run_type": "job"}),
        (ReplayRequest, {"override_webhook_url": ""}),
    ],
)
def test_wrong_requests_are_refused(model: type[TaskRequest], body: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        read(model, body)


@pytest.mark.parametrize(
    "spelling",
    ["override_webhook_url", "webhook_url", "webhook_callback_url", "overrideWebhookUrl"],
)
def test_an_override_by_any_name(spelling: str) -> None:
    assert read(ReplayRequest, {spelling: HOOK}).override_webhook_url == HOOK


@pytest.mark.parametrize("run_type", ["task", "task_v1", "workflow_run", "ui_tars"])
def test_a_test_of_any_run_type(run_type: str) -> None:
    assert read(TestRequest, {"webhook_url": HOOK, "run_type": run_type}).run_type == run_type
