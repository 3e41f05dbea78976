"""The values that a subscription names."""

import hashlib

import pytest

from hookgate.resources import SubscriptionSpec
from hookgate.resources.references import secret_names
from hookgate_operator.ports import Found, NotFound, NotReadable
from hookgate_operator.subscriptions.values import (
    Need,
    endpoint_host,
    lacking,
    named,
    needs,
    shown_fingerprint,
)

FULL = SubscriptionSpec.model_validate(
    {
        "endpoint": {
            "urlFrom": {"secretKeyRef": {"name": "place", "key": "url"}},
            "headers": [
                {"name": "x-team", "value": "billing"},
                {"name": "authorization", "valueFrom": {"secretKeyRef": {"name": "auth", "key": "t"}}},
            ],
            "tls": {
                "caFrom": {"configMapKeyRef": {"name": "roots", "key": "ca.crt"}},
                "clientCertificate": {"secretName": "cert"},
            },
        },
        "signing": {"secretRefs": [{"name": "new", "key": "k"}, {"name": "old", "key": "k"}]},
    }
)  # fmt: skip


def with_url(url):
    return SubscriptionSpec.model_validate(
        {"endpoint": {"url": url}, "signing": {"secretRefs": [{"name": "s", "key": "k"}]}}
    )


def test_every_reference_is_a_need():
    assert list(needs(FULL)) == [
        Need("spec.endpoint.urlFrom", "place", "url"),
        Need("spec.endpoint.headers[1].valueFrom", "auth", "t"),
        Need("spec.endpoint.tls.caFrom", "configmap/roots", "ca.crt"),
        Need("spec.endpoint.tls.clientCertificate", "cert", "tls.crt"),
        Need("spec.endpoint.tls.clientCertificate", "cert", "tls.key"),
        Need("spec.signing.secretRefs[0]", "new", "k"),
        Need("spec.signing.secretRefs[1]", "old", "k"),
    ]
    assert {need.name for need in needs(FULL)} == secret_names(FULL)
    assert [need.name for need in needs(with_url("https://x"))] == ["s"]


VALUES = {
    "place": Found({"url": b"https://h:1/p", "password": b"hunter2"}),
    "auth": NotReadable(),
    "configmap/roots": NotFound(),
    "cert": Found({"tls.crt": b"crt"}),
    "new": Found({"k": b"n"}),
}


def test_only_what_is_named_is_handed_over():
    assert named(FULL, VALUES) == {
        "place": {"url": b"https://h:1/p"},
        "cert": {"tls.crt": b"crt"},
        "new": {"k": b"n"},
    }


def test_what_is_missing_is_told_with_its_place():
    assert [lack.sentence("shop") for lack in lacking(FULL, VALUES)] == [
        (
            "spec.endpoint.headers[1].valueFrom: Secret shop/auth may not be read by the operator;"
            " allow it to get that Secret"
        ),
        "spec.endpoint.tls.caFrom: ConfigMap shop/roots is not there; create it with key ca.crt",
        "spec.endpoint.tls.clientCertificate: Secret shop/cert has no key tls.key; add it",
        "spec.signing.secretRefs[1]: Secret shop/old is not there; create it with key k",
    ]


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://billing.example/hook?token=x", "billing.example"),
        ("HTTPS://billing.example:8443", "billing.example:8443"),
        ("http://[::1]:8080/a@b", "[::1]:8080"),
        ("http://[1:2]/", None),
    ],
)
def test_the_host_is_all_that_is_shown_of_a_url(url, host):
    assert endpoint_host(with_url(url), {}) == host
    assert endpoint_host(FULL, {"place": {"url": f"{url}\n".encode()}}) == host


@pytest.mark.parametrize(
    "secrets",
    [
        {},
        {"place": {}},
        {"place": {"url": b"hunter2"}},
        {"place": {"url": b"https://user:hunter2@billing.example/"}},
        {"place": {"url": b"https://\xff.example/"}},
    ],
)
def test_what_is_no_url_is_not_shown_at_all(secrets):
    assert endpoint_host(FULL, secrets) is None


@pytest.mark.parametrize("value", [b"4711", b"4711\n", b"x" * 15, b"whsec_" + b"x" * 15, b""])
def test_no_fingerprint_is_shown_that_a_key_could_be_found_from(value):
    assert shown_fingerprint(value) == "weak"


@pytest.mark.parametrize("value", [b"x" * 16, b"whsec_" + b"x" * 16])
def test_the_shortest_keys_with_a_fingerprint(value):
    assert shown_fingerprint(value) == hashlib.sha256(value).hexdigest()[:16]


def test_a_keys_fingerprint_leaves_one_newline_out():
    digest = "38be7ce4937e596e"  # of "a secret of some length"
    value = b"a secret of some length"
    assert {shown_fingerprint(value + end) for end in (b"", b"\n", b"\r\n")} == {digest}
    assert shown_fingerprint(value + b"\n\n") != digest
