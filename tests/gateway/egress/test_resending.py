"""One attempt is one POST, but for a kept connection that was closed before the request came."""

import asyncio
import os
import socket
import struct
from collections.abc import Callable
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from hookgate.deliveries import Outcome
from hookgate_gateway.egress.resend import LATEST, LONGEST_ROUND_TRIP, MARGIN, was_stale
from hookgate_gateway.egress.wire import Broken
from hookgate_gateway.observe import Observer
from hookgate_process.clock import SystemClock
from tests.gateway.egress.raw import RawReceiver, Serve, read_request, serving
from tests.gateway.egress.support import StillClock, sending, shipment
from tests.receivers import Receiver

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
RESENT = ("X-Hookgate-Resent", "1")


# ------------------------------------------------------------------------------------ the decision

FIN = Broken(None, begun=False)
RESET = Broken(ConnectionResetError(), begun=False)
BEGUN = Broken(None, begun=True)
LATE = Broken(TimeoutError(), begun=False)
UNSEEN_FIN = Broken(None, begun=False, unacknowledged=True)
UNSEEN_RESET = Broken(ConnectionResetError(), begun=False, unacknowledged=True)


@pytest.mark.parametrize(
    ("broken", "after", "round_trip", "stale"),
    [
        (FIN, 0.0, 0.0, True),
        (RESET, 0.0, 0.0, True),
        (FIN, MARGIN, 0.0, True),
        (FIN, MARGIN + 0.001, 0.0, False),
        (RESET, MARGIN + 0.001, 0.0, False),
        (FIN, 0.2, 0.19, True),
        (FIN, 0.2, 0.1, False),
        (FIN, LONGEST_ROUND_TRIP + MARGIN, 9.0, True),
        (FIN, LONGEST_ROUND_TRIP + MARGIN + 0.001, 9.0, False),
        (FIN, 6.0, 9.0, False),
        (BEGUN, 0.0, 0.0, False),
        (LATE, 0.0, 0.0, False),
        (UNSEEN_FIN, LATEST, 0.0, True),
        (UNSEEN_RESET, LATEST, 0.0, True),
        (UNSEEN_FIN, LATEST + 0.001, 9.0, False),
        (UNSEEN_RESET, 6.0, 9.0, False),
        (Broken(None, begun=True, unacknowledged=True), 0.0, 0.0, False),
        (Broken(TimeoutError(), begun=False, unacknowledged=True), 0.0, 0.0, False),
    ],
)
def test_which_ends_were_on_their_way_before_the_request_came(
    broken: Broken, after: float, round_trip: float, stale: bool
) -> None:
    assert was_stale(broken, after=after, round_trip=round_trip) is stale


def test_an_acknowledged_request_is_judged_more_strictly() -> None:
    assert LONGEST_ROUND_TRIP + MARGIN < LATEST


# --------------------------------------------------------------------------- receivers that close


def reset(writer: asyncio.StreamWriter) -> None:
    writer.get_extra_info("socket").setsockopt(
        socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
    )
    writer.transport.abort()


def close(writer: asyncio.StreamWriter) -> None:
    writer.close()


Ending = Callable[[asyncio.StreamWriter], None]
ENDINGS = pytest.mark.parametrize("ending", [close, reset])


class Closing:
    """Answers once on a connection, then reads one more request and ends it."""

    def __init__(self, ending: Ending, *, meanwhile: Callable[[], None] = lambda: None) -> None:
        self.requests: list[bytes] = []
        self._ending = ending
        self._meanwhile = meanwhile

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.requests.append(await read_request(reader))
        writer.write(OK)
        self.requests.append(await read_request(reader))
        self._meanwhile()
        self._ending(writer)


class Answering:
    """Answers for ever."""

    def __init__(self) -> None:
        self.requests: list[bytes] = []

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            self.requests.append(await read_request(reader))
            writer.write(OK)


class Arrivals(Answering):
    """Answers for ever, until a test closes the last connection under its feet."""

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._socket = writer.get_extra_info("socket")
        await super().__call__(reader, writer)

    def closes(self) -> None:
        """Send the FIN now, while nobody's event loop looks."""
        with socket.socket(fileno=os.dup(self._socket.fileno())) as its:
            its.shutdown(socket.SHUT_RDWR)


def lines(request: bytes) -> set[str]:
    return set(request.partition(b"\r\n\r\n")[0].decode().split("\r\n"))


def resends(registry: CollectorRegistry) -> float:
    return registry.get_sample_value("hookgate_delivery_resends_total", {"namespace": "shop"}) or 0


@ENDINGS
async def test_a_kept_connection_that_was_closed_costs_no_attempt(ending: Ending) -> None:
    closing = Closing(ending)
    async with serving(closing) as receiver, sending(clock=StillClock()) as sender:
        attempts = [await sender.send(shipment(receiver.url())) for _ in range(3)]
    assert [attempt.outcome for attempt in attempts] == [Outcome.SUCCESS] * 3
    assert receiver.connections == 3
    assert len(closing.requests) == 5


async def test_many_attempts_on_stale_connections_all_arrive() -> None:
    async with serving(Closing(close)) as receiver, sending(clock=StillClock()) as sender:
        for _ in range(3):
            sent = [sender.send(shipment(receiver.url())) for _ in range(8)]
            attempts = await asyncio.gather(*sent)
            assert {attempt.outcome for attempt in attempts} == {Outcome.SUCCESS}


async def test_a_resend_is_told_to_the_receiver_with_the_attempt_and_in_the_metrics() -> None:
    registry, closing = CollectorRegistry(), Closing(close)
    options: dict[str, Any] = {"clock": StillClock(), "observer": Observer(registry)}
    async with serving(closing) as receiver, sending(**options) as sender:
        plain = await sender.send(shipment(receiver.url()))
        assert resends(registry) == 0
        resent = await sender.send(shipment(receiver.url(), number=3, body=b"{}"))
    _, lost, again = closing.requests
    assert lines(again) - lines(lost) == {": ".join(RESENT)}
    assert lines(lost) < lines(again)
    assert "X-Hookgate-Attempt: 3" in lines(again)
    assert again.endswith(b"\r\n\r\n{}")
    assert RESENT in resent.request_headers
    assert RESENT not in plain.request_headers
    assert resends(registry) == 1


@ENDINGS
@pytest.mark.parametrize("body", [b"{}", bytes(2**20)], ids=["small", "large"])
async def test_who_had_the_request_for_a_while_does_not_get_it_again(
    ending: Ending, body: bytes
) -> None:
    registry, clock = CollectorRegistry(), StillClock()

    def works() -> None:
        clock.at += 6

    closing = Closing(ending, meanwhile=works)
    async with (
        serving(closing) as receiver,
        sending(clock=clock, observer=Observer(registry)) as sender,
    ):
        await sender.send(shipment(receiver.url(), body=body))
        attempt = await sender.send(shipment(receiver.url(), body=body))
    assert attempt.outcome is Outcome.CONNECTION_ERROR
    assert attempt.duration == 6
    assert len(closing.requests) == 2
    assert receiver.connections == 1
    assert RESENT not in attempt.request_headers
    assert resends(registry) == 0


@pytest.mark.parametrize(("seconds", "posts"), [(0.04, 3), (0.06, 2)])
async def test_on_loopback_a_receiver_has_but_the_margin(seconds: float, posts: int) -> None:
    clock = StillClock()

    def works() -> None:
        clock.at += seconds

    closing = Closing(close, meanwhile=works)
    async with serving(closing) as receiver, sending(clock=clock) as sender:
        for _ in range(2):
            await sender.send(shipment(receiver.url()))
    assert len(closing.requests) == posts


@pytest.mark.parametrize(("seconds", "posts"), [(0.4, 2), (0.6, 1)])
async def test_what_the_receivers_kernel_never_had_is_sent_again_although_we_looked_late(
    seconds: float, posts: int
) -> None:
    clock, arrivals = StillClock(), Arrivals()
    async with serving(arrivals) as receiver, sending(clock=clock) as sender:
        await sender.send(shipment(receiver.url()))
        arrivals.closes()
        sent = sender.send(shipment(receiver.url()))
        late = asyncio.get_running_loop().call_soon(setattr, clock, "at", clock.at + seconds)
        attempt = await sent
        late.cancel()
    assert (attempt.outcome is Outcome.SUCCESS) is (posts == 2)
    assert receiver.connections == posts


class TickingClock(SystemClock):
    """Whatever is measured took one tick."""

    def __init__(self, tick: float) -> None:
        self._tick = tick
        self._at = 0.0

    def monotonic(self) -> float:
        self._at += self._tick
        return self._at


@pytest.mark.parametrize(("tick", "posts"), [(0.25, 3), (0.4, 2)])
async def test_a_far_receiver_has_the_time_of_its_own_handshake(tick: float, posts: int) -> None:
    closing = Closing(close)
    async with serving(closing) as receiver, sending(clock=TickingClock(tick)) as sender:
        for _ in range(2):
            await sender.send(shipment(receiver.url()))
    assert len(closing.requests) == posts


async def test_an_answer_that_had_begun_is_not_asked_for_again() -> None:
    async with Receiver() as receiver, sending(clock=StillClock()) as sender:
        await sender.send(shipment(receiver.url("stale-half")))
        attempt = await sender.send(shipment(receiver.url("stale-half")))
    assert attempt.outcome is Outcome.CONNECTION_ERROR
    assert len(receiver.log) == 2


async def test_a_fresh_connection_that_is_closed_is_not_tried_again() -> None:
    async with Receiver() as receiver, sending(clock=StillClock()) as sender:
        attempt = await sender.send(shipment(receiver.url("close")))
    assert attempt.outcome is Outcome.CONNECTION_ERROR
    assert len(receiver.log) == 1


async def test_a_resend_has_what_is_left_of_the_deadline() -> None:
    loop = asyncio.get_running_loop()
    held = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        if held.is_set():
            await reader.read()
        writer.write(OK)
        await read_request(reader)
        held.set()
        await asyncio.sleep(1.0)

    async with serving(serve) as receiver, sending(clock=StillClock()) as sender:
        await sender.send(shipment(receiver.url()))
        begun = loop.time()
        attempt = await sender.send(shipment(receiver.url(), timeout=2.0))
        took = loop.time() - begun
    assert attempt.outcome is Outcome.TIMEOUT
    assert receiver.connections == 2
    assert took < 1.0 + 2.0


async def test_a_sender_that_ends_sends_nothing_again() -> None:
    async with Receiver() as receiver, sending(clock=StillClock()) as sender:
        receiver.script["x"] = "ok200"
        await sender.send(shipment(receiver.url("switch/x")))
        receiver.script["x"] = "hang"
        cut = asyncio.create_task(sender.send(shipment(receiver.url("switch/x"))))
        await receiver.received(2)
    assert (await cut).outcome is Outcome.CONNECTION_ERROR
    assert len(receiver.log) == 2


# ------------------------------------------------------------------------------------ once for all


async def twice(receiver: RawReceiver, **changes: Any) -> tuple[Outcome, list[int]]:
    """A kept connection, then two shipments that go once: the last outcome, connections after each."""
    connections: list[int] = []
    async with sending(clock=StillClock()) as sender:
        await sender.send(shipment(receiver.url()))
        for _ in range(2):
            attempt = await sender.send(shipment(receiver.url(), once=True, **changes))
            connections.append(receiver.connections)
            await receiver.until(open=1)
    return attempt.outcome, connections


async def test_what_goes_once_goes_on_a_connection_of_its_own_that_is_not_kept() -> None:
    answering = Answering()
    async with serving(answering) as receiver:
        assert await twice(receiver) == (Outcome.SUCCESS, [2, 3])
    assert len(answering.requests) == 3


async def test_what_goes_once_is_not_sent_again_whatever_its_connection_does() -> None:
    requests: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requests.append(await read_request(reader))
        if len(requests) == 1:
            writer.write(OK)
            await reader.read()

    async with serving(serve) as receiver:
        assert await twice(receiver) == (Outcome.CONNECTION_ERROR, [2, 3])
    assert len(requests) == 3


async def test_a_stale_connection_does_not_spoil_what_goes_once() -> None:
    """A test of a URL says how the receiver is, not how the last connection to it was."""
    serve: Serve = Closing(close)
    async with serving(serve) as receiver:
        assert await twice(receiver) == (Outcome.SUCCESS, [2, 3])
