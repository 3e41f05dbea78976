"""
How applications are served: quietly, with bodies as they came, and with bounded connections.

aiohttp would log a stack trace for each broken request, name its version, and unpack compressed bodies by
itself; all of it is switched off here. A client that leaves does not cancel its handler: what it sent is
stored all the same.
"""

import asyncio
import logging
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from aiohttp import web

from hookgate_gateway.api.connections import ConnectionLimits, Connections
from hookgate_gateway.api.showing import Showing
from hookgate_gateway.observe import Observer
from hookgate_process.listening import BACKLOG

__all__ = ["Door", "open_door"]

KEEP_ALIVE: Final = 75.0
"""Seconds an idle connection stays open: longer than the usual proxy's 60, so that the proxy ends it."""
LINGERING: Final = 2.0
"""Seconds for which the rest of a refused body is read and dropped, so that its sender sees the answer."""

_SILENT: Final = logging.getLogger("hookgate.http.silent")
_SILENT.setLevel(logging.CRITICAL + 1)
_SILENT.propagate = False


class Door:
    """An application that is being served."""

    def __init__(
        self, runner: web.AppRunner, server: asyncio.AbstractServer, connections: Connections
    ) -> None:
        self._runner = runner
        self._server = server
        self.connections = connections

    async def cleanup(self) -> None:
        """Accept nothing more; open requests get their grace to finish. A second call does nothing."""
        self._server.close()
        await self._runner.cleanup()
        await self.connections.end()


@asynccontextmanager
async def open_door(
    app: web.Application,
    listener: socket.socket,
    observer: Observer,
    *,
    grace: float = 5.0,
    limits: ConnectionLimits = ConnectionLimits(),  # noqa: B008  # frozen
    tls: ssl.SSLContext | None = None,
    showing: Showing | None = None,
) -> AsyncIterator[Door]:
    """Answer on this socket; at the end open requests get ``grace`` seconds to finish.

    ``showing`` is the room for large answers, shared with the handlers that make them.
    """
    runner = web.AppRunner(
        app,
        handle_signals=False,
        access_log=None,
        handler_cancellation=False,
        shutdown_timeout=grace,
    )
    await runner.setup()
    assert runner.server is not None  # noqa: S101  # it has been set up
    connections = Connections(limits, observer, showing)
    protocol = connections.factory(
        runner.server,
        access_log=None,
        logger=_SILENT,
        auto_decompress=False,
        keepalive_timeout=KEEP_ALIVE,
        lingering_time=LINGERING,
    )
    try:
        async with connections.watched():
            server = await asyncio.get_running_loop().create_server(
                protocol, sock=listener, backlog=BACKLOG, ssl=tls
            )
            door = Door(runner, server, connections)
            try:
                yield door
            finally:
                await door.cleanup()
    finally:
        await runner.cleanup()
