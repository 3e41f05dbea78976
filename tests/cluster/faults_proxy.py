"""A reverse proxy in front of a real API server that does what it is told to exact requests."""

import asyncio
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import trustme
from aiohttp import web

from tests.cluster.access import Access
from tests.cluster.fault_rules import Answered, Cut, Delayed, Hold, Rules, encoded
from tests.cluster.forwarding import broken_off, forward, session_to

WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
MAX_BODY_BYTES = 16 * 1024 * 1024
START_WITHIN = 10.0


@dataclass(frozen=True, slots=True)
class Recorded:
    """A request that came; `status` is None when the connection ended without one."""

    method: str
    path: str
    query: str
    user_agent: str
    status: int | None
    body: bytes = field(repr=False)
    at: float = field(default_factory=time.monotonic)
    """When it was answered, or ended without, on the monotonic clock."""


class FaultsProxy:
    """Runs on a thread of its own: it answers while a test blocks. Bodies pass unbuffered."""

    def __init__(self, upstream: Access, home: Path) -> None:
        self._upstream = upstream
        self._home = home
        self._rules = Rules()
        self._mutes: list[tuple[re.Pattern[str], Hold]] = []
        self._open: dict[int, web.Request] = {}
        self._recorded: list[Recorded] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._port = int(self._listener.getsockname()[1])
        self._runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)
        self._loop = self._runner.get_loop()
        self._started = threading.Event()
        self._stopping = asyncio.Event()
        self._thread = threading.Thread(target=self._run)

    # ---- life

    def start(self) -> None:
        self._thread.start()
        assert self._started.wait(START_WITHIN), "the proxy did not start"

    def stop(self) -> None:
        self.clear()
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()

    def access_of(self, access: Access) -> Access:
        """The same identity, through the proxy."""
        return replace(access, url=f"https://127.0.0.1:{self._port}", ca_file=self._home / "ca.pem")

    def kubeconfig(self, access: Access | None = None, namespace: str = "default") -> Path:
        """A kubeconfig of `access` (the admin) through the proxy."""
        path = self._home / f"kubeconfig-proxied-{len(list(self._home.iterdir()))}"
        return self.access_of(access or self._upstream).kubeconfig(path, namespace)

    # ---- faults; `path` is a regular expression searched in path and query

    def answer(
        self,
        status: int,
        *,
        method: str = "*",
        path: str = "",
        times: int | None = 1,
        headers: Mapping[str, str] | None = None,
        body: bytes | str | Mapping[str, Any] | None = None,
    ) -> None:
        """Answer in the server's place, by default with a `Status` object of that code."""
        given = {"Content-Type": "application/json", **(headers or {})}
        action = Answered(status, given, encoded(body, status))
        self._rules.add(action, method=method, path=path, times=times)

    def delay(
        self, seconds: float, *, method: str = "*", path: str = "", times: int | None = 1
    ) -> None:
        """Pass the request on after a while."""
        self._rules.add(Delayed(seconds), method=method, path=path, times=times)

    def cut(
        self,
        after_bytes: int = 0,
        *,
        method: str = "*",
        path: str = "",
        times: int | None = 1,
        before_server: bool = False,
    ) -> None:
        """Close the connection after so many bytes of the answer's body.

        The server has done what it was asked, unless `before_server`.
        """
        self._rules.add(Cut(after_bytes, before_server), method=method, path=path, times=times)

    def hold(self, *, method: str = "*", path: str = "", times: int | None = 1) -> Hold:
        """Pass the request on when the hold is released."""
        hold = Hold(self._loop)
        self._rules.add(hold, method=method, path=path, times=times)
        return hold

    def mute(self, path: str) -> Hold:
        """From now on answers' bodies, those under way too, stand still until the hold is released.

        A watch looks alive and says nothing.
        """
        hold = Hold(self._loop)
        self._mutes.append((re.compile(path), hold))
        return hold

    def close_open(self, path: str = "") -> None:
        """Close the connections of all matching requests under way: watches break off."""

        def close() -> None:
            for request in self._open.values():
                if re.search(path, request.path_qs) and request.transport:
                    request.transport.close()

        self._loop.call_soon_threadsafe(close)

    def clear(self) -> None:
        """No fault any more; what was held or muted goes on."""
        self._rules.clear()
        mutes, self._mutes = self._mutes, []
        for _, hold in mutes:
            hold.release()

    # ---- evidence

    @property
    def requests(self) -> list[Recorded]:
        """All that were answered or broken off, in the order of that."""
        return list(self._recorded)

    def writes(self, path: str = "") -> list[Recorded]:
        """Those that change something, where path and query match."""
        return [
            it
            for it in self.requests
            if it.method in WRITES and re.search(path, f"{it.path}?{it.query}")
        ]

    def forget(self) -> None:
        self._recorded.clear()

    # ---- how

    def _run(self) -> None:
        with self._runner:
            self._runner.run(self._serve())

    async def _serve(self) -> None:
        authority = trustme.CA()
        authority.cert_pem.write_to_path(str(self._home / "ca.pem"))
        own = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert("127.0.0.1").configure_cert(own)
        app = web.Application(client_max_size=MAX_BODY_BYTES)
        app.router.add_route("*", "/{path:.*}", self._handle)
        runner = web.AppRunner(
            app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1
        )
        await runner.setup()
        async with session_to(self._upstream.ca_file) as self._session:
            await web.SockSite(runner, self._listener, ssl_context=own).start()
            self._started.set()
            await self._stopping.wait()
            # A TLS connection whose peer is gone would be closed after this loop.
            for connection in list(runner.server.connections if runner.server else ()):
                if connection.transport is not None:
                    connection.transport.abort()
            await runner.cleanup()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        """Act by the first rule that matches, and record the request once, as it ended."""
        body = await request.read()
        statuses: list[int | None] = []

        def record(status: int | None) -> None:
            statuses.append(status)
            agent = request.headers.get("User-Agent", "")
            self._recorded.append(
                Recorded(request.method, request.path, request.query_string, agent, status, body)
            )

        self._open[id(request)] = request
        try:
            return await self._act(request, record)
        finally:
            del self._open[id(request)]
            if not statuses:
                record(None)

    async def _act(
        self, request: web.Request, record: Callable[[int | None], None]
    ) -> web.StreamResponse:
        cut_after = None
        match self._rules.take(request.method, request.path_qs):
            case Answered(status, headers, body):
                record(status)
                return web.Response(status=status, headers=headers, body=body)
            case Cut(before_server=True):
                return broken_off(request)
            case Cut(after_bytes):
                cut_after = after_bytes
            case Delayed(seconds):
                await asyncio.sleep(seconds)
            case Hold() as hold:
                await hold.stand()
        return await forward(
            request,
            self._session,
            self._upstream.url,
            answered=record,
            before_chunk=lambda: self._stand_if_muted(request.path_qs),
            cut_after=cut_after,
        )

    async def _stand_if_muted(self, target: str) -> None:
        for pattern, hold in list(self._mutes):
            if pattern.search(target):
                await hold.stand()
