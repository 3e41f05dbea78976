"""
From a WebhookSubscription and the Secrets it names to what the gateway can send with.

A function of its arguments: ``lookup`` brings the values in, from manifests, the store or a cluster. What
is wrong is told by the name of the Secret and the key, never by a value.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from hookgate.resources import (
    SubscriptionSpec,
    WebhookSubscription,
    header_value_problem,
    problem_lines,
    trimmed_url,
    url_problem,
)
from hookgate.resources import subscription as resource
from hookgate.resources.references import (
    Need,
    ca_need,
    certificate_needs,
    header_need,
    signing_need,
    url_need,
)
from hookgate.signing import InvalidKey, SigningScheme, validate_key
from hookgate_gateway.contract import PLAIN_TLS, Endpoint, Signing, Tls
from hookgate_gateway.rules.delivery import Namespace
from hookgate_gateway.rules.lane import LaneLimits
from hookgate_gateway.rules.matching import MatchRule
from hookgate_gateway.rules.retry import RetryPolicy
from hookgate_gateway.secret_values import Lookup, SecretValues

__all__ = [
    "Resolved",
    "Unresolved",
    "limits",
    "match_rule",
    "resolve",
    "resolve_spec",
    "retry_policy",
]


@dataclass(frozen=True, slots=True)
class Resolved:
    """Everything that is needed to send."""

    endpoint: Endpoint
    signing: Signing


@dataclass(frozen=True, slots=True)
class Unresolved:
    """Nothing can be sent; one sentence for each reason."""

    reasons: tuple[str, ...]


def resolve(
    namespace: Namespace, name: str, document: Mapping[str, Any], lookup: Lookup
) -> Resolved | Unresolved:
    """The endpoint and the keys of the WebhookSubscription that ``document`` is.

    One trailing newline is trimmed from every value. A document that is not valid is Unresolved too.
    """
    try:
        subscription = WebhookSubscription.model_validate(document)
    except ValidationError as error:
        lines = problem_lines(error, WebhookSubscription)
        return Unresolved(
            tuple(f"WebhookSubscription {namespace}/{name}: {line}" for line in lines)
        )
    return resolve_spec(namespace, subscription.spec, lookup)


def resolve_spec(
    namespace: Namespace, spec: SubscriptionSpec, lookup: Lookup
) -> Resolved | Unresolved:
    """As :func:`resolve`, of a spec that was validated before."""
    values = SecretValues(namespace, lookup)
    endpoint = _endpoint(spec.endpoint, values)
    signing = _signing(spec.signing, values)
    if values.problems:
        return Unresolved(tuple(dict.fromkeys(values.problems)))
    return Resolved(endpoint, signing)


def match_rule(spec: SubscriptionSpec) -> MatchRule:
    match = spec.match
    return MatchRule(
        frozenset(str(run_type) for run_type in match.run_types),
        frozenset(str(status) for status in match.statuses),
        match.workflow_ids,
        match.interim,
    )


def retry_policy(spec: SubscriptionSpec) -> RetryPolicy:
    delivery = spec.delivery
    return RetryPolicy(
        tuple(float(delay) for delay in delivery.retry_delays_seconds),
        float(delivery.jitter_percent),
        float(delivery.max_age_seconds),
    )


def limits(spec: SubscriptionSpec) -> LaneLimits:
    delivery = spec.delivery
    rate = delivery.rate_limit
    return LaneLimits(
        max_in_flight=delivery.max_in_flight,
        requests_per_second=float(rate.requests_per_second) if rate else None,
        burst=rate.burst if rate else None,
        breaker_failures=delivery.circuit_breaker.consecutive_failures,
        breaker_open_seconds=float(delivery.circuit_breaker.open_seconds),
    )


def _endpoint(spec: resource.Endpoint, values: SecretValues) -> Endpoint:
    url = spec.url or ""
    if spec.url_from:
        value = values.text(url_need(spec.url_from), lambda v: url_problem(trimmed_url(v)))
        url = trimmed_url(value)
    headers = tuple((h.name, _header(i, h, values)) for i, h in enumerate(spec.headers))
    tls = _tls(spec.tls, values)
    return Endpoint(
        url=url,
        secret_url=spec.url_from is not None,
        headers=headers,
        secret_headers=frozenset(h.name for h in spec.headers if h.value_from),
        timeout=float(spec.timeout_seconds),
        tls=tls,
        fingerprint=_fingerprint(url, headers, tls),
    )


def _header(number: int, header: resource.Header, values: SecretValues) -> str:
    if not header.value_from:
        return header.value or ""
    return values.text(header_need(number, header.value_from), header_value_problem)


def _tls(spec: resource.Tls, values: SecretValues) -> Tls:
    ca = certificate = key = None
    if spec.ca_from:
        ca = values.pem(ca_need(spec.ca_from), b"CERTIFICATE")
    if spec.client_certificate:
        public, private = certificate_needs(spec.client_certificate)
        certificate = values.pem(public, b"CERTIFICATE")
        key = values.pem(private, b"PRIVATE KEY")
    tls = Tls(
        ca_pem=ca,
        certificate_pem=certificate,
        key_pem=key,
        server_name=spec.server_name,
        insecure_skip_verify=spec.insecure_skip_verify,
    )
    return PLAIN_TLS if tls == PLAIN_TLS else tls


def _signing(spec: resource.Signing, values: SecretValues) -> Signing:
    needs = (signing_need(number, ref) for number, ref in enumerate(spec.secret_refs))
    return Signing(scheme=spec.scheme, keys=tuple(_key(spec.scheme, n, values) for n in needs))


def _key(scheme: SigningScheme, need: Need, values: SecretValues) -> bytes:
    key = values.value(need)
    if key:
        try:
            validate_key(scheme, key)
        except InvalidKey as error:
            values.complain(need, str(error))
    return key


def _fingerprint(url: str, headers: tuple[tuple[str, str], ...], tls: Tls) -> str:
    facts = (url, headers, tls.ca_pem, tls.certificate_pem, tls.key_pem)
    shape = (*facts, tls.server_name, tls.insecure_skip_verify)
    return hashlib.sha256(repr(shape).encode("utf-8", "surrogatepass")).hexdigest()[:32]
