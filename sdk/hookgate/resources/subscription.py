"""
WebhookSubscription, ``hookgate.dev/v1alpha1``: which events, to which endpoint, how signed, how retried.

These models are the only source of validation, of the manifests' format and of the CRD.
"""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, Strict

from hookgate.payloads import RunStatus, RunType
from hookgate.resources.lists import ATOMIC, SET, map_by
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
    """Name of the Secret or ConfigMap."""
    key: SecretKey
    """The key within it. One trailing newline of its value is not part of it."""


class UrlSource(ResourceModel):
    """Where a URL is read from, when it is secret itself."""

    secret_key_ref: KeyRef
    """The key of a Secret that holds the URL."""


class HeaderSource(ResourceModel):
    """Where a header's value is read from."""

    secret_key_ref: KeyRef
    """The key of a Secret that holds the header's value."""


class Header(ResourceModel):
    """A header that is sent with each delivery."""

    rules: ClassVar[Rules[Any]] = _one_of(
        "value", "valueFrom", lambda header: (header.value is None) != (header.value_from is None)
    )
    name: HeaderName
    """Name in lower case. Headers that HTTP or the gateway set themselves are refused."""
    value: HeaderValue | None = None
    """What is sent. Exactly one of value and valueFrom is given."""
    value_from: HeaderSource | None = None
    """Where the value is read from, for tokens and the like."""


class CaSource(ResourceModel):
    """Where the PEM bundle of a private CA is read from. It replaces the system's roots."""

    rules: ClassVar[Rules[Any]] = _one_of(
        "secretKeyRef",
        "configMapKeyRef",
        lambda ca: (ca.secret_key_ref is None) != (ca.config_map_key_ref is None),
    )
    secret_key_ref: KeyRef | None = None
    """The key of a Secret. Exactly one of secretKeyRef and configMapKeyRef is given."""
    config_map_key_ref: KeyRef | None = None
    """The key of a ConfigMap."""


class ClientCertificate(ResourceModel):
    """A Secret of type ``kubernetes.io/tls``: keys ``tls.crt`` and ``tls.key``."""

    secret_name: SecretName
    """Name of that Secret."""


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
    """Where the PEM bundle of a private CA is read from. It replaces the system's roots."""
    client_certificate: ClientCertificate | None = None
    """The certificate that the gateway shows to the endpoint (mutual TLS)."""
    server_name: HostName | None = None
    """The name that the endpoint's certificate must have, where it is not the URL's host."""
    insecure_skip_verify: _Flag = False
    """Accept any certificate. For tries only: whoever is in between can read and change everything."""


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
    """An http or https URL of at most 2083 characters, without user info.

    Exactly one of url and urlFrom is given. Whether the gateway may reach it is told by the condition
    EndpointAllowed."""
    url_from: UrlSource | None = None
    """Where the URL is read from, when it is secret itself."""
    headers: Annotated[tuple[Header, ...], Field(max_length=32), _UNIQUE_NAMES, map_by("name")] = ()
    """Headers that are sent with each delivery, beside those of hookgate and of the signing scheme."""
    timeout_seconds: Annotated[int, Between(1, 30, "seconds")] = 30
    """Seconds for an attempt in all: connecting, TLS, sending, and the whole answer."""
    tls: Tls = Field(default_factory=Tls)
    """How to speak TLS to the endpoint."""


class Match(ResourceModel):
    """Which events. What is left out asks for everything; without ``interim``, final events only."""

    run_types: Annotated[tuple[RunType, ...], Field(max_length=32), SET] = ()
    """Events of runs of these types. Empty: of all types."""
    statuses: Annotated[tuple[RunStatus, ...], Field(max_length=32), SET] = ()
    """Events that report one of these statuses. Empty: every status."""
    workflow_ids: Annotated[
        tuple[Annotated[Text, Field(min_length=1, max_length=256)], ...],
        Field(max_length=256),
        SET,
    ] = ()
    """Events of these workflows: ids or patterns with ``*`` and ``?``. Empty: of all runs.

    A pattern may match any of workflow_id, workflow_permanent_id and agent_id."""
    interim: _Flag = False
    """Also reports of runs that have not ended, or that will be tried again."""


class Signing(ResourceModel):
    """How deliveries are signed. The first key signs; all sign where the scheme has room."""

    scheme: SigningScheme = SigningScheme.SKYVERN
    """Skyvern: ``X-Skyvern-Signature: sha256=<hex>``; SkyvernHex: the same as bare hex, as Skyvern servers
    send it; StandardWebhooks: ``webhook-id``, ``webhook-timestamp`` and ``webhook-signature``.

    All are HMAC-SHA256."""
    secret_refs: Annotated[tuple[KeyRef, ...], Field(min_length=1, max_length=3), ATOMIC]
    """The keys, in order. With the Skyvern schemes the first one signs; with StandardWebhooks all do.

    To rotate a key, put the new one beside the old one, and take the old one out when every receiver
    knows the new one."""


class RateLimit(ResourceModel):
    """At most so many requests a second. ``burst`` defaults to one second's worth."""

    requests_per_second: Annotated[int, Between(1, 10_000, "requests a second")]
    """Requests a second, on average."""
    burst: Annotated[int, Between(1, 10_000, "requests")] | None = None
    """Requests that may be made at once after a pause. Left out: one second's worth."""


class CircuitBreaker(ResourceModel):
    """Consecutive failures that open the breaker (0: never), and for how long it stays open."""

    consecutive_failures: Annotated[int, Between(0, 1000, "failures")] = 5
    """Failures in a row that open the breaker; 0 switches it off. Attempts that the gateway's own rules
    blocked do not count, nor does a 410."""
    open_seconds: Annotated[int, Between(1, 86_400, "seconds")] = 60
    """Seconds without attempts before one is made to see whether the endpoint works again."""


class Delivery(ResourceModel):
    """How hard and how long a delivery is tried. The default schedule is the seed's."""

    retry_delays_seconds: Annotated[
        tuple[Annotated[int, Between(1, 86_400, "seconds")], ...], Field(max_length=20), ATOMIC
    ] = (60, 300, 900, 1800)
    """Pauses in seconds between one failed attempt and the next, in order.

    So many delays make one attempt more; an empty list means a single attempt. A Retry-After in the
    answer can only make a pause longer, up to an hour."""
    jitter_percent: Annotated[int, Between(0, 100, "percent")] = 10
    """How much longer a pause may become by chance, in percent, so that retries do not come all at once."""
    max_age_seconds: Annotated[int, Between(1, _INT32, "seconds")] = 259_200
    """Seconds after the acceptance of an event, or after the subscription was last resumed, at which a
    delivery is given up, whatever retries are left."""
    max_in_flight: Annotated[int, Between(1, 1024, "requests")] = 4
    """Requests to the endpoint at the same time."""
    rate_limit: RateLimit | None = None
    """How many requests a second the endpoint gets. Left out: no limit."""
    circuit_breaker: CircuitBreaker = Field(default_factory=CircuitBreaker)
    """When an endpoint that keeps failing is left alone. An open breaker uses up no attempt."""


_IMMUTABLE: Rules[str] = Rules(
    Rule("self == oldSelf", "must not be changed; make a new subscription", lambda _: True)
)
"""A transition rule: only the API server knows the former value.

It is asked whenever both values are there, and they always are: the schema has a default.
"""


class SubscriptionSpec(ResourceModel):
    """What a WebhookSubscription asks for."""

    gateway_class: Annotated[ResourceName, _IMMUTABLE] = "default"
    """The class of gateways that delivers; an operator looks only at objects of its own class.

    It cannot be changed."""
    suspend: _Flag = False
    """Hold deliveries; nothing is dropped, and all are sent when it is taken back."""
    match: Match = Field(default_factory=Match)
    """Which events are delivered. Empty: every final event of the namespace."""
    endpoint: Endpoint
    """Where deliveries are posted to."""
    signing: Signing
    """How deliveries are signed."""
    delivery: Delivery = Field(default_factory=Delivery)
    """How hard and how long a delivery is tried."""


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
