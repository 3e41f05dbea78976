"""Questions about the replica that leads."""

from typing import Final

__all__ = ["AT_WORK", "WATCH_AGE"]

AT_WORK: Final = "and on (cluster, job, instance) hookgate_operator_leader{PROCESS} == 1"
"""Of the replica that leads: a standby looks after nothing, and its figures stand still."""
WATCH_AGE: Final = (
    f"time() - hookgate_operator_last_watch_event_timestamp_seconds{{PROCESS}} {AT_WORK}"
)
