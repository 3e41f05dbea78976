"""
What a payload says about a run, read only as far as routing needs.
"""

from dataclasses import dataclass

from hookgate.payloads import TERMINAL_STATUSES
from hookgate_gateway.rules.delivery import RunId


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The routing facts of one payload; everything else in it is passed on untouched."""

    run_id: RunId
    run_type: str
    status: str
    attempt: int = 0
    """The payload's ``attempt`` when it has one (an integer), else 0: part of an event's identity."""
    retry_pending: bool = False
    workflow_ids: tuple[str, ...] = ()
    """workflow_id, workflow_permanent_id, agent_id and run_request.workflow_id, as far as present."""

    @property
    def final(self) -> bool:
        """A terminal status of a run that will not be tried again."""
        return self.status in TERMINAL_STATUSES and not self.retry_pending
