"""
How applications are served: quietly, and with bodies as they came.

aiohttp would log a stack trace for each broken request and unpack compressed bodies by itself; both are
switched off here, where its runner is made. A client that leaves does not cancel its handler: what it
sent is stored all the same.
"""

import logging
from typing import Final

from aiohttp import web

__all__ = ["make_runner"]

KEEP_ALIVE: Final = 75.0
"""Seconds an idle connection stays open: longer than the usual proxy's 60, so that the proxy ends it."""
LINGERING: Final = 2.0
"""Seconds for which the rest of a refused body is read and dropped, so that its sender sees the answer."""

_SILENT: Final = logging.getLogger("hookgate.http.silent")
_SILENT.setLevel(logging.CRITICAL + 1)
_SILENT.propagate = False


def make_runner(app: web.Application, *, grace: float = 5.0) -> web.AppRunner:
    """A runner for the application; at its clean-up, open requests get ``grace`` seconds to finish."""
    return web.AppRunner(
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
