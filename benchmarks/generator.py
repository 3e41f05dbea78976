"""
The publisher: raw asyncio connections, one request at a time on each.

``closed`` sends the next report as soon as the last was answered, on every connection: how much goes
through. ``open`` sends at a fixed rate whatever the answers do, each report stamped with the moment it
was *due*, so that a stall of the gateway is seen in every report that had to wait for it.

Prints one JSON line and leaves.
"""

import argparse
import asyncio
import json
import re
import time
from collections import Counter, deque
from typing import cast

import uvloop

from benchmarks.payload import report

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_ANSWER_LIMIT = 60.0


class Connection(asyncio.Protocol):
    """Posts one body and tells ``done`` the status of the answer."""

    def __init__(self, done: "Publisher", head: bytes) -> None:
        self._done = done
        self._head = head
        self._buffer = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def post(self, body: bytes) -> None:
        assert self._transport is not None
        self._transport.write(self._head % len(body) + body)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def data_received(self, data: bytes) -> None:
        self._buffer = self._buffer + data if self._buffer else data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        length = _LENGTH.search(self._buffer, 0, end)
        if len(self._buffer) >= end + 4 + (int(length[1]) if length else 0):
            status, self._buffer = int(self._buffer[9:12]), b""
            self._done.answered(self, status)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # the protocol's
        self._done.lost()


class Publisher:
    """Feeds idle connections, by turns as fast as answers come, or on a timetable."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self._first = arguments.first
        self._count = arguments.count
        self._spread = arguments.spread
        self._rate = arguments.rate
        self._started = 0
        self._answered = 0
        self._due: deque[int] = deque()
        self._idle: deque[Connection] = deque()
        self.statuses: Counter[int] = Counter()
        self.finished = asyncio.get_running_loop().create_future()

    async def run(self, connections: list[Connection]) -> None:
        self._idle.extend(connections)
        if self._rate:
            await self._keep_time()
        else:
            for _ in range(min(len(connections), self._count)):
                self._post(self._idle.popleft(), time.monotonic_ns())
        await asyncio.wait_for(self.finished, _ANSWER_LIMIT)

    async def _keep_time(self) -> None:
        interval = int(1e9 / self._rate)
        begin = time.monotonic_ns()
        for number in range(self._count):
            due = begin + number * interval
            while (ahead := due - time.monotonic_ns()) > 0:  # noqa: ASYNC110  # a timetable
                await asyncio.sleep(ahead / 1e9)
            if self._idle:
                self._post(self._idle.popleft(), due)
            else:
                self._due.append(due)

    def _post(self, connection: Connection, due: int) -> None:
        number = self._started
        self._started += 1
        connection.post(report(self._first + number, due, number % self._spread))

    def answered(self, connection: Connection, status: int) -> None:
        self.statuses[status] += 1
        self._answered += 1
        if self._due:
            self._post(connection, self._due.popleft())
        elif not self._rate and self._started < self._count:
            self._post(connection, time.monotonic_ns())
        else:
            self._idle.append(connection)
        if self._answered == self._count and not self.finished.done():
            self.finished.set_result(None)

    def lost(self) -> None:
        if not self.finished.done():
            self.finished.set_exception(ConnectionError("the gateway closed a connection"))


async def main(arguments: argparse.Namespace) -> None:
    head = (
        f"POST /v1/events HTTP/1.1\r\nHost: 127.0.0.1:{arguments.port}\r\n"
        f"x-api-key: {arguments.key}\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    ).encode()
    loop = asyncio.get_running_loop()
    publisher = Publisher(arguments)
    connections = [
        (await loop.create_connection(lambda: Connection(publisher, head), "127.0.0.1", arguments.port))[1]
        for _ in range(arguments.connections)
    ]  # fmt: skip
    begin = time.monotonic_ns()
    await publisher.run(connections)
    end = time.monotonic_ns()
    print(json.dumps({"begin_ns": begin, "end_ns": end, "statuses": publisher.statuses}))
    for connection in connections:
        connection.close()


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.generator")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--key", required=True)
    parser.add_argument("--count", type=int, required=True, help="reports in all")
    parser.add_argument("--first", type=int, default=0, help="the first run's number")
    parser.add_argument("--rate", type=float, default=0.0, help="reports a second; 0 = closed loop")
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--spread", type=int, default=1, help="workflow ids to rotate through")
    return parser.parse_args()


if __name__ == "__main__":
    uvloop.run(main(parse()))
