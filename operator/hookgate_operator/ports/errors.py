"""What can be expected to go wrong outside."""

from collections.abc import Sequence

__all__ = [
    "LONGEST_PATIENCE",
    "ClusterError",
    "Forbidden",
    "GatewayAwaited",
    "GatewayError",
    "GatewayRefused",
    "GatewayUnavailable",
    "OutsideError",
    "OwnedByAnother",
    "ReplayDiffers",
    "Throttled",
    "Unavailable",
]

LONGEST_PATIENCE = 60.0
"""Seconds, at most, that anybody outside is left alone for because he asks: beyond that it is a proxy's idea,
and nothing may be out of sight for an hour."""


class OutsideError(Exception):
    """One of the outside worlds could not do what was asked. Never holds a Secret's value."""

    retry_after: float | None = None
    """Seconds that it asked to be left alone for, ``LONGEST_PATIENCE`` at most."""


class ClusterError(OutsideError):
    """The API server could not do what was asked."""


class Forbidden(ClusterError):
    """The operator's ServiceAccount may not do this; the message names verb, resource and namespace."""


class Throttled(ClusterError):
    """The API server asks for patience (429)."""

    def __init__(self, message: str, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Unavailable(ClusterError):
    """No answer, or one that says the API server is in trouble."""


class GatewayError(OutsideError):
    """The gateway could not or would not do what was asked."""


class GatewayUnavailable(GatewayError):
    """No answer, or one that says to come back later."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class GatewayAwaited(GatewayUnavailable):
    """No answer yet, so soon that the gateway may be starting as the operator is: nothing to warn of."""


class GatewayRefused(GatewayError):
    """What was declared is not acceptable; ``problems`` are sentences without values."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


class OwnedByAnother(GatewayError):
    """Somebody else declared a resource of that name; the message says who."""


class ReplayDiffers(GatewayError):
    """A replay of that uid exists and asks for something else."""
