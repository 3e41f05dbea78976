"""
The gateway's health feed: how deliveries fare, as it changes.
"""

from collections.abc import Callable
from typing import Protocol

from hookgate_operator.declarations import Ledger
from hookgate_operator.ports import Gateway, Key

__all__ = ["FeedObserver", "HealthFeed"]


class FeedObserver(Protocol):
    """Who counts and logs."""

    def gateway_reachable(self, reachable: bool) -> None:  # noqa: FBT001  # a gauge's value
        """Whether the gateway's control API answered the last time."""
        ...

    def event(self, name: str, /, **fields: object) -> None: ...

    def warning(self, name: str, /, **fields: object) -> None: ...


class HealthFeed:
    """Follows the feed: ``wake`` is told of keys that changed, ``resync`` when everything may have."""

    def __init__(
        self,
        gateway: Gateway,
        ledger: Ledger,
        wake: Callable[[Key], None],
        resync: Callable[[], None],
        observer: FeedObserver,
    ) -> None:
        self._gateway = gateway
        self._ledger = ledger
        self._wake = wake
        self._resync = resync
        self._observer = observer

    async def run(self) -> None:
        """Follow until cancelled."""
        raise NotImplementedError
