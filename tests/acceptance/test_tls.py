"""TLS with a private authority, with a client certificate, and with nobody to trust."""

from typing import Any

import pytest

from tests.acceptance.harness import Gateway, report, run_id
from tests.acceptance.manifests import secret, subscription
from tests.receivers import Authority, Receiver


@pytest.fixture(name="authority")
def _authority() -> Authority:
    return Authority()


def _ca(name: str, authority: Authority) -> dict[str, Any]:
    return secret(name, **{"ca.crt": authority.pem.decode()})


def _ca_from(name: str) -> dict[str, Any]:
    return {"caFrom": {"secretKeyRef": {"name": name, "key": "ca.crt"}}}


async def _deliver(idle: Gateway, url: str, tls: dict[str, Any]) -> dict[str, Any]:
    idle.manifests.write("hook", subscription("hook", url, retry=(), endpoint={"tls": tls}))
    await idle.start()
    await idle.accepted(report(run := run_id()))
    return await idle.delivery_of(run, attempts=1)


async def test_a_private_authority_is_trusted_when_named(
    idle: Gateway, authority: Authority
) -> None:
    idle.manifests.write("ca", _ca("ca", authority))
    async with Receiver(tls=authority.server()) as receiver:
        delivery = await _deliver(idle, receiver.url(), _ca_from("ca"))
    assert delivery["state"] == "delivered"


@pytest.mark.parametrize(
    "tls",
    [
        pytest.param({}, id="the system's roots"),
        pytest.param(_ca_from("other"), id="another authority"),
        pytest.param({**_ca_from("ca"), "serverName": "billing.example.com"}, id="another name"),
    ],
)
async def test_a_server_that_cannot_be_trusted_is_a_tls_error(
    idle: Gateway, authority: Authority, tls: dict[str, Any]
) -> None:
    idle.manifests.write("ca", _ca("ca", authority), _ca("other", Authority()))
    async with Receiver(tls=authority.server()) as receiver:
        delivery = await _deliver(idle, receiver.url(), tls)
    assert delivery["outcome"] == "tls_error"
    assert not receiver.log


async def test_the_client_certificate_is_shown_and_its_key_is_not(
    idle: Gateway, authority: Authority
) -> None:
    chain, key = authority.client("gateway.example.com")
    me = secret("me", **{"tls.crt": chain.decode(), "tls.key": key.decode()})
    idle.manifests.write("tls", _ca("ca", authority), me)
    async with Receiver(tls=authority.server(clients=True)) as receiver:
        tls = {**_ca_from("ca"), "clientCertificate": {"secretName": "me"}}
        delivery = await _deliver(idle, receiver.url(), tls)
    assert delivery["state"] == "delivered"
    assert receiver.log[0].client_certificate == "gateway.example.com"
    assert key.decode().splitlines()[1] not in idle.log_text()


async def test_without_its_client_certificate_a_server_refuses(
    idle: Gateway, authority: Authority
) -> None:
    idle.manifests.write("ca", _ca("ca", authority))
    async with Receiver(tls=authority.server(clients=True)) as receiver:
        delivery = await _deliver(idle, receiver.url(), _ca_from("ca"))
    assert delivery["outcome"] in ("tls_error", "connection_error")
    assert not receiver.log
