"""
Resources with their secrets resolved: what the gateway works with after everything was checked.

A value here is complete: keys are trimmed bytes, headers are final, policies have their defaults.
``repr`` never shows a secret.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from hookgate.signing import SigningScheme
from hookgate_gateway.rules.delivery import Hold, Namespace, Timestamp
from hookgate_gateway.rules.lane import LaneLimits
from hookgate_gateway.rules.matching import MatchRule
from hookgate_gateway.rules.retry import RetryPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """How to speak TLS to an endpoint. A private CA replaces the system's roots."""

    ca_pem: bytes | None = None
    certificate_pem: bytes | None = None
    key_pem: bytes | None = field(default=None, repr=False)
    server_name: str | None = None
    insecure_skip_verify: bool = False


PLAIN_TLS = Tls()
"""The system's roots, no client certificate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where a subscription's deliveries are posted to, and how."""

    url: str = field(repr=False)
    secret_url: bool = False
    """It came from a Secret: only its scheme and host are shown to anybody."""
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    secret_headers: frozenset[str] = frozenset()
    """Lower-case names of the headers whose values came from Secrets: shown as ``***``."""
    timeout: float = 30.0
    """Seconds for the whole attempt: look-up, connect, TLS, headers, body."""
    tls: Tls = PLAIN_TLS
    fingerprint: str = ""
    """Changes when the endpoint does (URL, headers, TLS): an edit resets breaker and ``Gone``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signing:
    """The scheme and its keys, the one that signs first."""

    scheme: SigningScheme
    keys: tuple[bytes, ...] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """A WebhookSubscription as the gateway uses it. Without an endpoint it is unresolved: it matches and holds."""

    namespace: Namespace
    name: str
    match: MatchRule
    endpoint: Endpoint | None
    signing: Signing | None
    retry: RetryPolicy
    limits: LaneLimits
    hold: Hold | None = None
    resumed_at: Timestamp = 0.0
    """The last resume, by edit or by call; the age of its deliveries is counted from here at the earliest."""
    document: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """The resource as it was handed in, for display; it names Secrets and holds none of their values."""


@dataclass(frozen=True, slots=True)
class KeyLimits:
    """What an API key may do at most; None leaves it to the gateway's settings, which hold in any case."""

    max_body_bytes: int | None = None
    requests_per_second: float | None = None


NO_LIMITS = KeyLimits()


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """An API-key Secret of one namespace: both values log in."""

    namespace: Namespace
    secret: str
    values: tuple[tuple[str, bytes], ...] = field(repr=False)
    """(fingerprint, key), the current one first, then the previous one."""
    scheme: SigningScheme = SigningScheme.SKYVERN
    limits: KeyLimits = NO_LIMITS

    def value(self, fingerprint: str) -> bytes:
        """The key with this fingerprint while the Secret holds it, else the current one."""
        return next((key for name, key in self.values if name == fingerprint), self.values[0][1])


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A Skyvern server whose webhooks come in, verified with any of its keys."""

    namespace: Namespace
    name: str
    keys: tuple[bytes, ...] = field(repr=False)
    tolerance: float | None = None
    """Seconds that its timestamp may be off, either way; None believes any, and none at all."""


class ResourceKind(StrEnum):
    """What the catalogue holds."""

    SUBSCRIPTION = "subscription"
    API_KEY = "api-key"
    SOURCE = "source"


@dataclass(frozen=True, slots=True)
class ResourceKey:
    """A resource's place in the catalogue."""

    kind: ResourceKind
    namespace: Namespace
    name: str
