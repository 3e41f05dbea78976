"""
A request as it would be sent, for people: what came from a Secret, and the signature, are ``***``.

The sender makes the real one; a test holds the two against each other.
"""

from typing import Final

from multidict import CIMultiDict

from hookgate.signing import sign
from hookgate_gateway.ports import Shipment
from hookgate_gateway.rules.destination import read_url

__all__ = ["headers", "url"]

_MASK: Final = "***"
_SIGNATURES: Final = frozenset({"X-Skyvern-Signature", "webhook-signature"})


def url(shipment: Shipment) -> str:
    """Where it goes: a query, which may hold a secret, is replaced by ``?…``, as a secret path is."""
    destination = read_url(shipment.url)
    return destination.shown_without_path if shipment.secret_url else destination.shown


def headers(shipment: Shipment, timestamp: int) -> dict[str, str]:
    """All headers of the attempt that would be made at ``timestamp`` (unix seconds)."""
    shown = CIMultiDict(
        (name, _MASK if name.lower() in shipment.secret_headers else value)
        for name, value in shipment.headers
    )
    shown["Content-Type"] = "application/json"
    shown.setdefault("User-Agent", "Skyvern-Webhook/1.0")
    signed = sign(
        shipment.scheme,
        shipment.keys,
        shipment.body,
        event_id=shipment.event_id,
        timestamp=timestamp,
    )
    shown.update((name, _MASK if name in _SIGNATURES else value) for name, value in signed.items())
    shown["X-Hookgate-Event-Id"] = shipment.event_id
    shown["X-Hookgate-Delivery-Id"] = shipment.delivery_id
    shown["X-Hookgate-Attempt"] = str(shipment.number)
    if shipment.replay:
        shown["X-Hookgate-Replay"] = "1"
    return {str(name): value for name, value in shown.items()}
