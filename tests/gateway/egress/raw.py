"""A receiver that says exactly the bytes a test wants, when it wants; and counts of open sockets."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class RawReceiver:
    """What a test sees of it: its URL, how many connections there were and how many are open."""

    def __init__(self, scheme: str) -> None:
        self._scheme = scheme
        self.port = 0
        self.connections = 0
        self.open = 0
        self.changed = asyncio.Condition()

    def url(self, host: str = "127.0.0.1") -> str:
        return f"{self._scheme}://{host}:{self.port}/hook"

    async def until(self, *, open: int, timeout: float = 10.0) -> None:  # noqa: A002
        """Wait until so many connections are open."""
        async with asyncio.timeout(timeout), self.changed:
            await self.changed.wait_for(lambda: self.open == open)


@asynccontextmanager
async def serving(
    serve: Serve, *, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1"
) -> AsyncIterator[RawReceiver]:
    """Each connection is served once by ``serve`` and then closed."""
    receiver = RawReceiver("https" if tls else "http")
    tasks: set[asyncio.Task[None]] = set()

    async def count(step: int) -> None:
        async with receiver.changed:
            receiver.open += step
            receiver.connections += step > 0
            receiver.changed.notify_all()

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        await count(+1)
        try:
            await serve(reader, writer)
        except (OSError, EOFError, asyncio.CancelledError):
            pass  # the sender left, or the test is over
        finally:
            tasks.discard(task)
            writer.transport.abort() if tls else writer.close()
            await count(-1)

    server = await asyncio.start_server(converse, host, 0, ssl=tls, limit=2**20, backlog=512)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks)
        await server.wait_closed()


async def read_request(reader: asyncio.StreamReader) -> bytes:
    """One whole request. Raises EOFError when the sender leaves."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(
        int(line.partition(b":")[2])
        for line in head.split(b"\r\n")
        if line.lower().startswith(b"content-length:")
    )
    return head + await reader.readexactly(length)


def answering(*pieces: bytes, then_close: bool = False) -> Serve:
    """Answer each request with these pieces, each sent on its own."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await read_request(reader)
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0)
            if then_close:
                return

    return serve


def open_sockets() -> int:
    """How many sockets this process has open."""
    count = 0
    for entry in Path("/proc/self/fd").iterdir():
        try:
            count += str(entry.readlink()).startswith("socket:")
        except OSError:  # the folder's own descriptor
            continue
    return count


async def until_open_sockets(wanted: Callable[[int], bool], timeout: float = 5.0) -> None:
    """Wait until the number of open sockets is as wanted."""
    async with asyncio.timeout(timeout):
        while not wanted(open_sockets()):  # noqa: ASYNC110  # nobody tells of a closed descriptor
            await asyncio.sleep(0)
