"""A client that is closed leaves no connection behind, whatever became of its requests."""

import asyncio
import select
import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import aiohttp
import pytest
import uvloop

from hookgate_process.connector import ClosingConnector
from tests.receivers import Authority

WITHIN = 20.0
MUCH = 8 * 1024 * 1024
ANSWER = f"HTTP/1.1 200 OK\r\nContent-Length: {MUCH}\r\n\r\n".encode() + bytes(MUCH)
GONE = select.POLLRDHUP | select.POLLHUP | select.POLLERR

pytestmark = pytest.mark.parametrize("loops", [asyncio.new_event_loop, uvloop.new_event_loop])

Loops = Callable[[], asyncio.AbstractEventLoop]


class Mute:
    """A server of one connection that never reads, and so never answers, the client's TLS goodbye."""

    def __init__(self, tls: ssl.SSLContext | None, answer: bytes = b"") -> None:
        self._tls, self._answer = tls, answer
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(WITHIN)
        self.url = f"https://127.0.0.1:{self._listener.getsockname()[1]}/"
        self._reached, self._left = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    async def reached(self) -> None:
        """Come back when the request, without TLS the client's first bytes, came in."""
        assert await asyncio.to_thread(self._reached.wait, WITHIN)

    def was_left(self) -> bool:
        """Whether the client closed its socket; waits while it is open, and holds the loop up."""
        self._thread.join()
        return self._left.is_set()

    def _serve(self) -> None:
        with self._listener:
            client, _ = self._listener.accept()
        client.settimeout(WITHIN)
        if self._tls is not None:
            client = self._tls.wrap_socket(client, server_side=True)
        with client:
            client.recv(65536)
            self._reached.set()
            with suppress(OSError):  # it left, or reads no more
                client.sendall(self._answer)
            poll = select.poll()
            poll.register(client, GONE)
            if poll.poll(WITHIN * 1000):
                self._left.set()


@pytest.fixture(name="authority", scope="module")
def _authority() -> Authority:
    return Authority()


@pytest.fixture(name="session")
def _session(authority: Authority) -> Callable[[], aiohttp.ClientSession]:
    """Makes a session that trusts the authority."""
    trusting = ssl.create_default_context()
    authority.ca.configure_trust(trusting)
    return lambda: aiohttp.ClientSession(connector=ClosingConnector(ssl=trusting))


def run(loops: Loops, main: Any) -> None:
    """Run it on a loop that ends at once afterwards."""
    loop = loops()
    try:
        loop.run_until_complete(main)
    finally:
        loop.close()


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(WITHIN):
        while not holds():  # noqa: ASYNC110  # nothing tells of it
            await asyncio.sleep(0.01)


async def cancelled(asking: Any, server: Mute) -> None:
    """Ask, and give up once the server was reached."""
    task = asyncio.ensure_future(asking)
    await server.reached()
    task.cancel()
    await asyncio.wait({task})


def test_a_request_was_cancelled(loops, authority, session):
    server = Mute(authority.server())

    async def main():
        async with session() as client:
            await cancelled(client.get(server.url), server)
        assert server.was_left()

    run(loops, main())


def test_tls_was_being_agreed(loops, session):
    server = Mute(None)

    async def main():
        async with session() as client:
            await cancelled(client.get(server.url), server)
        assert server.was_left()

    run(loops, main())


def test_a_request_is_still_under_way(loops, authority, session):
    server = Mute(authority.server())

    async def main():
        async with session() as client:
            asking = asyncio.ensure_future(client.get(server.url))
            await server.reached()
        assert server.was_left()
        with pytest.raises(aiohttp.ClientError):
            await asking

    run(loops, main())


def test_an_answer_was_not_read_to_its_end(loops, authority, session):
    """Its connection stands still: its own reading is paused, and sees no end of the other side either."""
    server = Mute(authority.server(), ANSWER)

    async def main():
        async with session() as client, client.get(server.url) as answer:
            await until(lambda: not answer.connection.transport.is_reading())
        assert server.was_left()

    run(loops, main())


def test_a_body_that_nobody_reads_is_being_sent(loops, session):
    """Without TLS a connection that is closed in order sends first what it has to, for ever."""
    begun = asyncio.Event()

    async def body():
        begun.set()
        yield bytes(MUCH)

    async def main(url):
        async with asyncio.timeout(WITHIN):
            async with session() as client:
                asking = asyncio.ensure_future(client.post(url, data=body()))
                await begun.wait()
            with pytest.raises(aiohttp.ClientError):
                await asking

    with socket.create_server(("127.0.0.1", 0)) as listener:
        run(loops, main(f"http://127.0.0.1:{listener.getsockname()[1]}/"))
