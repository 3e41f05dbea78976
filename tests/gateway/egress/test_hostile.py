"""Receivers that are slow, rude or broken, byte by byte, and what is left open after them."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from hookgate.deliveries import Outcome
from hookgate_gateway.contract import Tls
from hookgate_gateway.egress.dialing import share_of
from hookgate_gateway.rules.delivery import LaneKey
from tests.gateway.egress.raw import (
    answering,
    open_sockets,
    read_request,
    serving,
    until_open_sockets,
)
from tests.gateway.egress.support import sending, shipment
from tests.receivers import Authority, NameServer, Receiver

OURS = Authority()
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
NAME = "receiver.example"


# ------------------------------------------------------------------------- which connections are kept


@pytest.mark.parametrize(
    ("pieces", "kept"),
    [
        ([OK], True),
        ([HEAD, b"Content-Length: 2\r\n", b"\r\no", b"k"], True),
        ([CHUNKED, b"2\r\nok\r\n", b"0\r\n", b"\r\n"], True),
        ([CHUNKED + b"2\r\nok\r\n0\r\nX-Trailer: 1\r\n\r\n"], True),
        ([b"HTTP/1.1 204 No Content\r\n\r\n"], True),
        ([b"HTTP/1.1 100 Continue\r\n\r\n", OK], True),
        ([b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"], True),
        ([HEAD + b"Connection: close\r\nContent-Length: 2\r\n\r\nok"], False),
        ([b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok"], False),
        ([OK + OK], False),
        ([OK + b"\r\nx"], False),
        ([HEAD + b"Content-Length: 100000\r\n\r\n" + b"x" * 100000], False),
        ([b"what?\r\n"], False),
    ],
)
async def test_which_endings_keep_a_connection(pieces: list[bytes], kept: bool) -> None:
    async with serving(answering(*pieces)) as receiver, sending() as sender:
        for _ in range(3):
            await sender.send(shipment(receiver.url()))
        assert receiver.connections == (1 if kept else 3)
        await receiver.until(open=1 if kept else 0)


async def test_an_answer_that_ends_with_its_connection_is_whole() -> None:
    serve = answering(HEAD + b"\r\n", b"o", b"k", then_close=True)
    async with serving(serve) as receiver, sending() as sender:
        attempt = await sender.send(shipment(receiver.url()))
    assert (attempt.outcome, attempt.response_body) == (Outcome.SUCCESS, b"ok")


@pytest.mark.parametrize("secure", [False, True])
async def test_bytes_on_an_idle_connection_close_it(secure: bool) -> None:
    speak = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(OK)
        await speak.wait()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged")
        await reader.read()

    tls = OURS.server() if secure else None
    async with serving(serve, tls=tls) as receiver, sending() as sender:
        ship = shipment(receiver.url(), tls=Tls(ca_pem=OURS.pem))
        assert (await sender.send(ship)).response_body == b"ok"
        speak.set()
        await receiver.until(open=0)
        assert (await sender.send(ship)).response_body == b"ok"
        assert receiver.connections == 2


async def test_a_lane_has_as_many_connections_as_attempts_at_once() -> None:
    together = asyncio.Barrier(32)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await read_request(reader)
            await together.wait()
            writer.write(OK)

    async with serving(serve) as receiver, sending() as sender:
        for _ in range(3):
            attempts = await asyncio.gather(
                *[sender.send(shipment(receiver.url())) for _ in range(32)]
            )
            assert {attempt.outcome for attempt in attempts} == {Outcome.SUCCESS}
        assert receiver.connections == receiver.open == 32
        await sender.forget(LaneKey("s/shop/invoices"))
        await receiver.until(open=0)


# --------------------------------------------------------------------------------- broken answers


@pytest.mark.parametrize(
    "begun",
    [
        b"H",
        HEAD,
        HEAD + b"Content-Length: 2\r\n\r\n",
        HEAD + b"Content-Length: 2\r\n\r\no",
        CHUNKED + b"2\r\no",
        CHUNKED + b"2\r\nok\r\n",
        CHUNKED + b"2\r\nok\r\n0\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
    ],
)
@pytest.mark.parametrize("kept", [False, True])
async def test_a_receiver_that_closes_within_its_answer(begun: bytes, kept: bool) -> None:
    requests: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if kept and not requests:
            requests.append(await read_request(reader))
            writer.write(OK)
        requests.append(await read_request(reader))
        writer.write(begun)
        await writer.drain()

    async with serving(serve) as receiver, sending() as sender:
        if kept:
            await sender.send(shipment(receiver.url()))
        attempt = await sender.send(shipment(receiver.url()))
    assert attempt.outcome is Outcome.CONNECTION_ERROR
    assert attempt.error == "the connection ended before the answer was complete"
    assert len(requests) == (2 if kept else 1), "an answer that had begun is not asked for again"


@pytest.mark.parametrize(
    ("flood", "error"),
    [
        (b"HTTP/1.1 100 Continue\r\n\r\n", "more headers than are read"),
        (b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n", "more headers than are read"),
        (b"x" * 1000, "not HTTP"),
    ],
)
async def test_floods_end_long_before_the_deadline(flood: bytes, error: str) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        while True:
            writer.write(flood * 100)
            await writer.drain()

    async with serving(serve) as receiver, sending() as sender:
        attempt = await sender.send(shipment(receiver.url(), timeout=30.0))
        await receiver.until(open=0)
    assert attempt.outcome is Outcome.CONNECTION_ERROR
    assert attempt.error is not None
    assert error in attempt.error
    assert attempt.duration < 5


async def test_another_protocol_is_refused() -> None:
    switch = b"HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"
    async with serving(answering(switch)) as receiver, sending() as sender:
        attempt = await sender.send(shipment(receiver.url()))
    assert attempt.outcome is Outcome.CONNECTION_ERROR
    assert attempt.error == "the receiver wants to speak another protocol"


# ------------------------------------------------------------------------------------ large bodies


@pytest.mark.parametrize("secure", [False, True])
@pytest.mark.parametrize("leaves", [False, True])
async def test_an_answer_before_the_body_was_read(secure: bool, leaves: bool) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.transport.pause_reading()
        writer.write(b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig")
        await writer.drain()
        if leaves:
            writer.write_eof() if writer.can_write_eof() else None
        writer.transport.resume_reading()
        while await reader.read(65536):
            pass

    body = bytes(20 * 2**20)
    tls = OURS.server() if secure else None
    async with serving(serve, tls=tls) as receiver, sending() as sender:
        ship = shipment(receiver.url(), body=body, tls=Tls(ca_pem=OURS.pem))
        for number in (1, 2):
            attempt = await sender.send(ship)
            assert (attempt.outcome, attempt.status) == (Outcome.CLIENT_ERROR, 413)
            assert attempt.response_body == b"big"
            assert receiver.connections == number, (
                "a connection with half a request on it is closed"
            )
        await receiver.until(open=0)


async def test_a_receiver_that_takes_no_body_runs_into_the_deadline() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.transport.pause_reading()
        await asyncio.get_running_loop().create_future()

    async with serving(serve) as receiver, sending() as sender:
        attempt = await sender.send(shipment(receiver.url(), body=bytes(20 * 2**20), timeout=0.3))
    assert attempt.outcome is Outcome.TIMEOUT
    assert attempt.duration < 0.6


# -------------------------------------------------------------------------------------- connecting


async def test_a_handshake_that_never_ends_runs_into_the_deadline() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(5)
        writer.write(b"\x16\x03\x03")
        await reader.read()

    async with serving(serve) as receiver, sending() as sender:
        url = receiver.url().replace("http", "https")
        attempt = await sender.send(shipment(url, timeout=0.3))
        await receiver.until(open=0)
    assert attempt.outcome is Outcome.TIMEOUT
    assert attempt.duration < 0.6


async def test_an_address_that_refuses_is_passed_over() -> None:
    async with (
        Receiver() as receiver,
        NameServer({NAME: [("127.0.0.2", "127.0.0.3", "127.0.0.1")]}) as names,
        sending(nameservers=[names.address]) as sender,
    ):
        attempt = await sender.send(shipment(receiver.url(host=NAME)))
    assert attempt.outcome is Outcome.SUCCESS


@contextmanager
def dead_address(port: int, address: str = "127.0.0.2") -> Iterator[None]:
    """Connecting there is answered by nobody: its queue is full."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        listener.listen(0)
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex((address, port))
        yield


async def test_a_dead_address_costs_its_share_of_the_deadline() -> None:
    async with (
        Receiver() as receiver,
        NameServer({NAME: [("127.0.0.2", "127.0.0.1")]}) as names,
        sending(nameservers=[names.address]) as sender,
    ):
        with dead_address(receiver.port):
            attempt = await sender.send(shipment(receiver.url(host=NAME), timeout=0.8))
    assert attempt.outcome is Outcome.SUCCESS
    assert 0.35 < attempt.duration < 0.7


async def test_dead_addresses_alone_run_into_the_deadline() -> None:
    async with (
        Receiver() as receiver,
        NameServer({NAME: [("127.0.0.2", "127.0.0.3")]}) as names,
        sending(nameservers=[names.address]) as sender,
    ):
        with dead_address(receiver.port), dead_address(receiver.port, "127.0.0.3"):
            attempt = await sender.send(shipment(receiver.url(host=NAME), timeout=0.4))
    assert attempt.outcome is Outcome.TIMEOUT
    assert attempt.duration < 0.6


@pytest.mark.parametrize(
    ("remaining", "addresses", "share"),
    [(30.0, 1, None), (30.0, 2, 3.0), (30.0, 8, 3.0), (4.0, 2, 2.0), (0.8, 4, 0.2)],
)
def test_the_share_of_an_address(remaining: float, addresses: int, share: float | None) -> None:
    assert share_of(remaining, addresses) == share


async def test_ipv6() -> None:
    async with Receiver(host="::1") as receiver, sending("::1") as sender:
        attempt = await sender.send(shipment(receiver.url(host="[::1]")))
    assert attempt.outcome is Outcome.SUCCESS
    assert receiver.log[0].header("Host") == f"[::1]:{receiver.port}"


@pytest.mark.parametrize("name", [".example", "a..example", "x" * 64 + ".example", "a\x00b"])
async def test_a_server_name_that_tls_cannot_ask_for(name: str) -> None:
    async with Receiver(tls=OURS.server()) as receiver, sending() as sender:
        tls = Tls(ca_pem=OURS.pem, server_name=name)
        attempt = await sender.send(shipment(receiver.url(), tls=tls))
    assert attempt.outcome is Outcome.TLS_ERROR
    assert attempt.error == "TLS cannot ask for a server of that name"
    assert receiver.connections == 0


# ---------------------------------------------------------------------------------- what stays open


@pytest.mark.parametrize("secure", [False, True])
@pytest.mark.parametrize("path", ["ok200", "endless", "truncated", "garbage", "hang", "reset"])
async def test_no_socket_stays_open_after_the_end(path: str, secure: bool) -> None:
    async with Receiver(tls=OURS.server() if secure else None) as receiver:
        before = open_sockets()
        async with sending() as sender:
            tls = Tls(ca_pem=OURS.pem)
            ship = shipment(receiver.url(path), tls=tls, timeout=0.2)
            for _ in range(2):
                await asyncio.gather(*[sender.send(ship) for _ in range(3)])
        await until_open_sockets(lambda count: count == before)


@pytest.mark.parametrize("secure", [False, True])
async def test_cancelling_closes_the_connection(secure: bool) -> None:
    asked = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        asked.set()
        await reader.read()

    tls = OURS.server() if secure else None
    async with serving(serve, tls=tls) as receiver, sending() as sender:
        ship = shipment(receiver.url(), tls=Tls(ca_pem=OURS.pem))
        task = asyncio.create_task(sender.send(ship))
        await asked.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await receiver.until(open=0)


@pytest.mark.parametrize("stage", ["look-up", "connect", "handshake"])
async def test_the_end_cuts_what_is_still_connecting(stage: str) -> None:
    greeted = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(5)
        greeted.set()
        await reader.read()

    async with (
        serving(serve) as receiver,
        NameServer({NAME: ["silent"]}) as names,
    ):
        before = open_sockets()
        with dead_address(receiver.port):
            filled = open_sockets()
            async with sending(nameservers=[names.address]) as sender:
                url = {
                    "look-up": f"http://{NAME}/",
                    "connect": receiver.url(host="127.0.0.2"),
                    "handshake": receiver.url().replace("http", "https"),
                }[stage]
                task = asyncio.create_task(sender.send(shipment(url, timeout=30.0)))
                if stage == "look-up":
                    await names.asked(NAME)
                elif stage == "handshake":
                    await greeted.wait()
                else:
                    await until_open_sockets(lambda count: count > filled)
            attempt = await task
        await receiver.until(open=0)
        await until_open_sockets(lambda count: count == before)
    assert attempt.outcome is Outcome.CONNECTION_ERROR
    assert attempt.error == "the gateway stopped"
