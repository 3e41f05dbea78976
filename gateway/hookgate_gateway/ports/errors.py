"""
How a store says that it cannot.
"""

from hookgate_gateway.contract import ResourceKey

__all__ = [
    "InvalidCursor",
    "OwnedByAnother",
    "StoreError",
    "StoreFull",
    "StoreRefused",
    "StoreUnavailable",
]


class StoreError(Exception):
    """The root of what a store can raise."""


class StoreUnavailable(StoreError):
    """The store cannot take this now. Nothing was stored that was not acknowledged before."""


class StoreFull(StoreUnavailable):
    """There is no room on the disk."""


class StoreRefused(StoreError):
    """This store cannot be used by this program; the message says why and what to do."""


class OwnedByAnother(StoreError):
    """The resource belongs to another owner."""

    def __init__(self, key: ResourceKey, owner: str) -> None:
        super().__init__(f"{key.kind} {key.namespace}/{key.name} is owned by {owner!r}")
        self.key = key
        self.owner = owner


class InvalidCursor(ValueError):
    """A page's cursor that no store made: the client's mistake, answered with 422."""
