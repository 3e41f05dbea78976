"""
The connections of an HTTP client, all of which are closed when the client is.

aiohttp waits for those that it still counts as its own. One whose request was cancelled, whose answer was
not read to its end or that was idle for too long counts no more: where it speaks TLS it says goodbye and
waits up to half a minute for the answer, and outlasts the event loop when that ends before.
"""

import asyncio
import socket
import weakref
from contextlib import suppress
from typing import Any, Final

import aiohttp
from aiohttp.connector import Connection
from aiohttp.tracing import Trace

__all__ = ["ClosingConnector"]

_PATIENCE_SECONDS: Final = 1.0
"""For connections that are cut: a pass or two of the event loop, longer on a busy machine."""
_POLL_SECONDS: Final = 0.002


class ClosingConnector(aiohttp.TCPConnector):
    """aiohttp's, with its options but ``socket_factory``. Closing it cuts what has not closed by then."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options, socket_factory=self._make)
        self._sockets: weakref.WeakSet[socket.socket] = weakref.WeakSet()
        self._wires: set[asyncio.Transport] = set()

    async def connect(
        self, req: aiohttp.ClientRequest, traces: list[Trace], timeout: aiohttp.ClientTimeout
    ) -> Connection:
        connection = await super().connect(req, traces, timeout)
        wire, protocol = connection.transport, connection.protocol
        if wire is not None and protocol is not None and wire not in self._wires:
            self._follow(wire, protocol.closed)
        return connection

    async def close(self, *, abort_ssl: bool = False) -> None:
        """Come back when every socket is closed, or after a second."""
        for wire in tuple(self._wires):
            wire.abort()  # closed in order, one would wait until its other side has read everything
        await super().close(abort_ssl=abort_ssl)
        for each in self._open():  # those that are being connected, too
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        for _ in range(round(_PATIENCE_SECONDS / _POLL_SECONDS)):
            if not (self._wires or self._open()):
                return
            await asyncio.sleep(_POLL_SECONDS)

    def _follow(self, wire: asyncio.Transport, closed: asyncio.Future[None] | None) -> None:
        """Remember a connection for as long as it is there."""
        if closed is None:
            return

        def forget(ended: asyncio.Future[None]) -> None:
            self._wires.discard(wire)
            if not ended.cancelled():
                ended.exception()  # why it was lost is told to whoever reads from it

        self._wires.add(wire)
        closed.add_done_callback(forget)

    def _make(self, address: aiohttp.AddrInfoType) -> socket.socket:
        family, kind, protocol, *_ = address
        made = socket.socket(family, kind, protocol)
        self._sockets.add(made)
        return made

    def _open(self) -> list[socket.socket]:
        return [each for each in self._sockets if each.fileno() >= 0]
