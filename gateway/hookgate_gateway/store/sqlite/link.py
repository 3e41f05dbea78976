"""
The gateway's end of the writer: frames out, answers back, whatever happens to the process between.

A frame is kept until it is acknowledged. When a writer dies, the next one is started and is sent
everything again in the same order; frames are idempotent by their ids. Who waits longer than
``PATIENCE`` gets StoreUnavailable; the link goes on recovering.
"""

import asyncio
import socket
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from hookgate_gateway.observe import Observer
from hookgate_gateway.ports import StoreError, StoreFull, StoreRefused, StoreUnavailable
from hookgate_gateway.store.sqlite.frames import encode
from hookgate_gateway.store.sqlite.process import LEAVE, Connection, reap, spawn

__all__ = ["PATIENCE", "Link", "Reply"]

PATIENCE = 5.0
"""Seconds that a caller waits for the writer before it is told that the store is unavailable."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.02, 1.0

Reply = tuple[Any, memoryview]
"""An answer's payload and bodies."""


class _Request:
    __slots__ = ("answer", "frame", "sent_at", "settled")

    def __init__(
        self,
        frame: bytes,
        answer: asyncio.Future[Reply],
        sent_at: float,
        settled: Callable[[], None] | None,
    ) -> None:
        self.frame = frame
        self.answer = answer
        self.sent_at = sent_at
        self.settled = settled


class Link:
    """Requests to the writer of one database. Made on the running loop, started once, closed once."""

    def __init__(self, path: Path, *, observer: Observer, lock_patience: float) -> None:
        self._path = path
        self._observer = observer
        self._lock_patience = lock_patience
        self._loop = asyncio.get_running_loop()
        self._requests: dict[int, _Request] = {}
        self._number = 0
        self._connection: Connection | None = None
        self._ready = self._was_ready = False
        self._stalled = False
        self._closing = False
        self._opened: asyncio.Future[None] | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._watch: asyncio.TimerHandle | None = None
        self.process: subprocess.Popen[bytes] | None = None
        """The writer, while there is one."""

    async def start(self) -> None:
        """Start the writer. Raises StoreRefused when it cannot use the file."""
        self._opened = self._loop.create_future()
        self._keeper = asyncio.create_task(self._keep(), name="sqlite-writer")
        try:
            await self._opened
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Let the writer commit what it has and leave. One that never was ready is not waited for."""
        self._closing = True
        if self._connection is not None:
            self._connection.finish()
        killer = self._loop.call_later(LEAVE if self._was_ready else 0, self._kill)
        if self._keeper is not None:
            await self._keeper
        killer.cancel()
        if self._watch is not None:
            self._watch.cancel()
        self._fail_all("the store is closed")

    async def request(
        self,
        kind: str,
        payload: Any,
        bodies: Iterable[bytes] = (),
        *,
        settled: Callable[[], None] | None = None,
    ) -> Reply:
        """The writer's answer; ``ok`` answers are on disk. Raises StoreUnavailable and StoreFull.

        ``settled`` is called when the answer is in, also when nobody waits for it any more, or when it
        is certain that none will come. Cancelling takes nothing back.
        """
        return await self.post(kind, payload, bodies, settled=settled)

    def post(
        self,
        kind: str,
        payload: Any,
        bodies: Iterable[bytes] = (),
        *,
        settled: Callable[[], None] | None = None,
    ) -> asyncio.Future[Reply]:
        """As ``request``, sent at once and not awaited."""
        if self._stalled or self._closing:
            raise StoreUnavailable("the store does not answer at the moment")
        self._number += 1
        frame = encode((self._number, kind, payload), bodies)
        now = self._loop.time()
        answer: asyncio.Future[Reply] = self._loop.create_future()
        self._requests[self._number] = _Request(frame, answer, now, settled)
        if self._ready and self._connection is not None:
            self._connection.send(frame)
        if self._watch is None:
            self._watch = self._loop.call_at(now + PATIENCE, self._look)
        return answer

    # ------------------------------------------------------------------------- answers and waiting

    def _answered(self, frames: Iterable[tuple[Any, memoryview]]) -> None:
        for header, bodies in frames:
            number, verdict, *rest = header
            if number == 0:
                self._told(verdict, *rest)
                continue
            self._stalled = False
            request = self._requests.pop(number, None)
            if request is None:
                continue
            if not request.answer.done():
                if verdict == "ok":
                    request.answer.set_result((rest[0], bodies))
                else:
                    request.answer.set_exception(_error(verdict, rest[0]))
            if request.settled is not None:
                request.settled()

    def _told(self, verdict: str, sentence: str = "") -> None:
        if verdict == "waiting":
            self._observer.event("store_waits_for_lock", file=str(self._path), holder=sentence)
        elif verdict == "refused":
            self._refused(sentence)
        elif verdict == "ready":
            self._ready = self._was_ready = True
            self._stalled = False
            self._send_again()
            if self._opened is not None and not self._opened.done():
                self._opened.set_result(None)

    def _refused(self, sentence: str) -> None:
        if self._opened is not None and not self._opened.done():
            self._closing = True
            self._opened.set_exception(StoreRefused(sentence))
        else:
            self._observer.error("store_writer_refused", error=sentence)

    def _send_again(self) -> None:
        """Everything that somebody still waits for; the others were told and will ask again."""
        for number, request in list(self._requests.items()):
            if request.answer.done():
                del self._requests[number]
                if request.settled is not None:
                    request.settled()
            elif self._connection is not None:
                self._connection.send(request.frame)

    def _look(self) -> None:
        """Tell those who have waited too long; one timer for all."""
        self._watch = None
        now = self._loop.time()
        for request in self._requests.values():
            if request.sent_at + PATIENCE > now:
                self._watch = self._loop.call_at(request.sent_at + PATIENCE, self._look)
                return
            if not request.answer.done():
                self._stalled = True
                request.answer.set_exception(StoreUnavailable("the store does not answer"))

    def _fail_all(self, sentence: str) -> None:
        for request in self._requests.values():
            if not request.answer.done():
                request.answer.set_exception(StoreUnavailable(sentence))
            if request.settled is not None:
                request.settled()
        self._requests.clear()

    # ------------------------------------------------------------------------------- the process

    def _kill(self) -> None:
        if self.process is not None:
            self.process.kill()

    async def _keep(self) -> None:
        """A writer, and after its death the next one."""
        pause = _FIRST_PAUSE
        while True:
            started = self._loop.time()
            try:
                await self._one_life()
            except (OSError, RuntimeError) as error:  # no process, no thread, no descriptor left
                self._observer.error("store_writer_not_started", error=str(error))
            self._ready, self._connection = False, None
            if self._closing:
                return
            code = self.process.returncode if self.process else None
            self._observer.warning(
                "store_writer_died", exit_code=code, unanswered=len(self._requests)
            )
            lived = self._loop.time() - started
            pause = _FIRST_PAUSE if lived > PATIENCE else min(pause * 2, _LONGEST_PAUSE)
            await asyncio.sleep(pause)

    async def _one_life(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            ours.setblocking(False)
            try:
                self.process = await asyncio.to_thread(
                    spawn, theirs, self._path, self._lock_patience
                )
            except BaseException:
                ours.close()
                raise
        _, connection = await self._loop.create_unix_connection(
            lambda: Connection(self._answered), sock=ours
        )
        self._connection = connection
        if self._closing:
            connection.finish()
            if not self._was_ready:
                self._kill()
        try:
            await connection.gone.wait()
        finally:
            connection.abort()
            await reap(self.process)


def _error(verdict: str, sentence: str) -> StoreError:
    if verdict == "full":
        return StoreFull(sentence)
    if verdict == "unavailable":
        return StoreUnavailable(sentence)
    return StoreError(sentence)
