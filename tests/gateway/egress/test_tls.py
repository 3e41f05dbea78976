"""TLS: whose certificate is trusted, under which name, and who shows one."""

import asyncio
import os
import tempfile
from pathlib import Path

import pytest

from hookgate.deliveries import Outcome
from hookgate_gateway.contract import Tls
from hookgate_gateway.egress.contexts import TlsContexts, UnusableTls, make_context
from hookgate_gateway.rules.delivery import LaneKey
from tests.gateway.egress.raw import read_request, serving
from tests.gateway.egress.support import StillClock, sending, shipment
from tests.receivers import Authority, NameServer, Receiver

OURS = Authority()
THEIRS = Authority()
CERTIFICATE, CLIENT_KEY = OURS.client("shop.example")
_, OTHER_KEY = OURS.client("other.example")


@pytest.mark.parametrize(
    ("tls", "names", "outcome"),
    [
        (Tls(), (), Outcome.TLS_ERROR),
        (Tls(ca_pem=OURS.pem), (), Outcome.SUCCESS),
        (Tls(ca_pem=THEIRS.pem), (), Outcome.TLS_ERROR),
        (Tls(ca_pem=THEIRS.pem + OURS.pem), (), Outcome.SUCCESS),
        (Tls(insecure_skip_verify=True), (), Outcome.SUCCESS),
        (Tls(ca_pem=THEIRS.pem, insecure_skip_verify=True), (), Outcome.SUCCESS),
        (Tls(ca_pem=OURS.pem), ("billing.example",), Outcome.TLS_ERROR),
        (
            Tls(ca_pem=OURS.pem, server_name="billing.example"),
            ("billing.example",),
            Outcome.SUCCESS,
        ),
        (
            Tls(ca_pem=OURS.pem, server_name="other.example"),
            ("billing.example",),
            Outcome.TLS_ERROR,
        ),
    ],
)
async def test_whom_a_lane_trusts(tls: Tls, names: tuple[str, ...], outcome: Outcome) -> None:
    async with Receiver(tls=OURS.server(*names)) as receiver, sending() as sender:
        attempt = await sender.send(shipment(receiver.url(), tls=tls))
    assert attempt.outcome is outcome, attempt.error


async def test_a_private_ca_replaces_the_systems_roots() -> None:
    context = make_context(Tls(ca_pem=OURS.pem))
    assert context.cert_store_stats()["x509_ca"] == 1


async def test_the_name_of_the_url_is_the_one_that_is_checked() -> None:
    async with (
        Receiver(tls=OURS.server("billing.example")) as receiver,
        NameServer(
            {"billing.example": [("127.0.0.1",)], "other.example": [("127.0.0.1",)]}
        ) as names,
        sending(nameservers=[names.address]) as sender,
    ):
        tls = Tls(ca_pem=OURS.pem)
        good = await sender.send(shipment(receiver.url(host="billing.example"), tls=tls))
        bad = await sender.send(shipment(receiver.url(host="other.example"), tls=tls))
    assert good.outcome is Outcome.SUCCESS
    assert bad.outcome is Outcome.TLS_ERROR
    assert bad.error is not None
    assert "not trusted" in bad.error
    assert "127.0.0.1" not in bad.error


async def test_a_client_certificate_that_the_receiver_demands() -> None:
    tls = Tls(ca_pem=OURS.pem, certificate_pem=CERTIFICATE, key_pem=CLIENT_KEY)
    async with Receiver(tls=OURS.server(clients=True)) as receiver, sending() as sender:
        attempt = await sender.send(shipment(receiver.url(), tls=tls))
    assert attempt.outcome is Outcome.SUCCESS
    assert receiver.log[0].client_certificate == "shop.example"


async def test_without_the_client_certificate_that_is_demanded() -> None:
    tls = Tls(ca_pem=OURS.pem)
    async with Receiver(tls=OURS.server(clients=True)) as receiver, sending() as sender:
        attempt = await sender.send(shipment(receiver.url(), tls=tls))
    assert attempt.outcome in (Outcome.TLS_ERROR, Outcome.CONNECTION_ERROR)
    assert attempt.error is not None
    assert "certificate" in attempt.error
    assert receiver.log == []


@pytest.mark.parametrize(
    "tls",
    [
        Tls(ca_pem=b"nonsense"),
        Tls(ca_pem=b""),
        Tls(ca_pem=b"\xff\xfe"),
        Tls(ca_pem=b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
        Tls(ca_pem=OURS.pem, certificate_pem=b"nonsense", key_pem=CLIENT_KEY),
        Tls(ca_pem=OURS.pem, certificate_pem=CERTIFICATE, key_pem=OTHER_KEY),
        Tls(ca_pem=OURS.pem, certificate_pem=CERTIFICATE, key_pem=b"hunter2"),
    ],
)
async def test_material_that_tls_cannot_use(tls: Tls) -> None:
    with pytest.raises(UnusableTls):
        make_context(tls)
    async with Receiver(tls=OURS.server()) as receiver, sending() as sender:
        attempt = await sender.send(shipment(receiver.url(), tls=tls))
    assert attempt.outcome is Outcome.TLS_ERROR
    assert attempt.error is not None
    assert "PEM" in attempt.error
    assert "hunter2" not in attempt.error


async def test_a_key_with_a_password_asks_nobody() -> None:
    from cryptography.hazmat.primitives.serialization import (
        BestAvailableEncryption,
        Encoding,
        PrivateFormat,
        load_pem_private_key,
    )

    locked = load_pem_private_key(CLIENT_KEY, None).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"pass")
    )
    with pytest.raises(UnusableTls, match="password"):
        make_context(Tls(certificate_pem=CERTIFICATE, key_pem=locked))


async def test_plain_http_to_a_tls_port_and_the_other_way_round() -> None:
    async with Receiver(tls=OURS.server()) as secure, Receiver() as plain, sending() as sender:
        one = await sender.send(shipment(secure.url().replace("https", "http"), timeout=1.0))
        two = await sender.send(shipment(plain.url().replace("http", "https"), timeout=1.0))
    assert one.outcome is Outcome.CONNECTION_ERROR
    assert two.outcome in (Outcome.TLS_ERROR, Outcome.TIMEOUT)


async def test_tls_settings_that_change_count_from_the_next_attempt_on() -> None:
    async with Receiver(tls=OURS.server()) as receiver, sending() as sender:
        good = await sender.send(shipment(receiver.url(), tls=Tls(ca_pem=OURS.pem)))
        bad = await sender.send(shipment(receiver.url(), tls=Tls(ca_pem=THEIRS.pem)))
    assert (good.outcome, bad.outcome) == (Outcome.SUCCESS, Outcome.TLS_ERROR)


async def test_lanes_share_contexts_and_never_connections() -> None:
    async with Receiver(tls=OURS.server()) as receiver, sending() as sender:
        for lane in ("s/shop/a", "s/shop/b", "s/shop/a"):
            tls = Tls(ca_pem=bytes(bytearray(OURS.pem)))
            await sender.send(shipment(receiver.url(), lane=LaneKey(lane), tls=tls))
    assert [entry.connection for entry in receiver.log] == [1, 2, 1]


async def test_a_context_is_made_once_for_its_content() -> None:
    contexts = TlsContexts()
    same = [Tls(ca_pem=OURS.pem), Tls(ca_pem=bytes(bytearray(OURS.pem)), server_name="a.example")]
    first, second = await asyncio.gather(*[contexts.get(tls) for tls in same])
    other = await contexts.get(Tls(ca_pem=THEIRS.pem))
    assert first is second
    assert other is not first


async def test_a_kept_tls_connection_that_was_closed_costs_no_attempt() -> None:
    tls = Tls(ca_pem=OURS.pem)
    async with (
        Receiver(tls=OURS.server()) as receiver,
        sending(clock=StillClock()) as sender,
    ):
        attempts = [await sender.send(shipment(receiver.url("stale"), tls=tls)) for _ in range(3)]
    assert [attempt.outcome for attempt in attempts] == [Outcome.SUCCESS] * 3


async def test_the_end_of_a_kept_tls_connection_is_not_put_down_to_a_certificate() -> None:
    clock, tls = StillClock(), Tls(ca_pem=OURS.pem)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        await read_request(reader)
        clock.at += 6

    async with serving(serve, tls=OURS.server()) as receiver, sending(clock=clock) as sender:
        await sender.send(shipment(receiver.url(), tls=tls))
        attempt = await sender.send(shipment(receiver.url(), tls=tls))
    assert attempt.outcome is Outcome.CONNECTION_ERROR
    assert attempt.error is not None
    assert "certificate" not in attempt.error
    assert receiver.connections == 1


def test_where_memory_has_no_path_a_private_file_lasts_as_long_as_it_is_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delattr(os, "memfd_create")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    make_context(Tls(ca_pem=OURS.pem, certificate_pem=CERTIFICATE, key_pem=CLIENT_KEY))
    assert list(tmp_path.iterdir()) == []
