"""
The sender: one POST to be made.
"""

from dataclasses import field
from typing import Protocol

from hookgate.signing import SigningScheme
from hookgate_gateway.contract import PLAIN_TLS, Tls
from hookgate_gateway.rules.delivery import (
    Attempt,
    DeliveryId,
    EventId,
    LaneKey,
    Namespace,
)
from hookgate_gateway.rules.values import busy_value

__all__ = ["Sender", "Shipment"]


@busy_value
class Shipment:
    """One POST to be made: complete, so that the sender decides nothing but the network's part."""

    namespace: Namespace
    lane: LaneKey
    url: str = field(repr=False)
    secret_url: bool = False
    """Came from a Secret: the attempt shows its scheme and host alone."""
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    secret_headers: frozenset[str] = frozenset()
    timeout: float = 30.0
    tls: Tls = PLAIN_TLS
    scheme: SigningScheme
    keys: tuple[bytes, ...] = field(repr=False)
    body: bytes = field(repr=False)
    event_id: EventId
    delivery_id: DeliveryId
    number: int
    replay: bool = False
    test: bool = False
    once: bool = False
    """One POST whatever happens, on a connection of its own; else one that crosses the end of a kept
    connection is sent once more."""


class Sender(Protocol):
    """Makes attempts. A failed attempt is a value, never an exception."""

    async def send(self, shipment: Shipment) -> Attempt: ...

    async def forget(self, lane: LaneKey) -> None:
        """Close the connections of a lane that is idle or whose endpoint changed."""
        ...
