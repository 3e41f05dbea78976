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
from hookgate.resources.references import ca_reference
from hookgate.signing import InvalidKey, SigningScheme, validate_key
from hookgate_gateway.contract import PLAIN_TLS, Endpoint, Signing, Tls
from hookgate_gateway.rules.delivery import Namespace
from hookgate_gateway.rules.lane import LaneLimits
from hookgate_gateway.rules.matching import MatchRule
from hookgate_gateway.rules.retry import RetryPolicy
from hookgate_gateway.secret_values import Lookup, Place, SecretValues

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
        place = _place("spec.endpoint.urlFrom", spec.url_from.secret_key_ref)
        url = trimmed_url(values.text(place, lambda v: url_problem(trimmed_url(v))))
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
    field = f"spec.endpoint.headers[{number}].valueFrom"
    return values.text(_place(field, header.value_from.secret_key_ref), header_value_problem)


def _tls(spec: resource.Tls, values: SecretValues) -> Tls:
    ca = certificate = key = None
    if spec.ca_from:
        ca = values.pem(_ca_place(spec.ca_from), b"CERTIFICATE")
    if spec.client_certificate:
        field, secret = "spec.endpoint.tls.clientCertificate", spec.client_certificate.secret_name
        certificate = values.pem(Place(field, secret, "tls.crt"), b"CERTIFICATE")
        key = values.pem(Place(field, secret, "tls.key"), b"PRIVATE KEY")
    tls = Tls(
        ca_pem=ca,
        certificate_pem=certificate,
        key_pem=key,
        server_name=spec.server_name,
        insecure_skip_verify=spec.insecure_skip_verify,
    )
    return PLAIN_TLS if tls == PLAIN_TLS else tls


def _place(field: str, ref: resource.KeyRef) -> Place:
    return Place(field, ref.name, ref.key)


def _ca_place(ca: resource.CaSource) -> Place:
    return Place("spec.endpoint.tls.caFrom", *ca_reference(ca))


def _signing(spec: resource.Signing, values: SecretValues) -> Signing:
    places = (_place(f"spec.signing.secretRefs[{i}]", r) for i, r in enumerate(spec.secret_refs))
    return Signing(scheme=spec.scheme, keys=tuple(_key(spec.scheme, p, values) for p in places))


def _key(scheme: SigningScheme, place: Place, values: SecretValues) -> bytes:
    key = values.value(place)
    if key:
        try:
            validate_key(scheme, key)
        except InvalidKey as error:
            values.complain(place, str(error))
    return key


def _fingerprint(url: str, headers: tuple[tuple[str, str], ...], tls: Tls) -> str:
    facts = (url, headers, tls.ca_pem, tls.certificate_pem, tls.key_pem)
    shape = (*facts, tls.server_name, tls.insecure_skip_verify)
    return hashlib.sha256(repr(shape).encode("utf-8", "surrogatepass")).hexdigest()[:32]
