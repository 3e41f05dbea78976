"""
The end of deliveries whose age is over, whether or not they ever get their turn.

An attempt's verdict says ``expired`` for what was tried. What waits behind an open breaker or in a long
queue is looked at here now and then. While its subscription is held nothing expires, and the age counts
from the last resume. Nobody's age is over because the clock was set, or because this gateway was not
there to send.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from hookgate_gateway.dispatch.lanes import Lane
from hookgate_gateway.dispatch.plan import Catalogue, overdue_before
from hookgate_gateway.dispatch.report import tell_expired
from hookgate_gateway.dispatch.returns import Returns
from hookgate_gateway.dispatch.windows import Windows
from hookgate_gateway.observe import Observer
from hookgate_gateway.ports import Backlog
from hookgate_gateway.rules.delivery import DeliveryId, LaneKey, Timestamp
from hookgate_process.clock import Clock, PatientWall

_LATE: Final = 5.0
"""Seconds: an attempt that came due before the end may be started this much after it."""
_FIRST_CHANCE: Final = 300.0
"""Seconds after a start in which nothing expires: what waited meanwhile gets its turn first."""
_PATIENCE: Final = 3600.0
"""Seconds until a jump ahead of the wall clock is believed."""
_CHUNK: Final = 256
_PAUSE: Final = 0.05
"""Seconds between two chunks: events that come in are not to wait for them."""


class Expiry:
    """Ends what has waited too long in the lanes' windows and parked in the store."""

    def __init__(
        self,
        backlog: Backlog,
        clock: Clock,
        catalogue: Catalogue,
        observer: Observer,
        *,
        windows: Windows,
        returns: Returns,
        settle: Callable[[Lane], None],
    ) -> None:
        self._backlog = backlog
        self._clock = clock
        self._catalogue = catalogue
        self._observer = observer
        self._windows = windows
        self._returns = returns
        self._settle = settle
        self._wall: PatientWall | None = None
        self._from = 0.0

    async def sweep(self, parked: Iterable[LaneKey]) -> None:
        """Look at the windows, and at these lanes in the store. Raises StoreUnavailable."""
        if self._wall is None:
            self._wall = PatientWall(self._clock, _PATIENCE)
            self._from = self._clock.monotonic() + _FIRST_CHANCE
        late = self._wall.now() - _LATE
        if self._clock.monotonic() < self._from:
            return
        for lane in self._windows:
            if lane.waiting:
                await self._sweep_window(lane, late)
        await self._sweep_store(parked, late)

    async def _sweep_window(self, lane: Lane, late: Timestamp) -> None:
        before = overdue_before(lane.key, self._catalogue.snapshot, late)
        ids = [] if before is None else lane.created_before(before)
        if not ids:
            return
        for id_ in ids:
            self._windows.drop(id_)
        self._settle(lane)
        try:
            await self._end(ids)
        except BaseException:
            self._returns.release(*ids)
            raise

    async def _end(self, ids: Sequence[DeliveryId]) -> None:
        tell_expired(self._observer, await self._backlog.expire(ids, self._clock.now()))

    async def _sweep_store(self, parked: Iterable[LaneKey], late: Timestamp) -> None:
        snapshot = self._catalogue.snapshot
        before = {
            key: at for key in parked if (at := overdue_before(key, snapshot, late)) is not None
        }
        while before:
            now = self._clock.now()
            expired = await self._backlog.expire_parked(before, _CHUNK, now)
            tell_expired(self._observer, expired)
            if len(expired) < _CHUNK:
                break
            await asyncio.sleep(_PAUSE)
