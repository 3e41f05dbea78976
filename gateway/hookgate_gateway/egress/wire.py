"""
One connection to a receiver: carries one request at a time, and closes itself when it cannot another.

What it costs is what a busy gateway spends its time on, so an exchange makes one future and no task. The
timer of a connection is set once and looks, when it goes off, what is due by then: most deadlines never
come, and moving a timer for each would cost more than the request.
"""

import asyncio
import fcntl
import ssl
import sys
import termios
from collections.abc import Callable
from typing import cast

from hookgate_gateway.egress.answers import Answer, AnswerReader, NotHttp

IDLE_SECONDS = 60.0
"""A connection that nothing was sent on for so long is closed."""
_PIECE = 64 * 1024
"""A larger body goes out piece by piece, so that what waits in the transport stays small."""
_TICK = 0.001  # a loop's clock has a grain: a timer may go off this much too early


class Broken:
    """An exchange that came to no answer. ``error`` None: the receiver closed the connection."""

    __slots__ = ("begun", "error", "unacknowledged")

    def __init__(
        self, error: Exception | None, *, begun: bool, unacknowledged: bool = False
    ) -> None:
        self.error = error
        self.begun = begun
        """Whether a part of the answer had come."""
        self.unacknowledged = unacknowledged
        """Known not to have reached the receiver's side as a whole."""

    @property
    def silent(self) -> bool:
        """Whether the connection ended without a word, and not by our deadline."""
        if self.begun or isinstance(self.error, TimeoutError):
            return False
        return not isinstance(self.error, ssl.SSLError) or isinstance(self.error, ssl.SSLEOFError)


class Connection(asyncio.Protocol):
    """A connection. ``lost`` is called once, when it is closed, with whatever else is left to be done.

    ``round_trip`` is how many seconds its handshake took.
    """

    __slots__ = (
        "_deadline",
        "_loop",
        "_lost",
        "_reader",
        "_room",
        "_sent",
        "_timer",
        "_transport",
        "_waiter",
        "closed",
        "round_trip",
    )

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        lost: Callable[["Connection"], None],
        round_trip: float = 0.0,
    ) -> None:
        self._loop = loop
        self._lost = lost
        self._reader = AnswerReader()
        self._transport: asyncio.Transport | None = None
        self._waiter: asyncio.Future[Answer | Broken] | None = None
        self._room: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._deadline = 0.0
        self._sent = True
        self.closed = False
        """Nothing can be sent on it any more."""
        self.round_trip = round_trip

    # -------------------------------------------------------------------------------- exchanging

    async def exchange(self, head: bytes, body: bytes, deadline: float) -> Answer | Broken:
        """Send a request and wait for its answer until ``deadline`` (the loop's seconds).

        Only cancellation raises, and ends the connection.
        """
        if self.closed or self._transport is None:
            return Broken(None, begun=False)
        self._reader.begin()
        waiter: asyncio.Future[Answer | Broken] = self._loop.create_future()
        self._waiter = waiter
        self._await_until(deadline)
        try:
            if len(body) <= _PIECE:
                self._transport.write(head + body)
            else:
                await self._send_in_pieces(self._transport, head, body)
            return await waiter
        except BaseException:
            self.abort()
            raise

    async def _send_in_pieces(self, transport: asyncio.Transport, head: bytes, body: bytes) -> None:
        """Send a large body as fast as it is taken; stop when the answer is there already."""
        self._sent = False
        transport.write(head)
        view = memoryview(body)
        for start in range(0, len(body), _PIECE):
            if self._room is not None:
                await self._room
            if self._waiter is None or transport.is_closing():
                return
            transport.write(view[start : start + _PIECE])
        self._sent = True

    @property
    def reusable(self) -> bool:
        """Whether another request can be sent on it now: all was sent, and the whole answer has come."""
        return (
            not self.closed
            and self._sent
            and self._reader.reusable
            and self._transport is not None
            and self._transport.get_write_buffer_size() == 0
        )

    def rest(self) -> None:
        """Wait for another exchange, and close when none has come for a while."""
        self._deadline = self._loop.time() + IDLE_SECONDS

    def close(self) -> None:
        """Close it in good order. What is under way on it is cut."""
        if not self.closed:
            self.closed = True
            if self._transport is not None:
                self._transport.close()

    def abort(self) -> None:
        """Close it at once, whatever is still to be written."""
        self.closed = True
        if self._transport is not None:
            self._transport.abort()

    # -------------------------------------------------------------------------------------- time

    def _await_until(self, deadline: float) -> None:
        self._deadline = deadline
        timer = self._timer
        if timer is not None:
            if timer.when() <= deadline:
                return  # it looks again when it goes off
            timer.cancel()
        self._timer = self._loop.call_at(deadline, self._look_at_the_clock)

    def _look_at_the_clock(self) -> None:
        self._timer = None
        if self._loop.time() + _TICK < self._deadline:
            self._timer = self._loop.call_at(self._deadline, self._look_at_the_clock)
        elif self._waiter is not None:
            self._finish(Broken(TimeoutError(), begun=self._reader.begun))
            self.abort()
        else:
            self.close()

    # ---------------------------------------------------------------- what the transport calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        if self._waiter is None:
            self.abort()  # nothing was asked: what comes must never be taken for the next answer
            return
        try:
            complete = self._reader.feed(data)
        except NotHttp as error:
            self._finish(Broken(error, begun=True))
            self.abort()
            return
        if complete:
            self._finish(self._reader.answer)

    def eof_received(self) -> None:
        """The receiver sends no more; with that the transport closes."""
        self._ended(None)

    def connection_lost(self, error: Exception | None) -> None:
        self._ended(error)
        self._transport = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._lost(self)

    def pause_writing(self) -> None:
        self._room = self._loop.create_future()

    def resume_writing(self) -> None:
        room, self._room = self._room, None
        if room is not None and not room.done():
            room.set_result(None)

    def _ended(self, error: Exception | None) -> None:
        self.closed = True
        if self._waiter is None:
            return
        if self._reader.end():
            self._finish(self._reader.answer)
        else:
            lost = self._transport is not None and _is_unacknowledged(self._transport)
            self._finish(Broken(error, begun=self._reader.begun, unacknowledged=lost))

    def _finish(self, result: Answer | Broken) -> None:
        """The exchange is over; a body that is still being sent goes no further."""
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(result)
        self.resume_writing()


def _is_unacknowledged(transport: asyncio.Transport) -> bool:
    """Whether something that was written is still without TCP's acknowledgement; False if nobody knows.

    The receiver's kernel acknowledges, not its program, and an end tells what had come before it: a FIN
    acknowledges that, a reset leaves what was known. Asked for anew, because the number of a socket
    that is closed may be another's by now; TLS tells of an end that is not its own only then.
    """
    raw = transport.get_extra_info("socket")
    try:
        queued = fcntl.ioctl(raw.fileno(), termios.TIOCOUTQ, bytes(4))  # tcp(7): SIOCOUTQ
    except (OSError, ValueError, AttributeError):  # another system, or closed already
        return False
    return int.from_bytes(queued, sys.byteorder) > 0
