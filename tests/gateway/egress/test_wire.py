"""One connection, against a transport that a test moves by hand: what is written when, and what ends it."""

import asyncio
from collections.abc import Callable
from typing import Any, cast

import pytest

from hookgate_gateway.egress.answers import Answer
from hookgate_gateway.egress.wire import Broken, Connection

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
HEAD = b"POST / HTTP/1.1\r\n\r\n"
FAR = 1e9


class HandTransport:
    """Keeps what is written; says "enough" as often as a test wants."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.waiting = 0
        self.state = "open"
        self.protocol: Connection | None = None
        self.pauses_at = -1

    def write(self, data: bytes | memoryview) -> None:
        assert self.state == "open"
        self.written.append(bytes(data))
        if len(self.written) == self.pauses_at:
            assert self.protocol is not None
            self.waiting = len(data)
            self.protocol.pause_writing()

    def drained(self) -> None:
        assert self.protocol is not None
        self.waiting = 0
        self.protocol.resume_writing()

    def get_write_buffer_size(self) -> int:
        return self.waiting

    def get_extra_info(self, name: str) -> None:
        """There is no socket."""

    def is_closing(self) -> bool:
        return self.state != "open"

    def close(self) -> None:
        self._end("closed")

    def abort(self) -> None:
        self._end("aborted")

    def _end(self, state: str) -> None:
        if self.state == "open":
            self.state = state
            assert self.protocol is not None
            asyncio.get_running_loop().call_soon(self.protocol.connection_lost, None)


def connected(
    lost: Callable[[Connection], None] = lambda _: None,
) -> tuple[Connection, HandTransport]:
    connection = Connection(asyncio.get_running_loop(), lost)
    transport = HandTransport()
    transport.protocol = connection
    connection.connection_made(cast("asyncio.Transport", transport))
    return connection, transport


async def sent(
    connection: Connection, body: bytes = b"{}", deadline: float = FAR
) -> asyncio.Task[Answer | Broken]:
    """An exchange that is under way."""
    task = asyncio.create_task(connection.exchange(HEAD, body, deadline))
    await asyncio.sleep(0)
    return task


def now() -> float:
    return asyncio.get_running_loop().time()


async def test_a_small_request_is_one_write() -> None:
    connection, transport = connected()
    task = await sent(connection)
    connection.data_received(OK)
    answer = await task
    assert isinstance(answer, Answer)
    assert (answer.status, answer.body) == (200, b"ok")
    assert transport.written == [HEAD + b"{}"]
    assert connection.reusable


async def test_a_large_body_waits_for_the_receiver() -> None:
    connection, transport = connected()
    body = bytes(range(256)) * 4096
    transport.pauses_at = 3
    task = await sent(connection, body)
    assert len(transport.written) == 3
    transport.pauses_at = 5
    transport.drained()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert len(transport.written) == 5
    transport.pauses_at = -1
    transport.drained()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert b"".join(transport.written) == HEAD + body
    connection.data_received(OK)
    assert isinstance(await task, Answer)
    assert connection.reusable


async def test_an_early_answer_stops_a_body_and_spoils_the_connection() -> None:
    connection, transport = connected()
    transport.pauses_at = 2
    task = await sent(connection, bytes(2**20))
    connection.data_received(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
    answer = await task
    assert isinstance(answer, Answer)
    assert answer.status == 413
    assert len(transport.written) == 2
    assert not connection.reusable


async def test_an_answer_before_everything_has_left_spoils_the_connection() -> None:
    connection, transport = connected()
    task = await sent(connection)
    transport.waiting = 1
    connection.data_received(OK)
    assert isinstance(await task, Answer)
    assert not connection.reusable


async def test_a_body_is_not_sent_into_a_closed_connection() -> None:
    connection, transport = connected()
    transport.pauses_at = 2
    task = await sent(connection, bytes(2**20))
    connection.connection_lost(BrokenPipeError())
    broken = await task
    assert isinstance(broken, Broken)
    assert broken.silent
    assert len(transport.written) == 2


async def test_bytes_that_nobody_asked_for_end_an_idle_connection() -> None:
    connection, transport = connected()
    task = await sent(connection)
    connection.data_received(OK)
    await task
    connection.rest()
    connection.data_received(OK)
    assert transport.state == "aborted"
    assert not connection.reusable
    assert isinstance(await connection.exchange(HEAD, b"", FAR), Broken)


async def test_bytes_between_an_answer_and_its_reader_count_as_unasked() -> None:
    connection, transport = connected()
    task = await sent(connection)
    connection.data_received(OK)
    connection.data_received(b"\r\n")
    assert isinstance(await task, Answer)
    assert transport.state == "aborted"


async def test_cancelling_ends_the_connection() -> None:
    lost: list[Connection] = []
    connection, transport = connected(lost.append)
    task = await sent(connection)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert transport.state == "aborted"
    await asyncio.sleep(0)
    assert lost == [connection]


async def test_cancelling_while_a_body_waits_ends_the_connection() -> None:
    connection, transport = connected()
    transport.pauses_at = 2
    task = await sent(connection, bytes(2**20))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert transport.state == "aborted"
    connection.resume_writing()


# ------------------------------------------------------------------------------------ virtual time


async def timed_out(task: "asyncio.Task[Answer | Broken]") -> float:
    """When the exchange ran into its deadline."""
    broken = await task
    assert isinstance(broken, Broken)
    assert isinstance(broken.error, TimeoutError)
    assert not broken.silent
    return now()


@pytest.mark.looptime
async def test_an_exchange_ends_at_its_deadline() -> None:
    connection, transport = connected()
    task = await sent(connection, deadline=now() + 30)
    assert await timed_out(task) == 30
    assert transport.state == "aborted"


@pytest.mark.looptime
async def test_a_body_that_nobody_takes_ends_at_its_deadline() -> None:
    connection, transport = connected()
    transport.pauses_at = 2
    task = await sent(connection, bytes(2**20), deadline=now() + 30)
    assert await timed_out(task) == 30
    assert len(transport.written) == 2


@pytest.mark.looptime
@pytest.mark.parametrize(("first", "second"), [(30, 30), (30, 5), (5, 30)])
async def test_each_exchange_has_a_deadline_of_its_own(first: float, second: float) -> None:
    connection, _ = connected()
    task = await sent(connection, deadline=now() + first)
    await asyncio.sleep(2)
    connection.data_received(OK)
    assert isinstance(await task, Answer)
    connection.rest()
    await asyncio.sleep(1)
    assert await timed_out(await sent(connection, deadline=now() + second)) == 3 + second


@pytest.mark.looptime
async def test_a_connection_rests_for_a_minute() -> None:
    lost: list[Connection] = []
    connection, transport = connected(lost.append)
    for _ in range(3):
        task = await sent(connection, deadline=now() + 30)
        connection.data_received(OK)
        await task
        connection.rest()
        await asyncio.sleep(59)
        assert transport.state == "open"
    await asyncio.sleep(1.1)
    assert transport.state == "closed"
    assert lost == [connection]


@pytest.mark.looptime
async def test_a_connection_that_ended_leaves_no_timer() -> None:
    connection, _ = connected()
    task = await sent(connection, deadline=now() + 30)
    connection.connection_lost(None)
    await task
    loop: Any = asyncio.get_running_loop()
    assert all(handle.cancelled() for handle in loop._scheduled)
