"""
Listening: applications served over sockets, quietly.

aiohttp would log a stack trace for each broken request and unpack compressed bodies by itself; both are
switched off where its runner is made. A client that leaves does not cancel its handler: what it sent is
stored all the same.
"""

import logging
import socket
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Final, Self

from aiohttp import web

__all__ = ["Listener"]

KEEP_ALIVE: Final = 75.0
"""Seconds an idle connection stays open: longer than the usual proxy's 60, so that the proxy ends it."""
LINGERING: Final = 2.0
"""Seconds for which the rest of a refused body is read and dropped, so that its sender sees the answer."""
BACKLOG: Final = 1024

_SILENT: Final = logging.getLogger("hookgate.http.silent")
_SILENT.setLevel(logging.CRITICAL + 1)
_SILENT.propagate = False


class Listener:
    """One application on its sockets. ``async with`` starts it; leaving it closes it.

    Raises OSError when a socket cannot be had.
    """

    def __init__(
        self,
        app: web.Application,
        *,
        host: str | None = None,
        port: int = 0,
        sock: socket.socket | None = None,
        grace: float = 5.0,
    ) -> None:
        """``host`` None is every interface; ``grace`` the seconds open requests get at the end."""
        self._runner = web.AppRunner(
            app,
            handle_signals=False,
            access_log=None,
            logger=_SILENT,
            auto_decompress=False,
            keepalive_timeout=KEEP_ALIVE,
            lingering_time=LINGERING,
            handler_cancellation=False,
            shutdown_timeout=grace,
        )
        self._host = host
        self._port = port
        self._socket = sock

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    @property
    def addresses(self) -> Sequence[Any]:
        """As ``getsockname`` gives them."""
        return self._runner.addresses

    @property
    def port(self) -> int:
        """The port of the first address: what the system chose when 0 was asked for."""
        return int(self._runner.addresses[0][1])

    async def start(self) -> None:
        await self._runner.setup()
        try:
            await self._site().start()
        except BaseException:
            await self._runner.cleanup()
            raise

    async def stop_accepting(self) -> None:
        """Close the listening sockets; connections that are open stay so."""
        for site in self._runner.sites:
            await site.stop()

    async def close(self) -> None:
        """Accept no more, let open requests finish within the grace, close everything."""
        await self._runner.cleanup()

    def _site(self) -> web.BaseSite:
        if self._socket is not None:
            return web.SockSite(self._runner, self._socket, backlog=BACKLOG)
        return web.TCPSite(self._runner, self._host, self._port, backlog=BACKLOG)
