"""A reverse proxy in front of a real API server that does what it is told to exact requests."""

import asyncio
import re
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import aiohttp
import trustme
from aiohttp import web
from multidict import CIMultiDict
from yarl import URL

from tests.acceptance.harness import free_port
from tests.cluster.access import Access
from tests.cluster.fault_rules import Answered, Cut, Delayed, Hold, Rules, encoded

WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
HOP_BY_HOP = frozenset(
    {"connection", "keep-alive", "transfer-encoding", "upgrade", "te", "trailer", "host"}
)
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


class FaultsProxy:
    """Runs on a thread of its own: it answers while a test blocks. Bodies pass unbuffered."""

    def __init__(self, upstream: Access, home: Path) -> None:
        self._upstream = upstream
        self._home = home
        self._rules = Rules()
        self._mutes: list[tuple[re.Pattern[str], Hold]] = []
        self._open: dict[int, web.Request] = {}
        self._recorded: list[Recorded] = []
        self._port = free_port()
        self._loop = asyncio.new_event_loop()
        self._started = threading.Event()
        self._stopping = asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(),))

    # ---- life

    def start(self) -> None:
        self._thread.start()
        assert self._started.wait(START_WITHIN), "the proxy did not start"

    def stop(self) -> None:
        self.clear()
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()
        self._loop.close()

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

    async def _serve(self) -> None:
        authority = trustme.CA()
        authority.cert_pem.write_to_path(str(self._home / "ca.pem"))
        own = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert("127.0.0.1").configure_cert(own)
        theirs = ssl.create_default_context(cafile=str(self._upstream.ca_file))
        app = web.Application(client_max_size=MAX_BODY_BYTES)
        app.router.add_route("*", "/{path:.*}", self._handle)
        runner = web.AppRunner(
            app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1
        )
        await runner.setup()
        async with aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=theirs, limit=0),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=5),
            auto_decompress=False,
        ) as self._session:
            await web.TCPSite(runner, "127.0.0.1", self._port, ssl_context=own).start()
            self._started.set()
            await self._stopping.wait()
            await runner.cleanup()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        self._open[id(request)] = request
        try:
            match self._rules.take(request.method, request.path_qs):
                case Answered(status, headers, body):
                    await self._record(request, status)
                    return web.Response(status=status, headers=headers, body=body)
                case Cut(before_server=True):
                    await self._record(request, None)
                    return _broken_off(request)
                case Delayed(seconds):
                    await asyncio.sleep(seconds)
                    return await self._pass_on(request)
                case Hold() as hold:
                    await hold.stand()
                    return await self._pass_on(request)
                case Cut(after_bytes):
                    return await self._pass_on(request, after_bytes)
                case None:
                    return await self._pass_on(request)
        finally:
            del self._open[id(request)]

    async def _pass_on(
        self, request: web.Request, cut_after: int | None = None
    ) -> web.StreamResponse:
        body = await request.read()
        try:
            async with self._session.request(
                request.method,
                URL(f"{self._upstream.url}{request.raw_path}", encoded=True),
                headers=_end_to_end(request.headers),
                skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
                data=body or None,
                allow_redirects=False,
            ) as upstream:
                await self._record(request, upstream.status)
                answer = web.StreamResponse(
                    status=upstream.status, headers=_end_to_end(upstream.headers)
                )
                await answer.prepare(request)
                return await self._stream(request, upstream, answer, cut_after)
        except aiohttp.ClientConnectorError:
            await self._record(request, None)
            return _broken_off(request)
        except aiohttp.ClientError:
            return _broken_off(request)

    async def _stream(
        self,
        request: web.Request,
        upstream: aiohttp.ClientResponse,
        answer: web.StreamResponse,
        cut_after: int | None,
    ) -> web.StreamResponse:
        left = cut_after
        async for chunk in upstream.content.iter_any():
            for pattern, mute in list(self._mutes):
                if pattern.search(request.path_qs):
                    await mute.stand()
            await answer.write(chunk if left is None else chunk[:left])
            if left is not None:
                left -= len(chunk)
                if left <= 0:
                    return _broken_off(request, answer)
        return answer

    async def _record(self, request: web.Request, status: int | None) -> None:
        self._recorded.append(
            Recorded(
                method=request.method,
                path=request.path,
                query=request.query_string,
                user_agent=request.headers.get("User-Agent", ""),
                status=status,
                body=await request.read(),
            )
        )


def _end_to_end(headers: Mapping[str, str]) -> CIMultiDict[str]:
    return CIMultiDict(
        (name, value) for name, value in headers.items() if name.lower() not in HOP_BY_HOP
    )


def _broken_off(
    request: web.Request, answer: web.StreamResponse | None = None
) -> web.StreamResponse:
    """Close the connection once what was written is sent; the answer goes nowhere any more."""
    if request.transport:
        request.transport.close()
    return answer or web.Response()
