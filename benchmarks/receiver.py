"""
A receiver far cheaper than what it measures: an asyncio Protocol that answers 200 and keeps count.

``/r/NAME`` answers at once, ``/hang`` reads and never answers. ``GET /control/stats`` gives the counts
and ages since the last ``POST /control/reset``. It prints its port as one JSON line and lives until its
standard input ends.
"""

import asyncio
import json
import re
import sys
import time
from dataclasses import dataclass, field
from typing import cast

import uvloop

from benchmarks.payload import sent_at

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: application/json\r\n\r\n{}"
_DRIPPING = b"HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n"


@dataclass(slots=True)
class Tally:
    """What arrived since the last reset."""

    counts: dict[str, int] = field(default_factory=dict)
    ages_ns: list[int] = field(default_factory=list)
    hung: int = 0
    dripped: int = 0
    first_ns: int = 0
    last_ns: int = 0

    def arrived(self, path: str, body: bytes) -> None:
        now = time.monotonic_ns()
        if path == "/hang":
            self.hung += 1
            return
        if path == "/drip":
            self.dripped += 1
            return
        self.first_ns = self.first_ns or now
        self.last_ns = now
        self.counts[path] = self.counts.get(path, 0) + 1
        sent = sent_at(body)
        if sent is not None:
            self.ages_ns.append(now - sent)

    def summary(self, *, ages: bool) -> bytes:
        return json.dumps(
            {
                "total": sum(self.counts.values()),
                "counts": self.counts,
                "hung": self.hung,
                "dripped": self.dripped,
                "first_ns": self.first_ns,
                "last_ns": self.last_ns,
                "ages_ns": self.ages_ns if ages else [],
            }
        ).encode()


class Receiver(asyncio.Protocol):
    """One connection: requests one after the other, as HTTP/1.1 clients without pipelining send them."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._buffer = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._buffer = self._buffer + data if self._buffer else data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            length = _LENGTH.search(self._buffer, 0, end)
            size = end + 4 + (int(length[1]) if length else 0)
            if len(self._buffer) < size:
                return
            request, self._buffer = self._buffer[:size], self._buffer[size:]
            self._answer(request, end)

    def _answer(self, request: bytes, end: int) -> None:
        method, path, _ = request.split(b" ", 2)
        if path.startswith(b"/control/"):
            self._control(method, path)
            return
        self._tally.arrived(path.decode(), request[end + 4 :])
        if path == b"/drip":
            self._drip(_DRIPPING)
        elif path != b"/hang":
            self._write(_OK)

    def _drip(self, data: bytes) -> None:
        assert self._transport is not None
        if not self._transport.is_closing():
            self._transport.write(data)
            asyncio.get_running_loop().call_later(1.0, self._drip, b"x")

    def _control(self, method: bytes, path: bytes) -> None:
        if method == b"POST":
            self._tally.__init__()  # type: ignore[misc]  # the same object, empty again
        body = self._tally.summary(ages=path.endswith(b"/ages"))
        self._write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))

    def _write(self, data: bytes) -> None:
        assert self._transport is not None
        self._transport.write(data)


async def main() -> None:
    loop = asyncio.get_running_loop()
    tally = Tally()
    server = await loop.create_server(lambda: Receiver(tally), "127.0.0.1", 0, backlog=2048)
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    uvloop.run(main())
