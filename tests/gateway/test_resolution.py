"""Resolving a subscription's Secrets: what comes out, and what is said when it cannot be."""

import pytest

from hookgate.resources import WebhookSubscription
from hookgate.resources.references import secret_names
from hookgate.resources.secret_values import trimmed
from hookgate.signing import SigningScheme
from hookgate_gateway.contract import PLAIN_TLS
from hookgate_gateway.resolution import (
    Resolved,
    Unresolved,
    limits,
    match_rule,
    resolve,
    retry_policy,
)
from hookgate_gateway.rules.delivery import Namespace
from hookgate_gateway.rules.lane import LaneLimits
from hookgate_gateway.rules.matching import MatchRule
from hookgate_gateway.rules.retry import RetryPolicy
from hookgate_gateway.secret_values import values_of

SHOP = Namespace("shop")
CERTIFICATE = b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
PRIVATE_KEY = b"-----BEGIN RSA PRIVATE KEY-----\nMIIB\n-----END RSA PRIVATE KEY-----\n"
SECRETS = {
    "hook": {"secret": b"hunter2\n", "former": b"hunter1"},
    "place": {"url": b"https://secret.example/hunter2 \n", "token": b"Bearer hunter2\n"},
    "client": {"tls.crt": CERTIFICATE, "tls.key": PRIVATE_KEY},
    "configmap/roots": {"ca.crt": CERTIFICATE},
}
FULL = {
    "endpoint": {
        "urlFrom": {"secretKeyRef": {"name": "place", "key": "url"}},
        "headers": [
            {"name": "x-team", "value": "billing"},
            {
                "name": "authorization",
                "valueFrom": {"secretKeyRef": {"name": "place", "key": "token"}},
            },
        ],
        "timeoutSeconds": 5,
        "tls": {
            "caFrom": {"configMapKeyRef": {"name": "roots", "key": "ca.crt"}},
            "clientCertificate": {"secretName": "client"},
            "serverName": "inner.example",
        },
    },
    "signing": {
        "scheme": "StandardWebhooks",
        "secretRefs": [{"name": "hook", "key": "secret"}, {"name": "hook", "key": "former"}],
    },
}


def document(spec):
    return {
        "apiVersion": "hookgate.dev/v1alpha1",
        "kind": "WebhookSubscription",
        "metadata": {"name": "invoices"},
        "spec": spec,
    }


def resolved(spec=FULL, secrets=SECRETS):
    return resolve(SHOP, "invoices", document(spec), values_of(secrets))


def spec_of(spec):
    return WebhookSubscription.model_validate(document(spec)).spec


def test_everything_resolved():
    found = resolved()
    assert isinstance(found, Resolved)
    assert found.endpoint.url == "https://secret.example/hunter2"
    assert found.endpoint.headers == (("x-team", "billing"), ("authorization", "Bearer hunter2"))
    assert found.endpoint.secret_headers == {"authorization"}
    assert found.endpoint.timeout == 5.0
    assert found.endpoint.tls.ca_pem == CERTIFICATE.removesuffix(b"\n")
    assert found.endpoint.tls.key_pem == PRIVATE_KEY.removesuffix(b"\n")
    assert found.endpoint.tls.server_name == "inner.example"
    assert found.signing.scheme is SigningScheme.STANDARD_WEBHOOKS
    assert found.signing.keys == (b"hunter2", b"hunter1")
    assert "hunter" not in repr(found)


def test_the_names_that_a_spec_needs():
    assert secret_names(spec_of(FULL)) == {"hook", "place", "client", "configmap/roots"}


def edited(path, value):
    """SECRETS with one value changed, or gone for None."""
    name, key = path
    return {
        secret: {
            k: (value if (secret, k) == (name, key) else v)
            for k, v in values.items()
            if not ((secret, k) == (name, key) and value is None)
        }
        for secret, values in SECRETS.items()
    }


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        (("hook", "secret"), None, "spec.signing.secretRefs[0]: Secret shop/hook, key secret: is not there; create it"),
        (("hook", "former"), b"\n", "spec.signing.secretRefs[1]: Secret shop/hook, key former: is empty"),
        (("hook", "secret"), b"whsec_hunter2!", "spec.signing.secretRefs[0]: Secret shop/hook, key secret: what follows whsec_ is not base64"),
        (("place", "url"), b"hunter2", "spec.endpoint.urlFrom: Secret shop/place, key url: must start with http:// or https://"),
        (("place", "url"), b"https://u:hunter2@x", "spec.endpoint.urlFrom: Secret shop/place, key url: must not contain user info (user:password@); send a header instead"),
        (("place", "url"), None, "spec.endpoint.urlFrom: Secret shop/place, key url: is not there; create it"),
        (("place", "token"), b"hunter2\r\nx: y", "spec.endpoint.headers[1].valueFrom: Secret shop/place, key token: must not contain line breaks or other control characters"),
        (("place", "token"), b"hunter2\xff", "spec.endpoint.headers[1].valueFrom: Secret shop/place, key token: is not UTF-8 text"),
        (("client", "tls.key"), b"hunter2", "spec.endpoint.tls.clientCertificate: Secret shop/client, key tls.key: must be PEM with a PRIVATE KEY"),
        (("client", "tls.crt"), PRIVATE_KEY, "spec.endpoint.tls.clientCertificate: Secret shop/client, key tls.crt: must be PEM with a CERTIFICATE"),
        (("configmap/roots", "ca.crt"), None, "spec.endpoint.tls.caFrom: ConfigMap shop/roots, key ca.crt: is not there; create it"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_by_name_and_never_by_value(path, value, reason):
    found = resolved(secrets=edited(path, value))
    assert found == Unresolved((reason,))
    assert "hunter" not in reason


def test_all_reasons_are_told_at_once():
    assert len(resolved(secrets={}).reasons) == 7


def test_an_invalid_document_is_unresolved():
    assert resolved({"signing": FULL["signing"]}) == Unresolved(
        ("WebhookSubscription shop/invoices: spec.endpoint: is required",)
    )


CALM = {"endpoint": {"url": "https://x.example"}, "signing": FULL["signing"]}


@pytest.mark.parametrize(
    ("endpoint", "same"),
    [
        ({"url": "https://x.example", "timeoutSeconds": 1}, True),
        ({"url": "https://x.example "}, True),
        ({"url": "https://x.example/"}, False),
        ({"url": "https://x.example", "headers": [{"name": "a", "value": "b"}]}, False),
        ({"url": "https://x.example", "tls": {"insecureSkipVerify": True}}, False),
        (
            {
                "url": "https://x.example",
                "tls": {"caFrom": {"secretKeyRef": {"name": "client", "key": "tls.crt"}}},
            },
            False,
        ),
    ],
)
def test_the_fingerprint_changes_with_the_endpoint(endpoint, same):
    before, after = resolved(CALM), resolved(CALM | {"endpoint": endpoint})
    assert before.endpoint.tls is PLAIN_TLS
    assert (before.endpoint.fingerprint == after.endpoint.fingerprint) is same


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (b"key", b"key"),
        (b"key\n", b"key"),
        (b"key\r\n", b"key"),
        (b"key\n\n", b"key\n"),
        (b"key ", b"key "),
        (b"key\r", b"key\r"),
        (b"\n", b""),
    ],
)
def test_one_newline_is_trimmed(value, kept):
    assert trimmed(value) == kept


def test_policies():
    spec = spec_of(
        CALM
        | {
            "match": {"runTypes": ["task_v2"], "statuses": ["failed"], "workflowIds": ["w*"]},
            "delivery": {
                "retryDelaysSeconds": [5],
                "jitterPercent": 0,
                "maxAgeSeconds": 60,
                "maxInFlight": 2,
                "rateLimit": {"requestsPerSecond": 50, "burst": 100},
                "circuitBreaker": {"consecutiveFailures": 0, "openSeconds": 7},
            },
        }
    )
    assert match_rule(spec) == MatchRule(frozenset({"task_v2"}), frozenset({"failed"}), ("w*",))
    assert retry_policy(spec) == RetryPolicy((5.0,), 0.0, 60.0)
    assert limits(spec) == LaneLimits(2, 50.0, 100, 0, 7.0)


def test_the_resources_defaults_are_the_rules_defaults():
    spec = spec_of(CALM)
    assert (match_rule(spec), retry_policy(spec), limits(spec)) == (
        MatchRule(),
        RetryPolicy(),
        LaneLimits(),
    )
