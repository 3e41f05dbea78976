"""
Clients that are hard on a gateway's memory, over plain sockets so that none of it costs theirs: uploads that never
end, reports of the largest size, answers that nobody reads.
"""

import asyncio
import contextlib
import socket
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

LARGEST = 8 * 1024 * 1024
"""Bytes of the largest report, as the gateway permits it without being told otherwise."""
_PIECE = b"x" * (1 << 20)
_PATIENCE = 1.0
"""Seconds until one who was refused comes again."""


def plain_report(run_id: str) -> bytes:
    """A report of the largest size, nearly all of it one string."""
    head = b'{"run_id":"%b","status":"completed","output":"' % run_id.encode()
    return head + b"x" * (LARGEST - len(head) - 2) + b'"}'


def costly_report(run_id: str) -> bytes:
    """A report of the largest size that is millions of objects once it is parsed."""
    head = b'{"run_id":"%b","status":"completed","output":[' % run_id.encode()
    return head + b"{}," * ((LARGEST - len(head) - 4) // 3) + b"{}]}"


@dataclass
class Crowd:
    """Everybody at once, until ``over``; what they were answered is in the books."""

    port: int
    over: asyncio.Event = field(default_factory=asyncio.Event)
    promised: dict[str, str] = field(default_factory=dict)
    """The API key that each run was reported with that was answered 202."""
    answers: Counter[int] = field(default_factory=Counter)
    """How many reports were answered with which status; 0 for a connection that broke."""

    async def upload_slowly(self, key: str) -> None:
        """Nearly all of a largest report, the rest of which never comes."""
        with contextlib.suppress(OSError):
            async with self._connected() as client:
                await self._send(client, _head("POST", "/v1/events", key, LARGEST))
                for _ in range(LARGEST // len(_PIECE) - 1):
                    await self._send(client, _PIECE)
                await self.over.wait()

    async def report(self, key: str, run_id: str, body: bytes) -> None:
        """Report it, and again after a refusal, as every client should."""
        while not self.over.is_set():
            try:
                status = await self._posted(key, body)
            except OSError:
                status = 0
            self.answers[status] += 1
            if status in (200, 202):
                self.promised[run_id] = key
                return
            assert status in (0, 429, 503), status
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.over.wait(), _PATIENCE)

    async def ask_and_never_read(self, key: str, path: str) -> None:
        with contextlib.suppress(OSError):
            async with self._connected(receive_buffer=4096) as client:
                await self._send(client, _head("GET", path, key, 0))
                await self.over.wait()

    async def _posted(self, key: str, body: bytes) -> int:
        async with self._connected() as client:
            try:
                async with asyncio.timeout(20):
                    await self._send(client, _head("POST", "/v1/events", key, len(body)))
                    await self._send(client, body)
                    return await self._status(client)
            except TimeoutError:
                return 0
            except OSError:  # refused before all of it was sent: the answer may be there
                with contextlib.suppress(OSError, TimeoutError):
                    async with asyncio.timeout(1):
                        return await self._status(client)
                return 0

    async def _status(self, client: socket.socket) -> int:
        answer = await asyncio.get_running_loop().sock_recv(client, 4096)
        return int(answer.split()[1]) if answer else 0

    async def _send(self, client: socket.socket, data: bytes) -> None:
        await asyncio.get_running_loop().sock_sendall(client, data)

    @contextlib.asynccontextmanager
    async def _connected(self, receive_buffer: int | None = None) -> AsyncIterator[socket.socket]:
        """A connection. Where the gateway has no time to accept it, nobody else here is held up."""
        with socket.socket() as client:
            if receive_buffer is not None:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            client.setblocking(False)
            await asyncio.get_running_loop().sock_connect(client, ("127.0.0.1", self.port))
            yield client


def _head(method: str, path: str, key: str, length: int) -> bytes:
    return (
        f"{method} {path} HTTP/1.1\r\nHost: gateway\r\nx-api-key: {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    ).encode()
