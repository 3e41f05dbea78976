"""
All receivers of a soak in one process: cheap, and with a book of what came.

``python -m benchmarks.soak.receivers BOOK`` prints its ports and the certificate of its private CA as one
JSON line, and lives until its standard input ends. A line of the book is an :class:`Arrival`.
"""

import asyncio
import json
import random
import re
import socket
import struct
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, TextIO, cast

import trustme
import uvloop
from tests.receivers.tls import Authority

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_RUN = re.compile(rb'"run_id": "([^"]*)"')
_NEVER = 0


class Arrival(NamedTuple):
    """One request as it came in."""

    path: str
    run: str
    attempt: str
    delivery: str
    replay: bool
    status: int
    """What it is answered with; 0 for never."""
    at: float
    """Unix seconds."""

    def line(self) -> str:
        return f"{self.path} {self.run} {self.attempt} {self.delivery} {self.replay:d} {self.status} {self.at:.4f}\n"


def read_book(book: Path) -> Iterator[Arrival]:
    """The arrivals in the order they came."""
    with book.open() as lines:
        for line in lines:
            path, run, attempt, delivery, replay, status, at = line.split(" ")
            yield Arrival(path, run, attempt, delivery, replay == "1", int(status), float(at))


class Receiver(asyncio.Protocol):
    """One connection; requests come one after the other."""

    def __init__(self, book: TextIO, chance: random.Random) -> None:
        self._book = book
        self._chance = chance
        self._buffer = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # the protocol's
        self._transport = None

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            length = _LENGTH.search(self._buffer, 0, end)
            size = end + 4 + (int(length[1]) if length else 0)
            if len(self._buffer) < size:
                return
            request, self._buffer = self._buffer[:size], self._buffer[size:]
            self._take(request[:end], request[end + 4 :])

    def _take(self, head: bytes, body: bytes) -> None:
        path = head.split(b" ", 2)[1].decode()
        status = self._status(path)
        run = _RUN.search(body)
        arrival = Arrival(
            path=path,
            run=run[1].decode() if run else "-",
            attempt=_header(head, b"X-Hookgate-Attempt"),
            delivery=_header(head, b"X-Hookgate-Delivery-Id"),
            replay=_header(head, b"X-Hookgate-Replay") == "1",
            status=status,
            at=time.time(),  # noqa: TID251  # a receiver has a clock of its own
        )
        self._book.write(arrival.line())
        if path == "/resetting":
            self._reset()
        elif path == "/slow":
            asyncio.get_running_loop().call_later(0.1, self._answer, status)
        elif status != _NEVER:
            self._answer(status)

    def _status(self, path: str) -> int:
        if path in ("/hanging", "/resetting"):
            return _NEVER
        if path == "/half":
            return self._chance.choice((200, 500))
        return 429 if path == "/limited" and self._chance.random() < 0.02 else 200

    def _answer(self, status: int) -> None:
        more = "Retry-After: 1\r\n" if status == 429 else ""
        if self._transport is not None:
            head = f"HTTP/1.1 {status} Whatever\r\n{more}Content-Length: 2\r\n\r\nok"
            self._transport.write(head.encode())

    def _reset(self) -> None:
        assert self._transport is not None
        raw = self._transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()


def _header(head: bytes, name: bytes) -> str:
    _, found, rest = head.partition(b"\r\n" + name + b": ")
    return rest.partition(b"\r\n")[0].decode() if found else "-"


async def _main(book: TextIO) -> None:
    loop = asyncio.get_running_loop()
    authority = Authority(trustme.CA())
    chance = random.Random(4)
    ports = []
    servers = []
    for context in (None, authority.server()):
        server = await loop.create_server(
            lambda: Receiver(book, chance), "127.0.0.1", 0, ssl=context, backlog=2048
        )
        servers.append(server)
        ports.append(server.sockets[0].getsockname()[1])
    print(json.dumps({"ports": ports, "ca": authority.pem.decode()}), flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    for server in servers:
        server.close()


if __name__ == "__main__":
    with Path(sys.argv[1]).open("w") as written:
        uvloop.run(_main(written))
