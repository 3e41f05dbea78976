"""
One attempt of one delivery: read, plan, send. Never decides what follows from it.
"""

import asyncio
from collections.abc import Callable

from hookgate.deliveries import Outcome
from hookgate_gateway.dispatch.bodies import LARGE_BODY_BYTES, LargeBodies
from hookgate_gateway.dispatch.plan import Blocked, Catalogue, Held, plan
from hookgate_gateway.observe import Observer
from hookgate_gateway.ports import Backlog, Sender, Shipment, StoreUnavailable
from hookgate_gateway.rules.delivery import Attempt, Delivery, Timestamp
from hookgate_process.clock import Clock

_PAUSE = 1.0
"""Seconds before a delivery is given back whose body cannot be read now."""


class Courier:
    """Makes attempts. A delivery that cannot be tried now goes back, by ``park`` or ``release``."""

    def __init__(
        self,
        backlog: Backlog,
        sender: Sender,
        catalogue: Catalogue,
        observer: Observer,
        clock: Clock,
        *,
        park: Callable[[Delivery], None],
        release: Callable[[Delivery], None],
        large_bytes: int = LARGE_BODY_BYTES,
    ) -> None:
        self._backlog = backlog
        self._sender = sender
        self._catalogue = catalogue
        self._observer = observer
        self._clock = clock
        self._park = park
        self._release = release
        self._large = LargeBodies(large_bytes)

    async def attempt(self, delivery: Delivery) -> Attempt | None:
        """Make the attempt; None when the delivery was given back and no attempt was used up."""
        started_at, started = self._clock.now(), self._clock.monotonic()
        try:
            if delivery.body is None:
                return await self._attempt_large(delivery)
            planned = plan(delivery, delivery.body, self._catalogue.snapshot)
            if isinstance(planned, Shipment):
                return await self._sender.send(planned)
            return self._not_sent(delivery, planned)
        except Exception as error:  # noqa: BLE001 - it must not stay in hand for ever
            self._observer.error(
                "attempt_failed", delivery_id=delivery.id, error=type(error).__name__
            )
            return self._fault(started_at, started)

    async def _attempt_large(self, delivery: Delivery) -> Attempt | None:
        """Read the body first, once there is room for it."""
        async with self._large.room(delivery.namespace, delivery.body_size):
            try:
                body = await self._backlog.body(delivery.namespace, delivery.event_id)
            except StoreUnavailable:
                await asyncio.sleep(_PAUSE)
                self._release(delivery)
                return None
            if body is None:
                return self.blocked("the event's bytes are not in the store any more")
            planned = plan(delivery, body, self._catalogue.snapshot)
            if isinstance(planned, Shipment):
                return await self._sender.send(planned)
            return self._not_sent(delivery, planned)

    def _not_sent(self, delivery: Delivery, planned: Held | Blocked) -> Attempt | None:
        if isinstance(planned, Blocked):
            return self.blocked(planned.error)
        self._park(delivery)
        return None

    async def send(self, shipment: Shipment) -> Attempt:
        """Post it. An exception of the sender is a fault of ours: logged, retried as a failure."""
        started_at, started = self._clock.now(), self._clock.monotonic()
        try:
            return await self._sender.send(shipment)
        except Exception as error:  # noqa: BLE001 - one delivery's fault must not stop the others
            self._observer.error(
                "sender_failed", delivery_id=shipment.delivery_id, error=type(error).__name__
            )
            return self._fault(started_at, started)

    def _fault(self, started_at: Timestamp, started: float) -> Attempt:
        """An attempt that failed by a fault of ours."""
        return Attempt(
            outcome=Outcome.CONNECTION_ERROR,
            started_at=started_at,
            duration=self._clock.monotonic() - started,
            error="the gateway failed to make this attempt",
        )

    def blocked(self, error: str) -> Attempt:
        """An attempt that our own side refused."""
        return Attempt(
            outcome=Outcome.BLOCKED, started_at=self._clock.now(), duration=0.0, error=error
        )
