"""
The sockets of an event loop that is about to end.

A TLS connection that is closed says goodbye first and waits up to half a minute for the answer. Nobody
waits for that when a loop ends, least of all when the other side is the reason.
"""

import asyncio
import socket
import weakref
from contextlib import suppress
from typing import Final

from aiohttp import AddrInfoType

__all__ = ["Sockets"]

_GOODBYE_SECONDS: Final = 0.05
_POLL_SECONDS: Final = 0.005


class Sockets:
    """Makes them (aiohttp's ``socket_factory``) and sees that they are closed."""

    def __init__(self) -> None:
        self._made: weakref.WeakSet[socket.socket] = weakref.WeakSet()

    def make(self, address: AddrInfoType) -> socket.socket:
        family, kind, protocol, *_ = address
        made = socket.socket(family, kind, protocol)
        self._made.add(made)
        return made

    async def close(self) -> None:
        """Give each a moment to close in order; then the connection is cut, which its transport notices."""
        await self._closed()
        for each in self._open():
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        await self._closed()

    async def _closed(self) -> None:
        for _ in range(round(_GOODBYE_SECONDS / _POLL_SECONDS)):
            if not self._open():
                return
            await asyncio.sleep(_POLL_SECONDS)

    def _open(self) -> list[socket.socket]:
        return [each for each in self._made if each.fileno() >= 0]
