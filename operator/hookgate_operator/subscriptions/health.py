"""
The gateway's health feed: how deliveries fare, as it changes.

It is the first to notice that the gateway was away or is another process now. What that one does not have
any more is forgotten, so that it is handed over again; what it judges otherwise is doubted, so that it is
asked how it stands. What it has and judges as before costs no request.
"""

import asyncio
from collections.abc import Callable, Collection
from typing import Protocol

from hookgate_operator.declarations import Ledger, Place
from hookgate_operator.ports import (
    GatewayError,
    HealthChanges,
    HealthReading,
    HeldKind,
    Key,
    Kind,
    OutsideError,
    Standing,
)

__all__ = ["FeedObserver", "HealthFeed"]

_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 30.0
_LEAST_PAUSE = 0.2
"""Seconds between an answer and the next question, whatever the gateway answers."""


class Teller(Protocol):
    """The part of the gateway that tells of health."""

    async def health(self, token: str | None) -> HealthChanges: ...


class FeedObserver(Protocol):
    """Who counts and logs."""

    def gateway_reachable(self, reachable: bool) -> None:
        """Whether the gateway's control API answered the last time."""
        ...

    def event(self, name: str, /, **fields: object) -> None: ...

    def trouble(self, name: str, /, *causes: OutsideError, **fields: object) -> None: ...


class HealthFeed:
    """Follows the feed: ``wake`` is told of keys that changed, ``resync`` when everything may have."""

    def __init__(
        self,
        gateway: Teller,
        ledger: Ledger,
        *,
        wake: Callable[[Key], None],
        resync: Callable[[], None],
        observer: FeedObserver,
    ) -> None:
        self._gateway = gateway
        self._ledger = ledger
        self._wake = wake
        self._resync = resync
        self._observer = observer
        self._token: str | None = None
        self._trouble: str | None = None

    async def run(self) -> None:
        """Follow until cancelled."""
        pause = _FIRST_PAUSE
        while True:
            try:
                changes = await self._gateway.health(self._token)
            except GatewayError as error:
                self._fails(error)
                await asyncio.sleep(max(pause, error.retry_after or 0.0))
                pause = min(2 * pause, _LONGEST_PAUSE)
            else:
                pause = _FIRST_PAUSE
                self._answers()
                self.take(changes)
                await asyncio.sleep(_LEAST_PAUSE)

    def take(self, changes: HealthChanges) -> None:
        """Remember what changed, and wake whom it concerns."""
        if changes.full:
            self._forget_all_but(changes.readings)
        self._token = changes.token
        for name, reading in changes.readings.items():
            self._hear(name, reading)
        for name in changes.removed:
            self._ledger.forget(_place(name))
            self._wake(_key(name))

    def _forget_all_but(self, there: Collection[tuple[str, str]]) -> None:
        """Another process answers, or the same one from its beginning."""
        for place, handed in self._ledger.subscriptions():
            if (place.namespace, place.name) not in there:
                self._ledger.forget(place)
                self._wake(handed.key)
        self._resync()

    def _hear(self, name: tuple[str, str], reading: HealthReading) -> None:
        if self._ledger.health(name) == reading:
            return
        self._ledger.hear(name, reading)
        handed = self._ledger.get(_place(name))
        if handed is not None and _contradicts(reading, handed.standing):
            self._ledger.doubt(_place(name))
        self._wake(_key(name))

    def _answers(self) -> None:
        if self._trouble is not None:
            self._observer.event("gateway_answers_again")
            self._resync()  # wakes what could not be handed over meanwhile
        self._trouble = None
        self._observer.gateway_reachable(True)

    def _fails(self, error: GatewayError) -> None:
        if str(error) != self._trouble:
            self._observer.trouble("gateway_health_unread", error, message=str(error))
        self._trouble = str(error)
        self._observer.gateway_reachable(False)


def _contradicts(reading: HealthReading, standing: Standing) -> bool:
    """Whether the gateway judges values or endpoint otherwise than when it was put."""
    is_forbidden = standing.endpoint.allowed is False
    match reading.hold:
        case "Unresolved":
            return standing.resolved
        case "EndpointForbidden":
            return not is_forbidden
        case None:
            return is_forbidden or not standing.resolved
        case _:
            return False  # Suspended and Gone hide what else there is


def _place(name: tuple[str, str]) -> Place:
    return Place(HeldKind.SUBSCRIPTION, *name)


def _key(name: tuple[str, str]) -> Key:
    return Key(Kind.SUBSCRIPTION, *name)
