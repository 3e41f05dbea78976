"""
A stored run as clients see it: the run response, in both dialects at once.

The payload that speaks for the run is shown with what Skyvern's SDK models insist on: times with a zone,
files under both sets of names, an output that is text, list or object, a known run type, a task request
with a prompt. The stored bytes stay as they came.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from hookgate.payloads import RunType
from hookgate_gateway.api import answers, times
from hookgate_gateway.ports import RunRecord
from hookgate_gateway.rules.delivery import Timestamp
from hookgate_gateway.upstream.addresses import is_ingest_url

__all__ = ["as_task", "cancelled", "in_list", "response"]

_RUN_TYPES: Final = frozenset(str(t) for t in RunType)
_TASK_TYPES: Final = _RUN_TYPES - {RunType.WORKFLOW_RUN}
_PASSED_ON: Final = (
    "failure_reason",
    "recording_url",
    "screenshot_urls",
    "app_url",
    "browser_session_id",
    "errors",
    "step_count",
)
_TIMES: Final = ("queued_at", "started_at", "finished_at")


def response(run: RunRecord) -> dict[str, Any]:
    """The run response, all its fields present."""
    payload = answers.parse_object(run.payload) or {}
    run_type = _run_type(run)
    shape: dict[str, Any] = {
        "run_id": run.run_id,
        "run_type": run_type,
        "status": run.status,
        "output": _output(payload.get("output")),
        "downloaded_files": _files(payload.get("downloaded_files")),
    }
    shape.update((name, payload.get(name)) for name in _PASSED_ON)
    shape["created_at"] = times.normal(payload.get("created_at")) or times.text(run.created_at)
    shape["modified_at"] = times.normal(payload.get("modified_at")) or times.text(run.modified_at)
    shape.update((name, times.normal(payload.get(name))) for name in _TIMES)
    shape["run_request"] = _run_request(payload.get("run_request"), run, run_type)
    return shape


def as_task(shape: dict[str, Any], run: RunRecord) -> dict[str, Any]:
    """The older dialect's words on top of a run response."""
    request = shape["run_request"] or {}
    return {
        **shape,
        "task_id": run.run_id,
        "webhook_callback_url": run.webhook_url,
        "request": {**request, "webhook_callback_url": run.webhook_url},
    }


def in_list(run: RunRecord) -> dict[str, Any]:
    """An item of the list of runs, which goes by two names."""
    shape = response(run)
    return {**shape, "task_run_id": run.run_id, "task_run_type": shape["run_type"]}


def cancelled(run: RunRecord, now: Timestamp) -> dict[str, Any]:
    """The payload of the event that the gateway makes when a run with nothing running it is cancelled."""
    moment = times.text(now)
    return {**response(run), "status": "canceled", "modified_at": moment, "finished_at": moment}


def _run_type(run: RunRecord) -> str:
    """The SDK fails on a word it does not know, so an unknown one is shown as what its id says."""
    if run.run_type in _RUN_TYPES:
        return run.run_type
    return RunType.WORKFLOW_RUN if run.run_id.startswith("wr_") else RunType.TASK_V1


def _output(value: Any) -> Any:
    """The SDK fails on a bare number or bool: those are shown as their JSON text."""
    return json.dumps(value) if isinstance(value, (int, float)) else value


def _files(value: Any) -> Any:
    return [_file(item) for item in value] if isinstance(value, list) else value


def _file(item: Any) -> Any:
    """A file under both sets of names: the SDK's ``url, filename`` and the seed's ``presigned_url, file_name``."""
    if isinstance(item, str):
        item = {"url": item}
    if not isinstance(item, dict):
        return item
    url = _first(item, "url", "presigned_url", "s3_uri")
    name = _first(item, "filename", "file_name")
    return {
        **item,
        "url": url if url is not None else "",
        "filename": name,
        "file_name": _first(item, "file_name", "filename"),
        "file_size": item.get("file_size"),
        "s3_uri": item.get("s3_uri"),
        "presigned_url": _first(item, "presigned_url", "url"),
    }


def _first(item: Mapping[str, Any], *names: str) -> Any:
    return next((item[name] for name in names if item.get(name) is not None), None)


def _run_request(reported: Any, run: RunRecord, run_type: str) -> dict[str, Any] | None:
    request = reported if isinstance(reported, dict) else answers.parse_object(run.request)
    if request is None:
        return None
    for name, value in request.items():
        if is_ingest_url(value, run.namespace):  # swapped in for an upstream
            request = {**request, name: run.webhook_url}
    if run_type in _TASK_TYPES:
        prompt = _first(request, "prompt", "user_prompt", "navigation_goal")
        return {**request, "prompt": prompt if prompt is not None else ""}
    workflow_id = _first(request, "workflow_id", "agent_id") or run.workflow_id or ""
    return {**request, "workflow_id": workflow_id}
