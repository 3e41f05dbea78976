"""
The words of a run payload: run types, statuses, and which statuses end a run.

The source is the seed's guide and the Skyvern servers and SDKs in use. A receiver imports these to
compare against; the gateway imports them to route.
"""

from enum import StrEnum

__all__ = ["TERMINAL_STATUSES", "RunStatus", "RunType"]


class RunType(StrEnum):
    """What kind of run a payload speaks of; the closed set that Skyvern's SDK accepts."""

    TASK_V1 = "task_v1"
    TASK_V2 = "task_v2"
    TASK_V3 = "task_v3"
    WORKFLOW_RUN = "workflow_run"
    OPENAI_CUA = "openai_cua"
    ANTHROPIC_CUA = "anthropic_cua"
    UI_TARS = "ui_tars"
    YUTORI_NAVIGATOR = "yutori_navigator"


class RunStatus(StrEnum):
    """Where a run stands."""

    CREATED = "created"
    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    FAILED = "failed"
    TERMINATED = "terminated"
    CANCELED = "canceled"
    TIMED_OUT = "timed_out"


TERMINAL_STATUSES: frozenset[RunStatus] = frozenset(
    {
        RunStatus.COMPLETED,
        RunStatus.FAILED,
        RunStatus.TERMINATED,
        RunStatus.CANCELED,
        RunStatus.TIMED_OUT,
    }
)
