"""What a receiver gets, and what is shown of it afterwards."""

import hashlib

import pytest

from hookgate.deliveries import Outcome
from hookgate.signing import SigningScheme
from tests.gateway.egress.support import BODY, KEY, sending, shipment
from tests.receivers import Receiver


@pytest.mark.parametrize("scheme", list(SigningScheme))
async def test_the_bytes_arrive_as_they_are_and_verify(scheme: SigningScheme) -> None:
    async with Receiver(keys=[KEY]) as receiver, sending() as sender:
        await sender.send(shipment(receiver.url("ok200/a%2Fb?q=1%202"), scheme=scheme))
    (got,) = receiver.log
    assert got.verified, got.problem
    assert got.body == BODY
    assert (got.method, got.target) == ("POST", "/ok200/a%2Fb?q=1%202")


async def test_the_headers_of_the_contract_and_no_others() -> None:
    async with Receiver() as receiver, sending() as sender:
        await sender.send(shipment(receiver.url(), number=3))
    (got,) = receiver.log
    headers = {name.lower(): value for name, value in got.headers}
    assert headers.pop("x-skyvern-signature").startswith("sha256=")
    assert abs(int(headers.pop("x-skyvern-timestamp")) - got.at) < 5
    assert headers == {
        "host": f"127.0.0.1:{receiver.port}",
        "content-type": "application/json",
        "content-length": str(len(BODY)),
        "user-agent": "Skyvern-Webhook/1.0",
        "x-hookgate-event-id": "evt_01",
        "x-hookgate-delivery-id": "dlv_01",
        "x-hookgate-attempt": "3",
    }


@pytest.mark.parametrize(
    ("mark", "header"), [("replay", "X-Hookgate-Replay"), ("test", "X-Hookgate-Test")]
)
async def test_replays_and_tests_are_marked(mark: str, header: str) -> None:
    async with Receiver() as receiver, sending() as sender:
        await sender.send(shipment(receiver.url(), **{mark: True}))
    assert receiver.log[0].header(header) == "1"


async def test_a_subscriptions_headers_are_sent_and_its_secret_ones_not_shown() -> None:
    headers = (("x-team", "billing"), ("X-Token", "very-secret"))
    async with Receiver() as receiver, sending() as sender:
        attempt = await sender.send(
            shipment(receiver.url(), headers=headers, secret_headers=frozenset({"x-token"}))
        )
    (got,) = receiver.log
    assert (got.header("x-team"), got.header("x-token")) == ("billing", "very-secret")
    shown = dict(attempt.request_headers)
    assert (shown["x-team"], shown["X-Token"]) == ("billing", "***")
    assert shown["X-Skyvern-Signature"] == "***"
    assert shown["X-Hookgate-Delivery-Id"] == "dlv_01"
    assert "very-secret" not in repr(attempt)


async def test_headers_that_change_are_sent_from_the_next_attempt_on() -> None:
    async with Receiver() as receiver, sending() as sender:
        for value in ("one", "two"):
            await sender.send(shipment(receiver.url(), headers=(("x-team", value),)))
    assert [entry.header("x-team") for entry in receiver.log] == ["one", "two"]


async def test_the_contracts_headers_win_and_the_user_agent_may_be_named() -> None:
    headers = (
        ("content-type", "text/plain"),
        ("x-hookgate-attempt", "9"),
        ("user-agent", "Mine/1"),
    )
    async with Receiver() as receiver, sending() as sender:
        await sender.send(shipment(receiver.url(), headers=headers))
    (got,) = receiver.log
    names = [name.lower() for name, _ in got.headers]
    assert got.header("content-type") == "application/json"
    assert got.header("x-hookgate-attempt") == "1"
    assert got.header("user-agent") == "Mine/1"
    assert len(names) == len(set(names))


@pytest.mark.parametrize("value", ["a\r\nX-Injected: 1", "a\nb", "a\x00b"])
async def test_a_header_that_would_inject_is_never_sent(value: str) -> None:
    async with Receiver() as receiver, sending() as sender:
        attempt = await sender.send(shipment(receiver.url(), headers=(("x-team", value),)))
    assert attempt.outcome is Outcome.CONNECTION_ERROR
    assert receiver.log == []


async def test_large_bodies_arrive_whole() -> None:
    body = bytes(range(256)) * 4096 * 5
    async with Receiver(keys=[KEY]) as receiver, sending() as sender:
        attempt = await sender.send(shipment(receiver.url(), body=body))
    assert attempt.outcome is Outcome.SUCCESS
    assert receiver.log[0].verified
    assert hashlib.sha256(receiver.log[0].body).digest() == hashlib.sha256(body).digest()


@pytest.mark.parametrize("keys", [(), (b"",)])
async def test_nothing_is_sent_unsigned(keys: tuple[bytes, ...]) -> None:
    async with Receiver() as receiver, sending() as sender:
        attempt = await sender.send(shipment(receiver.url(), keys=keys))
    assert attempt.outcome is Outcome.BLOCKED
    assert attempt.error is not None
    assert "cannot be signed" in attempt.error
    assert receiver.connections == 0


async def test_the_shown_url_has_no_query() -> None:
    async with Receiver() as receiver, sending() as sender:
        attempt = await sender.send(shipment(receiver.url("ok200/x?token=secret")))
    assert attempt.url == receiver.url("ok200/x?…")
    assert "secret" not in repr(attempt)


async def test_a_url_from_a_secret_is_shown_without_its_path() -> None:
    async with Receiver() as receiver, sending() as sender:
        attempt = await sender.send(shipment(receiver.url("ok200/hunter2?x"), secret_url=True))
    assert attempt.outcome is Outcome.SUCCESS
    assert attempt.url == receiver.url("…")
    assert "hunter2" not in repr(attempt)


async def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with Receiver() as receiver, Receiver() as proxy, sending() as sender:
        monkeypatch.setenv("HTTP_PROXY", proxy.url(""))
        monkeypatch.setenv("http_proxy", proxy.url(""))
        attempt = await sender.send(shipment(receiver.url()))
    assert attempt.outcome is Outcome.SUCCESS
    assert proxy.connections == 0
