"""
The connections of a listener: how many there may be, and how slow their clients may be.

aiohttp bounds a connection that is idle; nothing in it bounds how many there are, a request's head that
comes one byte at a time, or an answer that is never read. Each connection is aiohttp's own protocol
with four moments noted; one sweep every few seconds looks at all of them, so that a request costs one
comparison and no timer.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from math import inf
from typing import Any, Final, cast

from aiohttp import web
from aiohttp.http_exceptions import LineTooLong

from hookgate_gateway.api.errors import Refusal
from hookgate_gateway.api.showing import UNCOUNTED, Showing, crowded
from hookgate_gateway.observe import Observer, RefusedRequest

__all__ = ["Connection", "ConnectionLimits", "Connections", "client_network"]

_CROWDED: Final = 0.75
_LINGER: Final = 1.0
"""Seconds for which a refused client may read why, before its connection is cut."""
_LINGERING: Final = 256
"""Refused clients that may do so at the same time."""
_GOODBYE: Final = 1.0
"""Seconds for connections to end in order when the listener does: over TLS the client has to answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionLimits:
    """What a listener bears. Times in seconds."""

    total: int = 8192
    per_address: int = 4096
    """For each client address; an IPv6 client is its /64."""
    head: float = 30.0
    """For a complete request head, from the connection's beginning or the head's first byte."""
    crowded_head: float = 5.0
    """The same while three quarters of ``total`` are taken."""
    stall: float = 30.0
    """In which at least ``progress`` bytes of a waiting answer have to be read."""
    progress: int = 32 * 1024
    sweep_every: float = 2.0


class Connection(web.RequestHandler):
    """One client's connection: aiohttp's, watched from outside by :class:`Connections`."""

    __slots__ = (
        "_connections",
        "_now",
        "_unread",
        "_unread_since",
        "_wire",
        "network",
        "waits_since",
    )

    def __init__(self, connections: "Connections", server: web.Server, **options: Any) -> None:
        super().__init__(server, loop=asyncio.get_running_loop(), **options)
        self._connections = connections
        self._now = connections.now
        self._wire: asyncio.Transport | None = None
        self._unread = 0
        self._unread_since = 0.0
        self.network = ""
        self.waits_since = 0.0
        """Since when a request head is awaited; 0 while idle after an answer, ``inf`` during a request."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        wire = cast("asyncio.Transport", transport)
        self.network = client_network(wire.get_extra_info("peername"))
        why = self._connections.admit(self)
        if why is not None:
            self._connections.turn_away(wire, why)
            return
        self._wire = wire
        self.waits_since = self._now()
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        if self._wire is None:
            return  # turned away
        if not self.waits_since:
            self.waits_since = self._now()
        super().data_received(data)

    def connection_lost(self, exc: BaseException | None) -> None:
        if self._wire is not None:
            self._wire = None
            self._connections.left(self)
            super().connection_lost(exc)

    async def _drain_helper(self) -> None:
        """Wait for a client that reads slowly, as aiohttp does.

        The error of one that went away is kept by the future that aiohttp waits for, and would keep
        the frames of whoever writes, with the answer, until cycles are looked for. So it is told anew.
        """
        try:
            await super()._drain_helper()
        except ConnectionError:
            raise ConnectionResetError("the client went away") from None

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002  # quotes what the client sent
    ) -> web.StreamResponse:
        """What is no HTTP is answered as everything else is: JSON, and nothing repeated or logged."""
        if isinstance(exc, ConnectionError):
            raise exc
        if request.writer.output_size > 0:
            raise ConnectionError("the answer has begun already")
        response = self._connections.broken(status, exc).response()
        response.force_close()
        return response

    def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> Coroutine[Any, Any, tuple[web.StreamResponse, bool]]:
        """Send an answer. A large one needs room until nearly all of it has been read."""
        body = getattr(resp, "body", None)
        if isinstance(body, bytes) and len(body) > UNCOUNTED:
            return self._finish_large(request, resp, start_time, len(body))
        return super().finish_response(request, resp, start_time)

    async def _finish_large(
        self,
        request: web.BaseRequest,
        resp: web.StreamResponse,
        start_time: float | None,
        size: int,
    ) -> tuple[web.StreamResponse, bool]:
        showing = self._connections.showing
        if not showing.hold(size):
            self._connections.crowded_out()
            return await super().finish_response(request, crowded().response(), start_time)
        try:
            return await super().finish_response(request, resp, start_time)
        finally:
            showing.release(size)

    def drop(self) -> None:
        """End it at once, whatever is still to be read."""
        if self._wire is not None:
            self._wire.abort()

    def judge(self, now: float, limits: ConnectionLimits, head: float) -> RefusedRequest | None:
        """Why it is too slow, if it is; called at each sweep."""
        wire = self._wire
        if wire is None:
            return None
        unread = wire.get_write_buffer_size()
        if unread:
            return self._judge_reading(unread, now, limits)
        self._unread = 0
        return RefusedRequest.SLOW_HEAD if 0 < self.waits_since < now - head else None

    def _judge_reading(
        self, unread: int, now: float, limits: ConnectionLimits
    ) -> RefusedRequest | None:
        if unread > self._unread or unread <= self._unread - limits.progress:
            self._unread, self._unread_since = unread, now
        late = now - self._unread_since > limits.stall
        return RefusedRequest.SLOW_READER if late else None

    def cut(self, why: RefusedRequest) -> None:
        """End it. What is not read in time is dropped."""
        if why is RefusedRequest.SLOW_READER:
            self.drop()
        else:
            self.force_close()


class Connections:
    """All connections of one listener."""

    def __init__(
        self, limits: ConnectionLimits, observer: Observer, showing: Showing | None = None
    ) -> None:
        self.showing = showing or Showing()
        """Room for large answers."""
        self._limits = limits
        self._observer = observer
        self._open: set[Connection] = set()
        self._by_network: Counter[str] = Counter()
        self._lingering: set[asyncio.Transport] = set()
        self._none_left = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self.now: Callable[[], float] = self._loop.time
        """Monotonic seconds, as the loop has them."""

    def __len__(self) -> int:
        return len(self._open)

    def factory(self, server: web.Server, **options: Any) -> Callable[[], Connection]:
        """What makes the protocol of each new connection; ``options`` are aiohttp's own."""
        server.request_handler = _watched(server.request_handler)
        return lambda: Connection(self, server, **options)

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        """Sweep until the end of the block."""
        task = asyncio.create_task(self._sweep_on(), name="connections")
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def admit(self, connection: Connection) -> RefusedRequest | None:
        """Count a connection in, or say why not."""
        if len(self._open) >= self._limits.total:
            return RefusedRequest.CONNECTIONS
        if self._by_network[connection.network] >= self._limits.per_address:
            return RefusedRequest.ADDRESS_CONNECTIONS
        self._open.add(connection)
        self._by_network[connection.network] += 1
        return None

    def left(self, connection: Connection) -> None:
        """An admitted one has ended."""
        self._open.discard(connection)
        self._by_network[connection.network] -= 1
        if not self._by_network[connection.network]:
            del self._by_network[connection.network]
        if not self._open:
            self._none_left.set()

    def crowded_out(self) -> None:
        """There was no room for an answer."""
        self._observer.refused(RefusedRequest.OVERLOADED)

    async def end(self) -> None:
        """Come back when all connections have ended, which were told to; the last of them are cut."""
        for wire in tuple(self._lingering):
            self._let_go(wire)
        await self._ended_within(_GOODBYE)
        for connection in tuple(self._open):
            connection.drop()
        await self._ended_within(_GOODBYE)

    async def _ended_within(self, seconds: float) -> None:
        self._none_left.clear()
        if self._open:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._none_left.wait()

    def turn_away(self, wire: asyncio.Transport, why: RefusedRequest) -> None:
        """Tell a client that there is no room for it; it has a moment to read that."""
        self._observer.refused(why)
        wire.write(_NO_ROOM[why])
        if len(self._lingering) >= _LINGERING:
            wire.close()
            return
        self._lingering.add(wire)
        if wire.can_write_eof():  # TLS has no half of a connection to close
            wire.write_eof()
        self._loop.call_later(_LINGER, self._let_go, wire)

    def _let_go(self, wire: asyncio.Transport) -> None:
        self._lingering.discard(wire)
        wire.abort()

    def broken(self, status: int, error: BaseException | None) -> Refusal:
        """The answer to a request that cannot be read, counted."""
        if status >= 500:
            return Refusal(500, "internal_error", "an internal error")
        self._observer.refused(RefusedRequest.BROKEN)
        if isinstance(error, LineTooLong):
            return Refusal(431, "headers_too_large", "the request line or a header is too long")
        return Refusal(400, "bad_request", "the request is not valid HTTP")

    def sweep(self) -> None:
        """Cut those that are too slow."""
        now, limits = self.now(), self._limits
        crowded = len(self._open) >= limits.total * _CROWDED
        head = limits.crowded_head if crowded else limits.head
        for connection in tuple(self._open):
            why = connection.judge(now, limits, head)
            if why is not None:
                self._observer.refused(why)
                connection.cut(why)

    async def _sweep_on(self) -> None:
        while True:
            await asyncio.sleep(self._limits.sweep_every)
            self.sweep()


def client_network(peer: object) -> str:
    """Whom connections are counted for: an IPv4 address, or an IPv6 client's /64."""
    if not isinstance(peer, tuple) or not peer:
        return ""
    try:
        address = ip_address(str(peer[0]).partition("%")[0])
    except ValueError:
        return ""
    if not isinstance(address, IPv6Address):
        return str(address)
    return str(address.ipv4_mapped or IPv6Address(int(address) >> 64 << 64))


def _watched(
    handler: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]],
) -> Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]:
    """The application's handler, with the connection's moments noted around it."""

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        connection: Any = request.protocol  # a Connection; a cast would be a call for each request
        connection.waits_since = inf
        try:
            return await handler(request)
        finally:
            connection.waits_since = 0.0

    return handle


def _bare(status: str, code: str, detail: str) -> bytes:
    """An answer before there was a request."""
    body = f'{{"detail":"{detail}","code":"{code}"}}'
    return (
        f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nServer: hookgate\r\n"
        f"Retry-After: 1\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


_NO_ROOM: Final = {
    RefusedRequest.CONNECTIONS: _bare(
        "503 Service Unavailable", "too_many_connections", "too many connections"
    ),
    RefusedRequest.ADDRESS_CONNECTIONS: _bare(
        "429 Too Many Requests", "too_many_connections", "too many connections from your address"
    ),
}
