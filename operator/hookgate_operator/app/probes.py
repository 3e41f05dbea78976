"""
What can be asked about this process: figures, whether it is alive, whether it is ready.

Nothing here asks for a key, so nothing here speaks of a tenant beyond the metrics' own labels. It is served
before this replica leads. An event loop that is stuck does not answer at all, which a liveness probe takes
for a failure as well.
"""

import asyncio
import json
import logging
import socket
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final, Protocol

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

__all__ = ["Standing", "serve_probes"]

_GRACE: Final = 1.0
_SILENT: Final = logging.getLogger("hookgate.http.silent")
_SILENT.setLevel(logging.CRITICAL + 1)
_SILENT.propagate = False

Troubles = Mapping[str, str | None]
"""What was looked at, each with what is wrong with it, a sentence."""


class Standing(Protocol):
    """How the process stands now."""

    @property
    def role(self) -> str:
        """``leader``, ``standby`` or ``stopping``."""
        ...

    def readiness(self) -> Troubles:
        """What a ready one needs."""
        ...

    def stale(self) -> Sequence[str]:
        """The watches that are silent for too long without a reason that is known."""
        ...


@asynccontextmanager
async def serve_probes(
    listener: socket.socket, standing: Standing, registry: CollectorRegistry
) -> AsyncIterator[None]:
    """Answer ``/metrics``, ``/healthz`` and ``/readyz`` for as long as the block lasts."""
    probes = _Probes(standing, registry)
    app = web.Application()
    app.add_routes(
        [
            web.get("/metrics", probes.metrics),
            web.get("/healthz", probes.alive),
            web.get("/readyz", probes.ready),
        ]
    )
    runner = web.AppRunner(
        app, handle_signals=False, access_log=None, logger=_SILENT, shutdown_timeout=_GRACE
    )
    await runner.setup()
    try:
        await web.SockSite(runner, listener).start()
        yield
    finally:
        await runner.cleanup()


class _Probes:
    def __init__(self, standing: Standing, registry: CollectorRegistry) -> None:
        self._standing = standing
        self._registry = registry
        self._one_scrape = asyncio.Lock()

    async def alive(self, _request: web.Request) -> web.Response:
        """200 unless a watch is dead: then only a new process helps."""
        stale = list(self._standing.stale())
        if stale:
            return _answer({"status": "watches are silent", "watches": stale}, 503)
        return _answer({"status": "ok"})

    async def ready(self, _request: web.Request) -> web.Response:
        """200 when everything is well, else 503; each thing with its sentence, or ``ok``."""
        troubles = self._standing.readiness()
        told = {name: trouble or "ok" for name, trouble in troubles.items()}
        is_ready = not any(troubles.values())
        body = {
            "status": "ready" if is_ready else "not ready",
            "role": self._standing.role,
            "checks": told,
        }
        return _answer(body, 200 if is_ready else 503)

    async def metrics(self, request: web.Request) -> web.Response:
        """In the format that was asked for, made in a thread: thousands of series take a while."""
        encoder, media_type = choose_encoder(request.headers.get("Accept", ""))
        async with self._one_scrape:
            body = await _in_thread(encoder, self._registry)
        return web.Response(body=body, headers={"Content-Type": media_type, "Server": "hookgate"})


async def _in_thread(
    encoder: Callable[[CollectorRegistry], bytes], registry: CollectorRegistry
) -> bytes:
    return await asyncio.to_thread(encoder, registry)


def _answer(body: Mapping[str, object], status: int = 200) -> web.Response:
    return web.Response(
        body=json.dumps(body).encode(),
        status=status,
        content_type="application/json",
        headers={"Server": "hookgate", "Cache-Control": "no-store"},
    )
