"""
Who is told of what happens between operator and API server.
"""

from typing import Protocol

from hookgate_operator.ports import Key

__all__ = ["ClusterObserver"]


class ClusterObserver(Protocol):
    """Counts and logs. Always called in the event loop of the operator; never with a Secret's value."""

    def cluster_request(self, verb: str, resource: str, code: str) -> None:
        """A request was answered with this HTTP status, or ``none``: there was no answer."""
        ...

    def watch_begins(self, watch: str) -> None:
        """A watch is about to be started; it does not work yet."""
        ...

    def watch_alive(self, watch: str, at: float) -> None:
        """A watch was known to be alive at that time (unix seconds)."""
        ...

    def watch_trouble(self, watch: str, why: str) -> None:
        """A watch does not work, told once for each reason; it is tried again with back-off."""
        ...

    def watch_recovered(self, watch: str) -> None:
        """A watch works again, or for the first time."""
        ...

    def watch_missed(self, watch: str, objects: int) -> None:
        """The API server has objects otherwise than the watch told; it is started anew."""
        ...

    def values_unread(self, namespace: str, name: str, why: str) -> None:
        """A Secret or ConfigMap could not be read again; what is known of it stays in use."""
        ...

    def announcement_lost(self, key: Key, reason: str, why: str) -> None:
        """A Kubernetes Event could not be recorded."""
        ...
