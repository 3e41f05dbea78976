"""Nothing is sent where the rules do not allow it, whatever the URL or the name server says."""

import asyncio
from ipaddress import ip_address

import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from hookgate.deliveries import Outcome
from hookgate_gateway.egress.guard import Guard, Trace
from hookgate_gateway.observe import Observer
from hookgate_gateway.rules.delivery import LaneKey, Namespace
from hookgate_gateway.rules.egress_rules import EgressRules
from tests.gateway.egress.support import sending, shipment
from tests.receivers import NameServer, Receiver
from tests.receivers.nameserver import SILENT, UNKNOWN

NAME = "receiver.example"


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "127.0.0.1.",
        "①②⑦.0.0.1",
        "127。0。0。1",
        "%31%32%37.0.0.1",
        "[::ffff:127.0.0.1]",
        "[::127.0.0.1]",
        "[::1%25lo]",
        "0",
        "0.0.0.0",
        "[::]",
    ],
)
async def test_loopback_is_refused_in_every_notation(host: str) -> None:
    async with Receiver() as receiver, sending(allow="") as sender:
        attempt = await sender.send(shipment(receiver.url(host=host)))
    assert attempt.outcome is Outcome.BLOCKED
    assert attempt.error is not None
    assert attempt.error.startswith("the egress rules refuse this address: ")
    assert receiver.connections == 0


@pytest.mark.parametrize("host", ["127.1", "2130706433", "①②⑦.0.0.1", "127.0.0.1.", "%3127.0.0.1"])
async def test_an_opened_address_is_reached_in_every_notation(host: str) -> None:
    async with Receiver() as receiver, sending() as sender:
        attempt = await sender.send(shipment(receiver.url(host=host)))
    assert attempt.outcome is Outcome.SUCCESS


@pytest.mark.parametrize(
    "url", ["ftp://a.example/", "nonsense", "http://u:hunter2@a.example/", "http://a.example:22/"]
)
async def test_a_bad_url_is_blocked_with_its_reason(url: str) -> None:
    async with sending() as sender:
        attempt = await sender.send(shipment(url))
    assert attempt.outcome is Outcome.BLOCKED
    assert attempt.error
    assert "hunter2" not in repr(attempt)


async def test_localhost_is_a_name_like_any_other() -> None:
    async with Receiver() as receiver, sending(allow="localhost") as sender:
        attempt = await sender.send(shipment(receiver.url(host="localhost")))
    assert attempt.outcome is Outcome.BLOCKED
    assert receiver.connections == 0


async def test_a_name_whose_addresses_are_allowed_is_reached() -> None:
    async with (
        Receiver() as receiver,
        NameServer({NAME: [("127.0.0.1",)]}) as names,
        sending(nameservers=[names.address]) as sender,
    ):
        attempt = await sender.send(shipment(receiver.url(host=NAME)))
    assert attempt.outcome is Outcome.SUCCESS
    assert receiver.log[0].header("Host") == f"{NAME}:{receiver.port}"


@pytest.mark.parametrize(
    "addresses",
    [
        ("127.0.0.2",),
        ("127.0.0.1", "127.0.0.2"),
        ("127.0.0.2", "127.0.0.1"),
        ("127.0.0.1", "169.254.169.254"),
        ("127.0.0.1", "10.0.0.1"),
        ("127.0.0.1", "::1"),
        ("127.0.0.1", "::ffff:127.0.0.2"),
        ("127.0.0.1", "64:ff9b::a9fe:a9fe"),
        ("127.0.0.1", "fd00::1"),
    ],
)
async def test_one_bad_address_refuses_the_name(addresses: tuple[str, ...]) -> None:
    async with (
        Receiver() as receiver,
        NameServer({NAME: [addresses]}) as names,
        sending("127.0.0.1", nameservers=[names.address]) as sender,
    ):
        attempt = await sender.send(shipment(receiver.url(host=NAME)))
    assert attempt.outcome is Outcome.BLOCKED
    assert receiver.connections == 0


async def test_tenants_are_told_the_class_and_the_log_the_address() -> None:
    with capture_logs() as log:
        async with (
            NameServer({NAME: [("10.11.12.13",)]}) as names,
            sending(nameservers=[names.address]) as sender,
        ):
            attempt = await sender.send(shipment(f"http://{NAME}/"))
    assert attempt.error == "the egress rules refuse this address: private"
    assert "10.11.12.13" not in repr(attempt)
    (entry,) = [line for line in log if line["event"] == "egress_refused"]
    assert (entry["address"], entry["host"], entry["namespace"]) == ("10.11.12.13", NAME, "shop")


async def test_a_name_that_changes_its_address_is_judged_again() -> None:
    async with (
        Receiver() as receiver,
        NameServer({NAME: [("127.0.0.1",), ("127.0.0.2",), ("127.0.0.1",)]}) as names,
        sending("127.0.0.1", nameservers=[names.address]) as sender,
    ):
        outcomes = []
        for _ in range(3):
            attempt = await sender.send(shipment(receiver.url("idle-close", host=NAME)))
            await sender.forget(LaneKey("s/shop/invoices"))
            outcomes.append(attempt.outcome)
    assert outcomes == [Outcome.SUCCESS, Outcome.BLOCKED, Outcome.SUCCESS]
    assert names.queries[NAME] == 3


async def test_the_connection_goes_to_the_address_that_was_judged() -> None:
    """A name server that answers differently each time is asked once for each connection."""
    async with (
        Receiver() as receiver,
        NameServer({NAME: [("127.0.0.1",), ("127.0.0.2",)]}) as names,
        sending("127.0.0.1", nameservers=[names.address]) as sender,
    ):
        first = await sender.send(shipment(receiver.url(host=NAME)))
        kept = await sender.send(shipment(receiver.url(host=NAME)))
    assert first.outcome is kept.outcome is Outcome.SUCCESS
    assert names.queries[NAME] == 1


@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        (UNKNOWN, "the host's name cannot be resolved"),
        ((), "the host's name cannot be resolved"),
        (SILENT, "no name server answered within 0.3 seconds"),
    ],
)
async def test_names_that_cannot_be_looked_up(script: tuple[str, ...] | str, sentence: str) -> None:
    async with (
        NameServer({NAME: [script]}) as names,
        sending(nameservers=[names.address], lookup_seconds=0.3) as sender,
    ):
        attempt = await sender.send(shipment(f"http://{NAME}/"))
    assert (attempt.outcome, attempt.error) == (Outcome.DNS_ERROR, sentence)


async def test_the_deadline_is_over_the_look_up_too() -> None:
    async with (
        NameServer({NAME: [SILENT]}) as names,
        sending(nameservers=[names.address]) as sender,
    ):
        attempt = await sender.send(shipment(f"http://{NAME}/", timeout=0.2))
    assert attempt.outcome is Outcome.TIMEOUT


async def test_silence_for_one_name_stalls_no_other() -> None:
    script = {NAME: [("127.0.0.1",)], "silent.example": [SILENT]}
    async with (
        Receiver() as receiver,
        NameServer(script) as names,
        sending(nameservers=[names.address], lookup_seconds=0.5) as sender,
    ):
        silent = [
            asyncio.create_task(
                sender.send(shipment("http://silent.example/", lane=LaneKey(f"s/shop/{number}")))
            )
            for number in range(50)
        ]
        await names.asked("silent.example")
        for number in range(10):
            lane = LaneKey(f"s/other/{number}")
            attempt = await sender.send(shipment(receiver.url(host=NAME), lane=lane))
            assert attempt.outcome is Outcome.SUCCESS
            assert attempt.duration < 0.4
        assert {(await task).outcome for task in silent} == {Outcome.DNS_ERROR}


async def test_rules_of_one_namespace_help_no_other() -> None:
    async with Receiver() as receiver, sending("shop/127.0.0.1") as sender:
        mine = await sender.send(shipment(receiver.url()))
        theirs = await sender.send(
            shipment(receiver.url(), namespace=Namespace("other"), lane=LaneKey("s/other/x"))
        )
    assert (mine.outcome, theirs.outcome) == (Outcome.SUCCESS, Outcome.BLOCKED)


async def test_a_rule_with_a_port_opens_that_port_alone() -> None:
    async with (
        Receiver() as receiver,
        Receiver() as other,
        sending(f"127.0.0.1:{receiver.port}") as sender,
    ):
        good = await sender.send(shipment(receiver.url()))
        bad = await sender.send(shipment(other.url()))
    assert (good.outcome, bad.outcome) == (Outcome.SUCCESS, Outcome.BLOCKED)


@pytest.mark.parametrize(
    ("address", "allowed"), [("127.0.0.1", True), ("127.0.0.2", False), ("::1", False)]
)
async def test_the_socket_is_the_last_assertion(address: str, allowed: bool) -> None:
    guard = Guard(EgressRules.parse("127.0.0.1"), Observer(CollectorRegistry()))
    trace = Trace(Namespace("shop"), NAME)
    if allowed:
        guard.open_socket(ip_address(address), 8080, trace).close()
        assert trace.refused is None
    else:
        with pytest.raises(PermissionError):
            guard.open_socket(ip_address(address), 8080, trace)
        assert trace.refused is not None
