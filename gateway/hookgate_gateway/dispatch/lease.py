"""
What this replica may send, and until when.
"""

import asyncio
from math import inf

from hookgate_gateway.ports import Backlog, Ownership
from hookgate_gateway.rules.delivery import LaneKey
from hookgate_gateway.rules.lane import shard
from hookgate_process.clock import Clock

MARGIN = 3.0
"""Seconds before its lease ends at which a replica stops starting attempts."""
_POLL = 1.0
_POLL_ALONE = 30.0
_NOTHING = Ownership(epoch=0, shards=frozenset(), until=-inf)


class Lease:
    """The newest answer of the store to the question who owns what."""

    def __init__(self, backlog: Backlog, clock: Clock) -> None:
        self._backlog = backlog
        self._clock = clock
        self._owned = _NOTHING

    @property
    def is_running(self) -> bool:
        """Whether attempts may be started now."""
        until = self._owned.until
        return until == inf or self._clock.monotonic() < until - MARGIN

    def covers(self, lane: LaneKey) -> bool:
        """Whether this lane is ours."""
        return self._owned.until == inf or shard(lane) in self._owned.shards

    async def renew(self) -> bool:
        """Ask the store; whether anything but the end of the lease is another now."""
        old, self._owned = self._owned, await self._backlog.owned()
        return (old.epoch, old.shards) != (self._owned.epoch, self._owned.shards)

    async def rest(self) -> None:
        """Wait until it is time to ask again."""
        await asyncio.sleep(_POLL_ALONE if self._owned.until == inf else _POLL)
