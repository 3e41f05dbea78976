"""
How many deliveries a namespace may have pending: a fuse, so that one dead receiver fills no disk.

The counts come from the store now and then (the housekeeper reads them for the gauges anyway) and grow
with what is accepted in between, so that no request asks the store. They are exact to a few seconds:
what has ended is noticed late, what was created at once.
"""

from collections import Counter
from collections.abc import Mapping

from hookgate_gateway.rules.delivery import Namespace

__all__ = ["BacklogFull", "BacklogQuota"]

RETRY_AFTER = 30
"""Seconds after which a caller may try again: deliveries end one by one, not at once."""


class BacklogFull(Exception):
    """The namespace has as many pending deliveries as it may: 429 with Retry-After, nothing stored."""

    def __init__(self, namespace: Namespace, pending: int, limit: int) -> None:
        super().__init__(
            f"{pending} deliveries of this namespace are pending, {limit} may be;"
            " nothing was stored. See /v1/deliveries?state=pending"
        )
        self.retry_after = RETRY_AFTER
        """Seconds."""
        self.namespace = namespace
        """One that proved who it is: only with a key, or a source's signature, does one come so far."""
        self.pending = pending
        self.limit = limit


class BacklogQuota:
    """Pending deliveries by namespace. ``limit`` 0 sets none."""

    def __init__(self, limit: int = 0) -> None:
        self._limit = limit
        self._pending: Counter[Namespace] = Counter()
        self._meanwhile: Counter[Namespace] = Counter()

    def counting(self) -> None:
        """The store is about to count: what is added from now on may not be in its answer."""
        self._meanwhile.clear()

    def counted(self, pending: Mapping[tuple[Namespace, str], int]) -> None:
        """What the store has counted, by namespace and subscription.

        What was added meanwhile may be counted twice, until the next time; never not at all.
        """
        counts = Counter(self._meanwhile)
        for (namespace, _), count in pending.items():
            counts[namespace] += count
        self._pending = counts

    def added(self, namespace: Namespace, count: int) -> None:
        """Deliveries were created just now."""
        self._pending[namespace] += count
        self._meanwhile[namespace] += count

    def check(self, namespace: Namespace) -> None:
        """Raises BacklogFull when the namespace may have no more."""
        if self._limit and self._pending[namespace] >= self._limit:
            raise BacklogFull(namespace, self._pending[namespace], self._limit)
