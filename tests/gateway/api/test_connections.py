"""Slow clients, many clients, broken clients: each against a listener over real sockets."""

import asyncio
import gc
import logging
import select
import socket
import ssl
import weakref
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, replace

import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry

from hookgate_gateway.api import answers
from hookgate_gateway.api.connections import ConnectionLimits, client_network
from hookgate_gateway.api.routing import OpenRoute, add_routes
from hookgate_gateway.api.server import KEEP_ALIVE
from hookgate_gateway.api.showing import Showing
from hookgate_gateway.observe import Observer, RefusedRequest
from tests.acceptance.harness import eventually
from tests.gateway.api.test_bodies import Nobody
from tests.gateway.api.world import listening
from tests.receivers import Authority

QUICK = ConnectionLimits(head=1.0, stall=1.0, sweep_every=0.02)
"""Quick for a test, and long for a hiccup of the loop that the server and its clients share."""
HUGE = b"x" * (64 << 20)
"""More than kernels keep for a reader that does not read."""
GET = b"GET /ok HTTP/1.1\r\nHost: a\r\n\r\n"
OK = b'{"ok":true}'
WITHIN = 30.0


@dataclass
class Server:
    port: int
    observer: Observer
    release: asyncio.Event

    def refused(self, reason: RefusedRequest) -> float:
        labels = {"reason": reason.value}
        value = self.observer.registry.get_sample_value("hookgate_requests_refused_total", labels)
        assert value is not None, "every reason is there from the start"
        return value


@asynccontextmanager
async def serving(
    limits: ConnectionLimits = QUICK, showing: Showing | None = None
) -> AsyncIterator[Server]:
    """``/ok`` answers at once, ``/wait`` when it is told to, ``/huge`` with more than fits anywhere."""
    observer, release = Observer(CollectorRegistry()), asyncio.Event()

    async def ok(_: web.Request) -> web.Response:
        return answers.answer({"ok": True})

    async def wait(_: web.Request) -> web.Response:
        await release.wait()
        return answers.answer({"ok": True})

    async def huge(_: web.Request) -> web.Response:
        return answers.raw(HUGE)

    app = web.Application()
    routes = [
        OpenRoute("GET", "/ok", ok),
        OpenRoute("GET", "/wait", wait),
        OpenRoute("GET", "/huge", huge),
    ]
    add_routes(app, routes, Nobody(), observer)
    async with listening(app, observer=observer, limits=limits, showing=showing) as port:
        yield Server(port, observer, release)


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A client whose connection may be cut at any time."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def ended(reader: asyncio.StreamReader) -> bytes:
    """Everything up to the connection's end."""
    async with asyncio.timeout(WITHIN):
        try:
            return await reader.read()
        except ConnectionResetError:
            return b""


async def test_heads_that_never_end_are_cut_while_others_are_answered() -> None:
    """Slow loris: three hundred clients that send a byte now and then.

    All of them share the server's loop, and so does who is answered: its head has time for a hiccup.
    """
    patient = replace(QUICK, head=2.0)
    async with serving(patient) as server, AsyncExitStack() as stack:
        lorises = [await stack.enter_async_context(connected(server.port)) for _ in range(300)]
        for _, writer in lorises:
            writer.write(b"POST /ok HTTP/1.1\r\nX-Slow: ")

        async def drip(writer: asyncio.StreamWriter) -> None:
            while not writer.is_closing():
                writer.write(b"x")
                await asyncio.sleep(0.05)

        dripping = [asyncio.create_task(drip(writer)) for _, writer in lorises]
        reader, writer = await stack.enter_async_context(connected(server.port))
        ends = asyncio.gather(*(ended(loris) for loris, _ in lorises))
        healthy = 0
        while not ends.done():
            writer.write(GET)
            answer = await asyncio.wait_for(reader.readuntil(OK), WITHIN)
            assert answer.startswith(b"HTTP/1.1 200 ")
            healthy += 1
        assert healthy > 3
        assert await ends == [b""] * 300
        assert server.refused(RefusedRequest.SLOW_HEAD) == 300
        for task in dripping:
            task.cancel()
        await asyncio.gather(*dripping, return_exceptions=True)


async def test_a_connection_that_says_nothing_is_cut() -> None:
    async with serving() as server, connected(server.port) as (reader, _):
        assert await ended(reader) == b""
        assert server.refused(RefusedRequest.SLOW_HEAD) == 1


async def test_a_second_head_that_never_ends_is_cut() -> None:
    async with serving() as server, connected(server.port) as (reader, writer):
        writer.write(GET)
        await reader.readuntil(OK)
        writer.write(b"GET /ok HTTP/1.1\r\n")
        assert await ended(reader) == b""
        assert server.refused(RefusedRequest.SLOW_HEAD) == 1


async def test_an_idle_connection_and_a_slow_handler_are_no_slow_heads() -> None:
    assert QUICK.head < KEEP_ALIVE
    async with (
        serving() as server,
        connected(server.port) as (idle, idle_writer),
        connected(server.port) as (busy, busy_writer),
        connected(server.port) as (slow, _),
    ):
        idle_writer.write(GET)
        await idle.readuntil(OK)
        busy_writer.write(b"GET /wait HTTP/1.1\r\nHost: a\r\n\r\nGET /ok")  # and half of the next
        await ended(slow)  # as long as a slow head may take
        await asyncio.sleep(QUICK.head)
        server.release.set()
        await asyncio.wait_for(busy.readuntil(OK), WITHIN)
        busy_writer.write(b" HTTP/1.1\r\nHost: a\r\n\r\n")
        await asyncio.wait_for(busy.readuntil(OK), WITHIN)
        idle_writer.write(GET)
        await asyncio.wait_for(idle.readuntil(OK), WITHIN)


async def test_an_answer_that_is_not_read_is_cut_and_one_read_slowly_is_not() -> None:
    async with serving() as server, connected(server.port) as (reader, writer):
        writer.write(b"GET /huge HTTP/1.1\r\nHost: a\r\n\r\n")
        got = 0
        async with asyncio.timeout(60):
            while got < len(HUGE):  # reads for longer than the stall allows, but reads
                got += len(await reader.read(1 << 20))
                await asyncio.sleep(0.03)
        assert server.refused(RefusedRequest.SLOW_READER) == 0
        writer.write(b"GET /huge HTTP/1.1\r\nHost: a\r\n\r\n")
        async with asyncio.timeout(WITHIN):
            while server.refused(RefusedRequest.SLOW_READER) < 1:  # noqa: ASYNC110  # a counter
                await asyncio.sleep(0.02)


async def test_large_answers_that_are_not_read_leave_no_room_for_another() -> None:
    ask = b"GET /huge HTTP/1.1\r\nHost: a\r\n\r\n"
    showing, patient = Showing(len(HUGE) * 3 // 2), replace(QUICK, stall=WITHIN)
    async with serving(patient, showing) as server, connected(server.port) as (first, asking):
        asking.write(ask)  # one always may be read, and no more of it than its head is
        await first.readuntil(b"\r\n\r\n")
        async with connected(server.port) as (second, other):
            other.write(ask)
            async with asyncio.timeout(WITHIN):
                refused = await second.readuntil(b"}")
            assert refused.startswith(b"HTTP/1.1 503 ")
            assert b"Retry-After: 1" in refused
            assert b'"code":"overloaded"' in refused
            assert server.refused(RefusedRequest.OVERLOADED) == 1
            other.write(GET)  # what is small is answered
            async with asyncio.timeout(WITHIN):
                assert (await second.readuntil(b"}")).endswith(OK)
            async with asyncio.timeout(60):
                assert len(await first.readexactly(len(HUGE))) == len(HUGE)
                other.write(ask)
                assert (await second.readline()).startswith(b"HTTP/1.1 200 ")


async def test_more_connections_than_there_may_be_are_told() -> None:
    async with (
        serving(ConnectionLimits(total=2)) as server,
        connected(server.port) as (_, first),
        connected(server.port) as (second, second_writer),
    ):
        second_writer.write(GET)
        await second.readuntil(OK)
        async with connected(server.port) as (third, _):
            answer = await ended(third)
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"Retry-After: 1\r\n" in answer
        assert b'"code":"too_many_connections"' in answer
        assert server.refused(RefusedRequest.CONNECTIONS) >= 1
        first.close()
        async with asyncio.timeout(WITHIN):
            while True:  # the server learns in its own time that the first one has left
                async with connected(server.port) as (fourth, writer):
                    writer.write(GET)
                    if (await fourth.readline()).startswith(b"HTTP/1.1 200 "):
                        break


async def test_one_address_may_not_have_all_connections() -> None:
    async with (
        serving(ConnectionLimits(total=10, per_address=1)) as server,
        connected(server.port) as (_, _),
        connected(server.port) as (reader, _),
    ):
        assert (await ended(reader)).startswith(b"HTTP/1.1 429 ")
        assert server.refused(RefusedRequest.ADDRESS_CONNECTIONS) == 1


async def test_a_crowded_listener_waits_less_for_heads() -> None:
    """It stays crowded by those who wait for an answer, whichever of the slow ones is cut first."""
    limits = ConnectionLimits(total=16, crowded_head=0.1, sweep_every=0.02)
    async with serving(limits) as server, AsyncExitStack() as stack:
        for _ in range(12):
            _, busy = await stack.enter_async_context(connected(server.port))
            busy.write(b"GET /wait HTTP/1.1\r\nHost: a\r\n\r\n")
        slow = [await stack.enter_async_context(connected(server.port)) for _ in range(3)]
        await asyncio.gather(*(ended(reader) for reader, _ in slow))
        assert server.refused(RefusedRequest.SLOW_HEAD) == 3
        server.release.set()


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
        (b"SECRET nonsense\r\n\r\n", 400),
        (b"GET /ok HTTP/9.9\r\nHost: a\r\n\r\n", 400),
        (b"GET /ok HTTP/1.1\r\nHost: a\r\nSECRET\r\n\r\n", 400),
        (b"GET /" + b"SECRET" * 20_000 + b" HTTP/1.1\r\n\r\n", 431),
        (b"GET /ok HTTP/1.1\r\nX: " + b"SECRET" * 20_000 + b"\r\n\r\n", 431),
        (b"GET /ok HTTP/1.1\r\n" + b"X-SECRET: a\r\n" * 5_000 + b"\r\n", 400),
        (b"POST /ok HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST /ok HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        (
            b"POST /ok HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            400,
        ),
    ],
    ids=range(10),
)
async def test_what_is_no_http_is_answered_without_a_trace(
    request_: bytes, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with (
        serving(ConnectionLimits()) as server,
        connected(server.port) as (reader, writer),
    ):
        writer.write(request_)
        answer = await ended(reader)
        if answer:  # a peer that is closed on while it sends may miss the answer
            assert answer.startswith((b"HTTP/1.1 %d " % status, b"HTTP/1.0 %d " % status))
            assert b"\r\nServer: hookgate\r\n" in answer
            assert b"SECRET" not in answer
            assert b"ython" not in answer
        assert server.refused(RefusedRequest.BROKEN) == 1
    assert "SECRET" not in caplog.text
    assert "Traceback" not in caplog.text


async def test_ten_thousand_requests_in_one_write_are_answered_in_order() -> None:
    async with (
        serving(ConnectionLimits()) as server,
        connected(server.port) as (reader, writer),
    ):
        writer.write(GET * 10_000)
        async with asyncio.timeout(60):
            for _ in range(10_000):
                await reader.readuntil(OK)


@pytest.mark.parametrize(
    ("peer", "network"),
    [
        (("192.0.2.7", 5000), "192.0.2.7"),
        (("::ffff:192.0.2.7", 5000, 0, 0), "192.0.2.7"),
        (("2001:db8:1:2:3:4:5:6", 5000, 0, 0), "2001:db8:1:2::"),
        (("fe80::1%eth0", 5000, 0, 2), "fe80::"),
        (None, ""),
        ("", ""),
        (("nonsense", 1), ""),
    ],
)
def test_whom_a_connection_is_counted_for(peer: object, network: str) -> None:
    assert client_network(peer) == network


async def test_when_a_listener_ends_so_does_a_client_that_says_no_goodbye() -> None:
    """Over TLS both sides say one; who does not is not waited for."""
    authority = Authority()
    trusting = ssl.create_default_context(cadata=authority.pem.decode())

    def connect(port: int) -> ssl.SSLSocket:
        raw = socket.create_connection(("127.0.0.1", port), WITHIN)
        return trusting.wrap_socket(raw, server_hostname="127.0.0.1")

    async with listening(web.Application(), tls=authority.server()) as port:
        mute = await asyncio.to_thread(connect, port)
    with mute:
        ends = select.poll()
        ends.register(mute, select.POLLRDHUP)
        assert ends.poll(0), "its socket is still open"


async def test_an_answer_goes_with_a_client_that_did_not_read_it() -> None:
    """At once, and not when cycles are looked for, which may be thousands of clients later."""
    made: list[weakref.ref[web.Response]] = []

    async def large(_: web.Request) -> web.Response:
        response = answers.raw(HUGE)
        made.append(weakref.ref(response))
        return response

    app, observer = web.Application(), Observer(CollectorRegistry())
    add_routes(app, [OpenRoute("GET", "/large", large)], Nobody(), observer)
    gc.disable()
    try:
        async with listening(app, observer=observer, limits=ConnectionLimits()) as port:
            async with connected(port) as (reader, writer):
                writer.write(b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n")
                await reader.readuntil(b"\r\n\r\n")
                writer.transport.abort()

            async def gone() -> bool:
                return made[0]() is None

            await eventually(gone, within=WITHIN, what="the answer is let go")
    finally:
        gc.enable()
