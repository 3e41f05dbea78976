"""
Takes that are under way: what is cancelled before their answer is in was read as pending.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from hookgate_gateway.rules.delivery import DeliveryId


class Takes:
    """Knows, for each open take, what was cancelled since it began."""

    def __init__(self) -> None:
        self._open: dict[object, set[DeliveryId]] = {}

    @contextmanager
    def take(self) -> Iterator[set[DeliveryId]]:
        """A take; what its answer holds of this set is not to be sent."""
        token = object()
        cancelled = self._open[token] = set()
        try:
            yield cancelled
        finally:
            del self._open[token]

    def cancelled(self, ids: Iterable[DeliveryId]) -> None:
        """These were cancelled in the store."""
        for cancelled in self._open.values():
            cancelled.update(ids)
