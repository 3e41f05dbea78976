"""The Secrets that the chart makes are what the processes can use."""

import base64
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.verification import PolicyBuilder, Store

from tests.chart.combinations import COMBINATIONS, release_of
from tests.chart.releases import Release, environment
from tests.chart.rendering import HELMS, render

MAKING = ["defaults", "long-release", "long-names", "own-namespace"]


def data(release: Release, suffix: str) -> dict[str, bytes]:
    (secret,) = (e for e in release.of("Secret") if e["metadata"]["name"].endswith(suffix))
    return {key: base64.b64decode(value) for key, value in secret["data"].items()}


def gateway_host(release: Release) -> str:
    """Where the operator looks for the gateway."""
    told = environment(release.component("operator").spec["containers"][0])
    return str(urlsplit(told["HOOKGATE_OPERATOR_GATEWAY_URL"]).hostname)


@pytest.mark.parametrize("helm", HELMS)
def test_the_encryption_key_is_one(helm):
    keys = data(release_of("defaults", helm), "-encryption-keys")["keys"]
    assert Fernet(keys).decrypt(Fernet(keys).encrypt(b"x")) == b"x"


def test_the_token_is_long_enough_and_one_line():
    token = data(release_of("defaults"), "-control-token")["token"].decode()
    assert len(token) >= 32
    assert token.isalnum()


@pytest.mark.parametrize("helm", HELMS)
@pytest.mark.parametrize("combination", MAKING)
def test_the_operator_can_trust_the_certificate(combination, helm):
    """As a client of the control API does it: by the CA alone, for the name that it is told."""
    release = release_of(combination, helm)
    files = data(release, "-control-tls")
    (ca,) = x509.load_pem_x509_certificates(files["ca.crt"])
    (certificate,) = x509.load_pem_x509_certificates(files["tls.crt"])
    name = x509.DNSName(gateway_host(release))
    verifier = PolicyBuilder().store(Store([ca])).build_server_verifier(name)
    assert verifier.verify(certificate, [])


def test_the_key_is_that_of_the_certificate():
    files = data(release_of("defaults"), "-control-tls")
    key = load_pem_private_key(files["tls.key"], password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    assert key.public_key() == x509.load_pem_x509_certificate(files["tls.crt"]).public_key()


def test_the_key_of_the_ca_is_nowhere():
    files = data(release_of("defaults"), "-control-tls")
    ca = x509.load_pem_x509_certificate(files["ca.crt"])
    key = load_pem_private_key(files["tls.key"], password=None)
    assert files.keys() == {"ca.crt", "tls.crt", "tls.key"}
    assert ca.public_key() != key.public_key()


def test_a_certificate_is_valid_for_as_long_as_is_said():
    (secret,) = (
        each
        for each in render({"control": {"tls": {"validityDays": 30}}})
        if each["metadata"]["name"].endswith("-control-tls")
    )
    for key in ("ca.crt", "tls.crt"):
        certificate = x509.load_pem_x509_certificate(base64.b64decode(secret["data"][key]))
        valid = certificate.not_valid_after_utc - certificate.not_valid_before_utc
        assert abs(valid - timedelta(days=30)) < timedelta(days=1)


@pytest.mark.parametrize("combination", ["cert-manager", "cert-manager-issuer"])
def test_cert_manager_is_asked_for_the_name_that_the_operator_uses(combination):
    release = release_of(combination)
    (asked,) = (e for e in release.of("Certificate") if not e["spec"].get("isCA"))
    assert gateway_host(release) in asked["spec"]["dnsNames"]
    issuer = asked["spec"]["issuerRef"]
    if issuer["kind"] == "Issuer":
        assert release.has("Issuer", issuer["name"])
    mounted = [
        volume["secret"]["secretName"]
        for pod in release.pods
        for volume in pod.spec["volumes"]
        if volume["name"] in {"control-tls", "control-ca"}
    ]
    assert mounted == [asked["spec"]["secretName"]] * 2


@pytest.mark.parametrize("combination", COMBINATIONS)
def test_secrets_are_made_only_where_none_is_named(combination):
    values = release_of(combination).values
    token, tls = values["control"]["token"], values["control"]["tls"]
    made = {
        "-encryption-keys": not values["encryption"]["existingSecret"],
        "-control-token": not token["existingSecret"],
        "-control-tls": not (tls["existingSecret"] or tls["certManager"]["enabled"]),
    }
    expected = {suffix for suffix, wanted in made.items() if wanted}
    found = {each["metadata"]["name"] for each in release_of(combination).of("Secret")}
    assert len(found) == len(expected)
    assert all(any(name.endswith(suffix) for name in found) for suffix in expected)
