"""
The words of deliveries: the states they can be in, and how their attempts end.

Log, metric, API and status condition say the same ones; the gateway imports them from here.
"""

from enum import StrEnum

__all__ = ["DeliveryState", "Outcome"]


class DeliveryState(StrEnum):
    """The four stored states. ``held`` is a pending delivery whose subscription has a hold."""

    PENDING = "pending"
    DELIVERED = "delivered"
    EXHAUSTED = "exhausted"
    CANCELLED = "cancelled"


class Outcome(StrEnum):
    """How an attempt ended. Log, metric, API and status condition say the same word."""

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
