"""
A small HTTP/1.1 server over plain asyncio streams, so that a behaviour can break every rule of HTTP.

It reads a request properly, records it, and hands the connection to the behaviour that the path names.
"""

import asyncio
import base64
import contextlib
import itertools
import json
import ssl
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from hookgate.signing import SignatureError, verify

Behaviour = Callable[["Exchange"], Awaitable[bool]]
"""Answers one request. True keeps the connection for another one, False closes it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A request as it came in."""

    number: int
    connection: int
    """Which connection it came on, from 1: two requests with one number shared a connection."""
    at: float
    """Unix seconds."""
    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    verified: bool | None
    """Whether a key of the receiver signed it; None when the receiver has no keys."""
    problem: str = ""
    """Why it was not verified."""
    client_certificate: str | None = None
    """The common name of the client's certificate."""

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    def header(self, name: str) -> str | None:
        return next((v for n, v in self.headers if n.lower() == name.lower()), None)

    def as_json(self) -> dict[str, Any]:
        return {
            "number": self.number,
            "connection": self.connection,
            "at": self.at,
            "method": self.method,
            "target": self.target,
            "path": self.path,
            "headers": [list(pair) for pair in self.headers],
            "body_base64": base64.b64encode(self.body).decode(),
            "verified": self.verified,
            "problem": self.problem,
            "client_certificate": self.client_certificate,
        }


@dataclass(slots=True)
class Exchange:
    """One request and the connection it came on."""

    receiver: "Receiver"
    request: Received
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    on_connection: int
    """Which request of its connection this is, from 1."""
    options: dict[str, str] = field(default_factory=dict)
    """The query of the URL."""

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def answer(
        self, status: int, body: bytes = b"", *headers: tuple[str, str], reason: str = "Whatever"
    ) -> bool:
        lines = [f"HTTP/1.1 {status} {reason}", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in headers]
        await self.send("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        return True


class Receiver:
    """Listens on loopback and behaves as the path says.

    ``keys`` verify what comes in, ``tls`` makes it speak HTTPS. ``log`` has what came in, in order;
    ``connections`` counts connections accepted. ``script`` gives the behaviour of paths ``/switch/NAME``.
    """

    def __init__(
        self,
        *,
        keys: Sequence[bytes] = (),
        tls: ssl.SSLContext | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        log_limit: int | None = None,
    ) -> None:
        self.keys = tuple(keys)
        self.log: list[Received] = []
        self.connections = 0
        self.script: dict[str, str] = {}
        self.seen: Counter[str] = Counter()
        """How many requests each path has had."""
        self.host = host
        self.port = port
        self._tls = tls
        self._log_limit = log_limit
        self._numbers = itertools.count(1)
        self._changed = asyncio.Condition()
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(
            self._serve, self.host, self.port, ssl=self._tls, limit=2**20, backlog=1024
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    def url(self, path: str = "ok200", host: str | None = None) -> str:
        """A URL of this receiver; ``host`` takes the place of its address."""
        scheme = "https" if self._tls else "http"
        return f"{scheme}://{host or self.host}:{self.port}/{path}"

    async def received(self, count: int, timeout: float = 10.0) -> list[Received]:
        """Wait until that many requests are in the log."""
        async with asyncio.timeout(timeout), self._changed:
            await self._changed.wait_for(lambda: len(self.log) >= count)
        return self.log

    async def left(self, timeout: float = 30.0) -> None:
        """Wait until every connection made until now has ended: what a dead sender sent is in the log then."""
        async with asyncio.timeout(timeout):
            reader, writer = await asyncio.open_connection(self.host, self.port)
            # The kernel hands connections over in their order: once this one is served, so are those before.
            writer.write(b"GET /_stats HTTP/1.1\r\n\r\n")
            await reader.readuntil(b"\r\n\r\n")
            writer.close()
            await asyncio.gather(*self._tasks)
            await writer.wait_closed()

    # ------------------------------------------------------------------------------ connections

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        try:
            await self._converse(reader, writer, self.connections)
            writer.close()
            await writer.wait_closed()
        except (OSError, EOFError, ValueError, asyncio.LimitOverrunError):
            pass  # a client that left, or one that speaks no HTTP: nothing to answer
        except asyncio.CancelledError:
            pass  # closing down: the task has no other waiter
        finally:
            self._tasks.discard(task)
            writer.transport.abort()

    async def _converse(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, connection: int
    ) -> None:
        for on_connection in itertools.count(1):
            request = await self._read(reader, writer, connection)
            if request is None:
                return
            parts = urlsplit(request.target)
            options = dict(parse_qsl(parts.query, keep_blank_values=True))
            exchange = Exchange(self, request, reader, writer, on_connection, options)
            if parts.path.startswith("/_"):
                keep = await self._housekeeping(exchange, parts.path)
            else:
                keep = await self._behave(exchange, parts.path)
            if not keep:
                return

    async def _behave(self, exchange: Exchange, path: str) -> bool:
        from tests.receivers.behaviours import BEHAVIOURS

        self.seen[path] += 1
        self.log.append(exchange.request)
        if self._log_limit is not None and len(self.log) > self._log_limit:
            del self.log[: -self._log_limit]
        async with self._changed:
            self._changed.notify_all()
        name, _, rest = path.lstrip("/").partition("/")
        if name == "switch":
            name = self.script.get(rest, "ok200")
        behaviour = BEHAVIOURS.get(name)
        if behaviour is None:
            return await exchange.answer(404, b"no such behaviour")
        return await behaviour(exchange)

    async def _read(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, connection: int
    ) -> Received | None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            return None
        first, *lines = head[:-4].decode("latin-1").split("\r\n")
        method, target, _version = first.split(" ")
        headers = tuple((n, v.strip()) for n, _, v in (line.partition(":") for line in lines))
        length = next((int(v) for n, v in headers if n.lower() == "content-length"), 0)
        body = await reader.readexactly(length)
        verified, problem = self._verify(headers, body)
        return Received(
            number=next(self._numbers),
            connection=connection,
            at=time.time(),  # noqa: TID251  # a receiver has a clock of its own
            method=method,
            target=target,
            headers=headers,
            body=body,
            verified=verified,
            problem=problem,
            client_certificate=_common_name(writer),
        )

    def _verify(self, headers: tuple[tuple[str, str], ...], body: bytes) -> tuple[bool | None, str]:
        if not self.keys:
            return None, ""
        try:
            verify(body, dict(headers), self.keys)
        except SignatureError as error:
            return False, f"{type(error).__name__}: {error}"
        return True, ""

    # ----------------------------------------------------------------------------- housekeeping

    async def _housekeeping(self, exchange: Exchange, path: str) -> bool:
        """``/_log?since=N``, ``/_clear``, ``/_set?name=NAME&behaviour=BEHAVIOUR``, ``/_stats``."""
        answer: object
        if path == "/_log":
            since = int(exchange.options.get("since", "0"))
            answer = [entry.as_json() for entry in self.log if entry.number > since]
        elif path == "/_clear":
            self.log.clear()
            self.seen.clear()
            answer = {}
        elif path == "/_set":
            self.script[exchange.options["name"]] = exchange.options["behaviour"]
            answer = self.script
        elif path == "/_stats":
            answer = {"connections": self.connections, "seen": self.seen, "logged": len(self.log)}
        else:
            return await exchange.answer(404)
        body = json.dumps(answer).encode()
        return await exchange.answer(200, body, ("Content-Type", "application/json"))


def _common_name(writer: asyncio.StreamWriter) -> str | None:
    with contextlib.suppress(AttributeError, ValueError):
        certificate = writer.get_extra_info("peercert")
        for part in (certificate or {}).get("subject", ()):
            for name, value in part:
                if name == "commonName":
                    return str(value)
    return None
