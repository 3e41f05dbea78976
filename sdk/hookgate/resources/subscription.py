"""
WebhookSubscription, ``hookgate.dev/v1alpha1``: which events, to which endpoint, how signed, how retried.

These models are the only source of validation, of the manifests' format and of the CRD.
"""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, Strict

from hookgate.payloads import RunStatus, RunType
from hookgate.resources.model import ResourceModel
from hookgate.resources.rules import Between, Rule, Rules
from hookgate.resources.text import (
    HeaderName,
    HeaderValue,
    HostName,
    NamespaceName,
    ResourceName,
    SecretKey,
    SecretName,
    Text,
    Url,
)
from hookgate.signing import SigningScheme

__all__ = [
    "API_VERSION",
    "KIND",
    "CaSource",
    "CircuitBreaker",
    "ClientCertificate",
    "Delivery",
    "Endpoint",
    "Header",
    "HeaderSource",
    "KeyRef",
    "Match",
    "Metadata",
    "RateLimit",
    "Signing",
    "SubscriptionSpec",
    "Tls",
    "UrlSource",
    "WebhookSubscription",
]

API_VERSION = "hookgate.dev/v1alpha1"
KIND = "WebhookSubscription"

_INT32 = 2**31 - 1
_Flag = Annotated[bool, Strict()]


def _one_of(first: str, second: str, holds: Any) -> Rules[Any]:
    return Rules(
        Rule(
            f"has(self.{first}) != has(self.{second})",
            f"must have exactly one of {first} and {second}",
            holds,
        )
    )


class KeyRef(ResourceModel):
    """A key of a Secret or ConfigMap in the subscription's namespace."""

    name: SecretName
    key: SecretKey


class UrlSource(ResourceModel):
    """Where a URL is read from, when it is secret itself."""

    secret_key_ref: KeyRef


class HeaderSource(ResourceModel):
    """Where a header's value is read from."""

    secret_key_ref: KeyRef


class Header(ResourceModel):
    """A header that is sent with each delivery."""

    rules: ClassVar[Rules[Any]] = _one_of(
        "value", "valueFrom", lambda header: (header.value is None) != (header.value_from is None)
    )
    name: HeaderName
    value: HeaderValue | None = None
    value_from: HeaderSource | None = None


class CaSource(ResourceModel):
    """Where the PEM bundle of a private CA is read from. It replaces the system's roots."""

    rules: ClassVar[Rules[Any]] = _one_of(
        "secretKeyRef",
        "configMapKeyRef",
        lambda ca: (ca.secret_key_ref is None) != (ca.config_map_key_ref is None),
    )
    secret_key_ref: KeyRef | None = None
    config_map_key_ref: KeyRef | None = None


class ClientCertificate(ResourceModel):
    """A Secret of type ``kubernetes.io/tls``: keys ``tls.crt`` and ``tls.key``."""

    secret_name: SecretName


class Tls(ResourceModel):
    """How to speak TLS to the endpoint."""

    rules: ClassVar[Rules[Any]] = Rules(
        Rule(
            "!(has(self.caFrom) && has(self.insecureSkipVerify) && self.insecureSkipVerify)",
            "must not have both caFrom and insecureSkipVerify: nothing would be verified",
            lambda tls: not (tls.ca_from and tls.insecure_skip_verify),
        )
    )
    ca_from: CaSource | None = None
    client_certificate: ClientCertificate | None = None
    server_name: HostName | None = None
    insecure_skip_verify: _Flag = False


_UNIQUE_NAMES: Rules[tuple[Header, ...]] = Rules(
    Rule(
        "self.all(h, self.exists_one(o, o.name == h.name))",
        "must name each header once",
        lambda headers: len({header.name for header in headers}) == len(headers),
    )
)


class Endpoint(ResourceModel):
    """Where deliveries are posted to."""

    rules: ClassVar[Rules[Any]] = _one_of(
        "url", "urlFrom", lambda endpoint: (endpoint.url is None) != (endpoint.url_from is None)
    )
    url: Url | None = None
    url_from: UrlSource | None = None
    headers: Annotated[tuple[Header, ...], Field(max_length=32), _UNIQUE_NAMES] = ()
    timeout_seconds: Annotated[int, Between(1, 30, "seconds")] = 30
    tls: Tls = Field(default_factory=Tls)


class Match(ResourceModel):
    """Which events. What is left out asks for everything; without ``interim``, final events only."""

    run_types: Annotated[tuple[RunType, ...], Field(max_length=32)] = ()
    statuses: Annotated[tuple[RunStatus, ...], Field(max_length=32)] = ()
    workflow_ids: Annotated[
        tuple[Annotated[Text, Field(min_length=1, max_length=256)], ...], Field(max_length=256)
    ] = ()
    """Patterns with ``*`` and ``?``."""
    interim: _Flag = False


class Signing(ResourceModel):
    """How deliveries are signed. The first key signs; all sign where the scheme has room."""

    scheme: SigningScheme = SigningScheme.SKYVERN
    secret_refs: Annotated[tuple[KeyRef, ...], Field(min_length=1, max_length=3)]


class RateLimit(ResourceModel):
    """At most so many requests a second. ``burst`` defaults to one second's worth."""

    requests_per_second: Annotated[int, Between(1, 10_000, "requests a second")]
    burst: Annotated[int, Between(1, 10_000, "requests")] | None = None


class CircuitBreaker(ResourceModel):
    """Consecutive failures that open the breaker (0: never), and for how long it stays open."""

    consecutive_failures: Annotated[int, Between(0, 1000, "failures")] = 5
    open_seconds: Annotated[int, Between(1, 86_400, "seconds")] = 60


class Delivery(ResourceModel):
    """How hard and how long a delivery is tried. The default schedule is the seed's."""

    retry_delays_seconds: Annotated[
        tuple[Annotated[int, Between(1, 86_400, "seconds")], ...], Field(max_length=20)
    ] = (60, 300, 900, 1800)
    jitter_percent: Annotated[int, Between(0, 100, "percent")] = 10
    max_age_seconds: Annotated[int, Between(1, _INT32, "seconds")] = 259_200
    max_in_flight: Annotated[int, Between(1, 1024, "requests")] = 4
    rate_limit: RateLimit | None = None
    circuit_breaker: CircuitBreaker = Field(default_factory=CircuitBreaker)


_IMMUTABLE: Rules[str] = Rules(
    Rule("self == oldSelf", "must not be changed; make a new subscription", lambda _: True)
)
"""A transition rule: only the API server knows the former value."""


class SubscriptionSpec(ResourceModel):
    """What a WebhookSubscription asks for."""

    gateway_class: Annotated[ResourceName, _IMMUTABLE] = "default"
    suspend: _Flag = False
    match: Match = Field(default_factory=Match)
    endpoint: Endpoint
    signing: Signing
    delivery: Delivery = Field(default_factory=Delivery)


class Metadata(ResourceModel):
    """What hookgate reads of an object's metadata; the rest of Kubernetes' own fields may be there."""

    name: ResourceName
    namespace: NamespaceName = "default"
    labels: dict[str, Text] = Field(default_factory=dict)
    annotations: dict[str, Text] = Field(default_factory=dict)
    uid: Any = None
    resource_version: Any = None
    generation: Any = None
    creation_timestamp: Any = None
    deletion_timestamp: Any = None
    deletion_grace_period_seconds: Any = None
    finalizers: Any = None
    owner_references: Any = None
    managed_fields: Any = None
    self_link: Any = None


class WebhookSubscription(ResourceModel):
    """The whole resource. A status, as ``kubectl get -o yaml`` prints one, is ignored."""

    api_version: Literal["hookgate.dev/v1alpha1"]
    kind: Literal["WebhookSubscription"]
    metadata: Metadata
    spec: SubscriptionSpec
    status: Any = None
