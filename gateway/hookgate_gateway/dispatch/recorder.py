"""
Outcomes on their way to the store.

Outcomes are gathered while the previous batch is being written, and for a moment longer when outcomes
come slowly, so that a commit serves many. What the store cannot take now is kept and written later:
an attempt that was made is never forgotten, and nobody makes it again meanwhile.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace

from hookgate_gateway.observe import Observer
from hookgate_gateway.ports import Backlog, Recorded, Recording, StoreUnavailable
from hookgate_gateway.rules.delivery import Attempt
from hookgate_process.clock import Clock

_GATHER = 0.02
"""Seconds between two writes at least, unless a full batch waits."""
_BATCH = 512
_FIRST_BACKOFF = 0.1
_LONGEST_BACKOFF = 5.0

Written = Callable[[Sequence[Recording], Sequence[Recorded]], None]


class Recorder:
    """Writes recordings in batches; ``written`` is called with each batch that is on disk."""

    def __init__(
        self, backlog: Backlog, observer: Observer, clock: Clock, *, limit: int, written: Written
    ) -> None:
        self._backlog = backlog
        self._observer = observer
        self._clock = clock
        self._limit = limit
        self._written = written
        self._queue: deque[Recording] = deque()
        self._added = 0
        """Outcomes that ever came."""
        self._batch: list[Recording] = []
        """What is being written. Kept until the store has acknowledged it."""
        self._some = asyncio.Event()
        self._full = asyncio.Event()
        self._tried = asyncio.Event()
        """Never set for long: wakes those who wait, after each try to write."""
        self._last = float("-inf")
        self._backoff = 0.0

    @property
    def pending(self) -> int:
        """Outcomes that are not on disk yet."""
        return len(self._queue) + len(self._batch)

    @property
    def has_room(self) -> bool:
        """Whether more attempts may be made: their outcomes have a place to wait."""
        return not self._backoff and len(self._queue) < self._limit

    def add(self, recording: Recording) -> None:
        self._queue.append(recording)
        self._added += 1
        self._some.set()
        if len(self._queue) >= _BATCH:
            self._full.set()

    async def write_forever(self) -> None:
        """Write what comes, until cancelled; what is then unwritten is left to ``flush``."""
        while True:
            if not self._batch:
                await self._some.wait()
                await self._gather()
            try:
                await self._write()
            except StoreUnavailable as error:
                self._observer.warning(
                    "outcomes_wait_for_store", pending=self.pending, error=str(error)
                )
                await asyncio.sleep(self._backoff)

    async def settled(self) -> None:
        """Wait until every outcome that is here by now is on disk, or the store takes none."""
        here = self._added
        while self._added - self.pending < here and not self._backoff:
            await self._tried.wait()

    async def flush(self, seconds: float) -> bool:
        """Write everything, trying for that long; whether nothing is left."""
        deadline = self._clock.monotonic() + seconds
        while self.pending:
            try:
                await self._write()
            except StoreUnavailable:
                if self._clock.monotonic() >= deadline:
                    return False
                await asyncio.sleep(_FIRST_BACKOFF)
        return True

    async def _gather(self) -> None:
        """Wait until the last write is long enough ago, or a batch is full."""
        pause = self._last + _GATHER - self._clock.monotonic()
        if pause <= 0 or len(self._queue) >= _BATCH:
            return
        self._full.clear()
        wake = asyncio.get_running_loop().call_later(pause, self._full.set)
        try:
            await self._full.wait()
        finally:
            wake.cancel()

    async def _write(self) -> None:
        if not self._batch:
            queue = self._queue
            self._batch = [queue.popleft() for _ in range(min(_BATCH, len(queue)))]
        if not self._queue:
            self._some.clear()
        self._last = self._clock.monotonic()
        try:
            results = await self._backlog.record(self._batch)
        except StoreUnavailable:
            self._backoff = min(max(_FIRST_BACKOFF, 2 * self._backoff), _LONGEST_BACKOFF)
            raise
        except Exception as error:  # noqa: BLE001 - one outcome must not keep all others back
            self._part(error)
        else:
            batch, self._batch = self._batch, []
            self._backoff = 0.0
            self._written(batch, results)
        finally:
            self._tried.set()
            self._tried.clear()

    def _part(self, error: Exception) -> None:
        """The store will never take this batch: find the outcome it is about, and write that one bare."""
        if len(self._batch) > 1:
            half = len(self._batch) // 2
            self._queue.extendleft(reversed(self._batch[half:]))
            self._some.set()
            del self._batch[half:]
            return
        (recording,) = self._batch
        bare = replace(recording, attempt=_bare(recording.attempt))
        self._batch = [] if bare == recording else [bare]
        self._observer.error(
            "outcome_refused",
            delivery_id=recording.delivery.id,
            dropped=not self._batch,
            error=type(error).__name__,
        )


def _bare(attempt: Attempt) -> Attempt:
    """Without anything that the receiver said."""
    return replace(
        attempt, url="", request_headers=(), response_headers=(), response_body=b"", error=None
    )
