"""What every kind of receiver makes of an attempt."""

import asyncio

import pytest

from hookgate.deliveries import Outcome
from tests.gateway.egress.support import sending, shipment
from tests.receivers import Receiver

O = Outcome  # noqa: E741  # the table reads better


@pytest.mark.parametrize(
    ("path", "outcome", "status"),
    [
        ("ok200", O.SUCCESS, 200),
        ("ok200?status=201", O.SUCCESS, 201),
        ("ok200?status=204&body=", O.SUCCESS, 204),
        ("ok200?status=299", O.SUCCESS, 299),
        ("ok200?status=304&body=", O.REDIRECT, 304),
        ("ok200?status=400", O.CLIENT_ERROR, 400),
        ("ok200?status=404", O.CLIENT_ERROR, 404),
        ("ok200?status=500", O.SERVER_ERROR, 500),
        ("ok200?status=503", O.SERVER_ERROR, 503),
        ("ok200?status=799", O.SERVER_ERROR, 799),
        ("gone", O.GONE, 410),
        ("rate-limited", O.RATE_LIMITED, 429),
        ("redirect", O.REDIRECT, 302),
        ("endless", O.SUCCESS, 200),
        ("bomb", O.SUCCESS, 200),
        ("odd-headers", O.SUCCESS, 200),
        ("hang", O.TIMEOUT, None),
        ("drip", O.TIMEOUT, None),
        ("drip-headers", O.TIMEOUT, None),
        ("informational", O.CONNECTION_ERROR, None),
        ("reset", O.CONNECTION_ERROR, None),
        ("close", O.CONNECTION_ERROR, None),
        ("garbage", O.CONNECTION_ERROR, None),
        ("truncated", O.CONNECTION_ERROR, None),
        ("huge-headers", O.CONNECTION_ERROR, None),
    ],
)
async def test_what_comes_of_it(path: str, outcome: Outcome, status: int | None) -> None:
    timeout = 0.3 if outcome is O.TIMEOUT else 5.0
    async with Receiver() as receiver, sending() as sender:
        attempt = await sender.send(shipment(receiver.url(path), timeout=timeout))
    assert (attempt.outcome, attempt.status) == (outcome, status)
    assert (attempt.error is None) == (outcome is O.SUCCESS)
    assert len(receiver.log) == 1, "a redirect is not followed, nothing is sent twice"


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("hang", "no complete answer within 0.3 seconds"),
        ("reset", "the receiver reset the connection"),
        ("close", "the receiver closed the connection before it answered"),
        ("garbage", "the receiver answered with something that is not HTTP"),
        ("truncated", "the connection ended before the answer was complete"),
        ("gone", "the receiver is gone (410)"),
        ("redirect", "the receiver answered 302; redirects are not followed"),
        ("ok200?status=418", "the receiver answered 418"),
    ],
)
async def test_the_sentence_for_people(path: str, sentence: str) -> None:
    async with Receiver() as receiver, sending() as sender:
        attempt = await sender.send(shipment(receiver.url(path), timeout=0.3))
    assert attempt.error == sentence


@pytest.mark.parametrize("timeout", [0.2, 0.51])
async def test_the_deadline_is_exact_and_over_all(timeout: float) -> None:
    async with Receiver() as receiver, sending() as sender:
        attempt = await sender.send(shipment(receiver.url("drip?seconds=0.02"), timeout=timeout))
    assert attempt.outcome is O.TIMEOUT
    assert timeout - 0.01 <= attempt.duration < timeout + 0.15


async def test_nothing_listens_there() -> None:
    async with Receiver() as receiver, sending() as sender:
        url = receiver.url("ok200")
        await receiver.__aexit__(None, None, None)
        attempt = await sender.send(shipment(url))
        await receiver.__aenter__()
    assert attempt.outcome is O.CONNECTION_ERROR
    assert attempt.error == "nothing listens there: the connection was refused"


async def test_an_endless_answer_is_cut_and_its_connection_not_used_again() -> None:
    async with Receiver() as receiver, sending() as sender:
        first = await sender.send(shipment(receiver.url("endless")))
        await sender.send(shipment(receiver.url("ok200")))
    assert len(first.response_body) == 2048
    assert [entry.connection for entry in receiver.log] == [1, 2]


async def test_a_compressed_bomb_is_never_opened() -> None:
    async with Receiver() as receiver, sending() as sender:
        attempt = await sender.send(shipment(receiver.url("bomb")))
    assert attempt.response_body.startswith(b"\x1f\x8b")
    assert len(attempt.response_body) == 2048


async def test_a_second_answer_is_not_taken_for_the_next_ones() -> None:
    async with Receiver() as receiver, sending() as sender:
        for _ in range(3):
            attempt = await sender.send(shipment(receiver.url("two-answers")))
            assert (attempt.status, attempt.response_body) == (200, b"first")


async def test_cancelling_passes_through() -> None:
    async with Receiver() as receiver, sending() as sender:
        task = asyncio.create_task(sender.send(shipment(receiver.url("hang"))))
        await receiver.received(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


@pytest.mark.parametrize(
    ("after", "seconds"),
    [
        ("7", 7.0),
        ("0", 0.0),
        ("999999999999999999999", 86400.0),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 86400.0),
        ("-5", None),
        ("1.5", None),
        ("nan", None),
        ("soon", None),
        ("Wed, 99 Oct 2015 07:28:00 GMT", None),
        ("9" * 100, None),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
async def test_retry_after(after: str, seconds: float | None, status: int) -> None:
    async with Receiver() as receiver, sending() as sender:
        url = receiver.url(f"rate-limited?status={status}&after={after.replace(' ', '%20')}")
        attempt = await sender.send(shipment(url))
    assert attempt.retry_after == seconds


async def test_retry_after_of_other_answers_does_not_count() -> None:
    async with Receiver() as receiver, sending() as sender:
        attempt = await sender.send(shipment(receiver.url("rate-limited?status=500")))
    assert attempt.retry_after is None


async def test_answers_headers_are_shown_in_measure() -> None:
    async with Receiver() as receiver, sending() as sender:
        attempt = await sender.send(shipment(receiver.url("odd-headers")))
    shown = dict(attempt.response_headers)
    assert len(attempt.response_headers) == 32
    assert shown["Set-Cookie"] == "***"
    assert shown["X-Odd"].startswith("caf")
    shown["X-Odd"].encode()  # no lone surrogates


async def test_cookies_are_not_kept() -> None:
    async with Receiver() as receiver, sending() as sender:
        await sender.send(shipment(receiver.url("odd-headers")))
        await sender.send(shipment(receiver.url("ok200")))
    assert receiver.log[1].header("Cookie") is None
