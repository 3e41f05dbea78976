"""A stored run as both dialects see it."""

import json
from typing import Any

import pytest

from hookgate_gateway.api import run_shapes
from hookgate_gateway.ports import RunRecord
from hookgate_gateway.rules.delivery import EventId, Namespace, RunId

NOW = 1709287200.0
FIELDS = [
    "run_id", "run_type", "status", "output", "downloaded_files", "recording_url", "screenshot_urls",
    "failure_reason", "created_at", "modified_at", "queued_at", "started_at", "finished_at", "app_url",
    "browser_session_id", "errors", "step_count", "run_request",
]  # fmt: skip


def run(payload: Any = None, **more: Any) -> RunRecord:
    known: dict[str, Any] = {
        "namespace": Namespace("shop"),
        "run_id": RunId("tsk_1"),
        "run_type": "task_v2",
        "status": "completed",
        "created_at": NOW,
        "modified_at": NOW + 5,
        "request": b'{"prompt":"buy","webhook_url":"https://a.example/"}',
        "webhook_url": "https://a.example/",
        "key": None,
        "workflow_id": None,
        "event_id": EventId("evt_1"),
        "final": True,
        "payload": None if payload is None else json.dumps(payload).encode(),
    }
    return RunRecord(**{**known, **more})


def test_all_fields_are_there_whatever_is_known() -> None:
    for record in (run(), run({}), run({"output": 1}), run(payload=None, request=None)):
        assert sorted(run_shapes.response(record)) == sorted(FIELDS)


def test_a_run_without_a_report_is_told_from_its_request() -> None:
    shape = run_shapes.response(run(status="created"))
    assert shape["run_request"] == {"prompt": "buy", "webhook_url": "https://a.example/"}
    assert shape["created_at"] == "2024-03-01T10:00:00.000Z"
    assert shape["modified_at"] == "2024-03-01T10:00:05.000Z"
    assert shape["finished_at"] is None


def test_a_payload_speaks_for_the_run_and_its_times_get_a_zone() -> None:
    shape = run_shapes.response(
        run(
            {
                "status": "whatever",
                "created_at": "2024-02-29T10:00:00",
                "finished_at": "2024-02-29T12:00:00+02:00",
                "started_at": "soon",
                "step_count": 12,
                "run_request": {"navigation_goal": "sell"},
            }
        )
    )
    assert shape["status"] == "completed"
    assert shape["created_at"] == "2024-02-29T10:00:00Z"
    assert shape["finished_at"] == "2024-02-29T10:00:00Z"
    assert shape["started_at"] is None
    assert shape["step_count"] == 12
    assert shape["run_request"] == {"navigation_goal": "sell", "prompt": "sell"}


SEED_FILE = {
    "file_name": "a.pdf",
    "file_size": 3,
    "s3_uri": "s3://b/a.pdf",
    "presigned_url": "https://s3/a",
}
SDK_FILE = {"url": "https://s3/a", "filename": "a.pdf", "checksum": "x"}


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        (SEED_FILE, {**SEED_FILE, "url": "https://s3/a", "filename": "a.pdf"}),
        (
            SDK_FILE,
            {
                **SDK_FILE,
                "file_name": "a.pdf",
                "presigned_url": "https://s3/a",
                "file_size": None,
                "s3_uri": None,
            },
        ),
        ({"s3_uri": "s3://b/a"}, {"url": "s3://b/a", "filename": None, "file_name": None}),
        ("https://s3/a", {"url": "https://s3/a", "presigned_url": "https://s3/a"}),
        ({}, {"url": ""}),
    ],
)
def test_files_under_both_sets_of_names(file: Any, expected: dict[str, Any]) -> None:
    [shown] = run_shapes.response(run({"downloaded_files": [file]}))["downloaded_files"]
    assert {name: shown[name] for name in expected} == expected


@pytest.mark.parametrize("files", [None, [], "none", [None], [1]])
def test_odd_files_are_passed_on(files: Any) -> None:
    assert run_shapes.response(run({"downloaded_files": files}))["downloaded_files"] == files


@pytest.mark.parametrize(
    ("output", "shown"),
    [
        (1, "1"), (True, "true"), (1.5, "1.5"), ("1", "1"), (None, None), ([1], [1]), ({"a": 1}, {"a": 1}),
    ],
)  # fmt: skip
def test_an_output_the_sdk_can_read(output: Any, shown: Any) -> None:
    assert run_shapes.response(run({"output": output}))["output"] == shown


@pytest.mark.parametrize(
    ("run_id", "run_type", "shown"),
    [
        ("tsk_1", "task_v3", "task_v3"),
        ("tsk_1", "task_v9", "task_v1"),
        ("wr_1", "agent_run", "workflow_run"),
    ],
)
def test_a_run_type_the_sdk_can_read(run_id: str, run_type: str, shown: str) -> None:
    record = run(run_id=RunId(run_id), run_type=run_type)
    assert run_shapes.response(record)["run_type"] == shown


def test_requests_the_sdk_can_read() -> None:
    assert run_shapes.response(run(request=b"{}"))["run_request"] == {"prompt": ""}
    workflow = run(request=b'{"agent_id":"w"}', run_type="workflow_run")
    assert run_shapes.response(workflow)["run_request"]["workflow_id"] == "w"
    reported = run({"run_request": {}}, run_type="workflow_run", workflow_id="wpid_2")
    assert run_shapes.response(reported)["run_request"]["workflow_id"] == "wpid_2"


def test_the_older_dialect() -> None:
    record = run()
    task = run_shapes.as_task(run_shapes.response(record), record)
    assert task["task_id"] == "tsk_1"
    assert task["webhook_callback_url"] == "https://a.example/"
    assert task["request"]["webhook_callback_url"] == "https://a.example/"
    assert task["request"]["prompt"] == "buy"
    bare = run(request=None, webhook_url=None)
    assert run_shapes.as_task(run_shapes.response(bare), bare)["webhook_callback_url"] is None


def test_items_of_the_list_go_by_two_names() -> None:
    item = run_shapes.in_list(run())
    assert (item["task_run_id"], item["task_run_type"]) == (item["run_id"], item["run_type"])


def test_the_event_of_a_cancelled_run() -> None:
    payload = run_shapes.cancelled(run(status="running", final=False), NOW + 60)
    assert payload["status"] == "canceled"
    assert payload["finished_at"] == payload["modified_at"] == "2024-03-01T10:01:00.000Z"
    assert payload["created_at"] == "2024-03-01T10:00:00.000Z"
    assert sorted(payload) == sorted(FIELDS)


@pytest.mark.parametrize("payload", [b"[]", b"null", b"\xff", b"{"])
def test_a_payload_that_is_no_object_is_no_payload(payload: bytes) -> None:
    assert (
        run_shapes.response(run(payload=None) if not payload else _with(payload))["output"] is None
    )


def _with(payload: bytes) -> RunRecord:
    from dataclasses import replace

    return replace(run(), payload=payload)
