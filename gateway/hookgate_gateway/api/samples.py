"""
Sample payloads for tests: what a receiver gets when a run of that type completes.
"""

from typing import Any

from hookgate.payloads import RunType
from hookgate_gateway.api import times
from hookgate_gateway.rules.delivery import Timestamp

__all__ = ["sample"]


def sample(
    run_type: str, webhook_url: str | None, run_id: str | None, now: Timestamp
) -> dict[str, Any]:
    """A completed run of that type, marked ``"test": true``; its times end at ``now``."""
    workflow = run_type == RunType.WORKFLOW_RUN
    run_id = run_id or ("wr_test_sample" if workflow else "tsk_test_sample")
    return {
        "run_id": run_id,
        "run_type": run_type,
        "status": "completed",
        "output": {"message": "This is a test of your webhook endpoint"},
        "downloaded_files": [],
        "recording_url": None,
        "screenshot_urls": [],
        "failure_reason": None,
        "created_at": times.text(now - 60),
        "modified_at": times.text(now),
        "queued_at": times.text(now - 59),
        "started_at": times.text(now - 45),
        "finished_at": times.text(now),
        "app_url": None,
        "browser_session_id": None,
        "errors": [],
        "step_count": None if workflow else 3,
        "run_request": _workflow(webhook_url) if workflow else _task(webhook_url),
        "test": True,
    }


def _task(webhook_url: str | None) -> dict[str, Any]:
    return {
        "prompt": "A sample task that nobody ran",
        "url": "https://example.com/",
        "webhook_url": webhook_url,
        "data_extraction_schema": None,
        "proxy_location": None,
    }


def _workflow(webhook_url: str | None) -> dict[str, Any]:
    return {"workflow_id": "wpid_test", "parameters": {}, "webhook_url": webhook_url}
