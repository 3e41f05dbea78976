"""
The words of deliveries: the states they can be in, and how their attempts end.

Gateway, metrics, API and status say the same ones; here they are for resources, which import no gateway.
"""

from enum import StrEnum

__all__ = ["DeliveryState", "Outcome"]


class DeliveryState(StrEnum):
    """Where a delivery stands; ``pending`` ones include those that are held."""

    PENDING = "pending"
    DELIVERED = "delivered"
    EXHAUSTED = "exhausted"
    CANCELLED = "cancelled"


class Outcome(StrEnum):
    """How an attempt ended."""

    SUCCESS = "success"
    CLIENT_ERROR = "client_error"
    SERVER_ERROR = "server_error"
    REDIRECT = "redirect"
    RATE_LIMITED = "rate_limited"
    GONE = "gone"
    TIMEOUT = "timeout"
    DNS_ERROR = "dns_error"
    CONNECTION_ERROR = "connection_error"
    TLS_ERROR = "tls_error"
    BLOCKED = "blocked"
