"""
API keys and sources: reading them from their Secrets, and which keys may log in.

An API key says which namespace calls. So a value that is known in two namespaces logs in only where it
was known first, and nowhere when that was at the same moment. When a value was first put is kept in
the stored document, so the answer is the same after a restart and on every replica.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from hookgate.resources.secret_values import key_fingerprint, trimmed
from hookgate.signing import InvalidKey, SigningScheme, validate_key
from hookgate_gateway.catalogue.key_limits import BadLimit, read_limits, read_tolerance
from hookgate_gateway.catalogue.snapshot import Caller
from hookgate_gateway.contract import NO_LIMITS, ApiKey, KeyLimits, Source
from hookgate_gateway.ports import StoredResource
from hookgate_gateway.rules.delivery import Namespace, Timestamp

__all__ = [
    "API_KEY_LABEL",
    "KNOWN_SINCE",
    "SCHEME_ANNOTATION",
    "SOURCE_LABEL",
    "AdmittedKeys",
    "KeySecret",
    "admit",
    "key_fingerprint",
    "known_since",
    "read_api_key",
    "read_source",
    "secret_data",
    "source",
    "stored_source",
]

API_KEY_LABEL = "hookgate.dev/api-key"
SOURCE_LABEL = "hookgate.dev/source"
SCHEME_ANNOTATION = "hookgate.dev/signing-scheme"

KNOWN_SINCE = "knownSince"
"""In an API key's stored document: when each of its values, by fingerprint, was first put."""

MIN_KEY_CHARACTERS = 24
MIN_SOURCE_KEY_BYTES = 16
"""Fewer than an API key's: it is another server's, but who guesses it reports runs that never were."""

_MAKE_ONE = f"is shorter than {MIN_KEY_CHARACTERS} characters; make one with: openssl rand -hex 24"
_FORGEABLE = (
    f"is shorter than {MIN_SOURCE_KEY_BYTES} bytes, so its webhooks could be forged; "
    "it has to be the API key that the server signs with"
)


@dataclass(frozen=True, slots=True)
class KeySecret:
    """What a Secret with keys holds, and what is wrong with it: a line each, never a value."""

    values: tuple[tuple[str, bytes], ...] = field(repr=False)
    """(key of the Secret, value), the current one first; those without a problem."""
    problems: tuple[str, ...]
    scheme: SigningScheme = SigningScheme.SKYVERN
    limits: KeyLimits = NO_LIMITS
    tolerance: float | None = None

    @property
    def usable(self) -> bool:
        """It has a current value, and nothing is wrong with the whole."""
        return bool(self.values) and self.values[0][0] in ("api-key", "key")


@dataclass(frozen=True, slots=True)
class AdmittedKeys:
    """The keys that log in, by namespace and Secret; their callers by digest; who was refused."""

    api_keys: Mapping[tuple[Namespace, str], ApiKey]
    callers: Mapping[bytes, Caller] = field(repr=False)
    problems: tuple[str, ...]


def read_api_key(data: Mapping[str, bytes], annotations: Mapping[str, str]) -> KeySecret:
    """The Secret of an API key: ``api-key`` and perhaps ``api-key-previous``."""
    named = annotations.get(SCHEME_ANNOTATION, SigningScheme.SKYVERN.value)
    try:
        scheme = SigningScheme(named)
    except ValueError:
        choice = ", ".join(SigningScheme)
        return KeySecret((), (f"annotation {SCHEME_ANNOTATION} must be one of {choice}",))
    try:
        limits = read_limits(annotations)
    except BadLimit as error:
        return KeySecret((), (str(error),))
    return replace(_read(data, "api-key", scheme, MIN_KEY_CHARACTERS, _MAKE_ONE), limits=limits)


def read_source(data: Mapping[str, bytes], annotations: Mapping[str, str]) -> KeySecret:
    """The Secret of a source: ``key`` and perhaps ``key-previous``."""
    try:
        tolerance = read_tolerance(annotations)
    except BadLimit as error:
        return KeySecret((), (str(error),))
    found = _read(data, "key", SigningScheme.SKYVERN, MIN_SOURCE_KEY_BYTES, _FORGEABLE)
    return replace(found, tolerance=tolerance)


def source(stored: StoredResource) -> Source | None:
    """A stored source, or None when its Secret holds no key to verify with."""
    secret = stored_source(stored)
    if not secret.usable:
        return None
    return Source(
        namespace=stored.key.namespace,
        name=stored.key.name,
        keys=tuple(value for _, value in secret.values),
        tolerance=secret.tolerance,
    )


def stored_source(stored: StoredResource) -> KeySecret:
    """The Secret of a stored source."""
    return read_source(secret_data(stored), _annotations(stored))


def known_since(
    secret: Mapping[str, bytes], former: Mapping[str, Any], now: Timestamp
) -> dict[str, Timestamp]:
    """When each value of a Secret was first put: what the ``former`` document says, else now."""
    before = former.get(KNOWN_SINCE) or {}
    entries = ("api-key", "api-key-previous")
    names = [key_fingerprint(trimmed(secret[entry])) for entry in entries if entry in secret]
    return {name: before.get(name, now) for name in names}


def admit(stored: Iterable[StoredResource]) -> AdmittedKeys:
    """Which of all API keys log in. Without its current value a Secret is refused as a whole."""
    ordered = sorted(stored, key=lambda resource: (resource.key.namespace, resource.key.name))
    secrets = [(resource, _stored_key(resource)) for resource in ordered]
    claims: dict[bytes, list[_Claim]] = {}
    for resource, secret in secrets:
        for claim in _claims(resource, secret):
            claims.setdefault(hashlib.sha256(claim.value).digest(), []).append(claim)
    refused = {claim for rivals in claims.values() for claim in _losers(rivals)}
    api_keys: dict[tuple[Namespace, str], ApiKey] = {}
    problems: list[str] = []
    for resource, secret in secrets:
        lost = [claim for claim in _claims(resource, secret) if claim in refused]
        problems += [f"{_named(resource)}: {line}" for line in secret.problems]
        problems += [f"{_named(resource)}: {claim.problem}" for claim in lost]
        if key := _admitted(resource, secret, {claim.entry for claim in lost}):
            api_keys[resource.key.namespace, resource.key.name] = key
    return AdmittedKeys(api_keys, _callers(api_keys, claims), tuple(problems))


# -------------------------------------------------------------------------------- one Secret


def _read(
    data: Mapping[str, bytes], entry: str, scheme: SigningScheme, least: int, too_short: str
) -> KeySecret:
    values, problems = [], []
    if entry not in data:
        problems.append(f"key {entry} is not there")
    for name in (entry, f"{entry}-previous"):
        if name not in data:
            continue
        value = trimmed(data[name])
        if problem := _problem(value, scheme, least, too_short):
            problems.append(f"key {name} {problem}")
        else:
            values.append((name, value))
    return KeySecret(tuple(values), tuple(problems), scheme)


def _problem(value: bytes, scheme: SigningScheme, least: int, too_short: str) -> str | None:
    if not value:
        return "is empty"
    if len(value) < least:
        return too_short
    try:
        validate_key(scheme, value)
    except InvalidKey as error:
        return f"cannot sign: {error}"
    return None


def _stored_key(stored: StoredResource) -> KeySecret:
    return read_api_key(secret_data(stored), _annotations(stored))


def _annotations(stored: StoredResource) -> Mapping[str, str]:
    metadata = stored.document.get("metadata") or {}
    return metadata.get("annotations") or {}


def secret_data(stored: StoredResource) -> Mapping[str, bytes]:
    """The one Secret that an API key or a source is made from."""
    return next(iter(stored.secrets.values()), {})


def _named(stored: StoredResource) -> str:
    return f"Secret {stored.key.namespace}/{stored.key.name}"


# ----------------------------------------------------------------------------- all together


@dataclass(frozen=True, slots=True)
class _Claim:
    """A value in a Secret, and since when it has been there."""

    since: Timestamp
    namespace: Namespace
    secret: str
    entry: str
    value: bytes = field(repr=False)

    @property
    def problem(self) -> str:
        # Says nothing of where else: that would tell one tenant about another.
        return f"key {self.entry} is known elsewhere and logs nobody in; make a new one"


def _claims(stored: StoredResource, secret: KeySecret) -> list[_Claim]:
    since = stored.document.get(KNOWN_SINCE) or {}
    key = stored.key
    return [
        _Claim(since.get(key_fingerprint(v), stored.created_at), key.namespace, key.name, entry, v)
        for entry, v in secret.values
    ]


def _losers(rivals: list[_Claim]) -> list[_Claim]:
    """Those of one value's claims that are refused."""
    if len({claim.namespace for claim in rivals}) == 1:
        return []
    first = min(claim.since for claim in rivals)
    winners = {claim.namespace for claim in rivals if claim.since == first}
    return [claim for claim in rivals if len(winners) > 1 or claim.namespace not in winners]


def _admitted(stored: StoredResource, secret: KeySecret, lost: set[str]) -> ApiKey | None:
    if not secret.usable or secret.values[0][0] in lost:
        return None
    kept = [value for entry, value in secret.values if entry not in lost]
    return ApiKey(
        namespace=stored.key.namespace,
        secret=stored.key.name,
        values=tuple((key_fingerprint(value), value) for value in kept),
        scheme=secret.scheme,
        limits=secret.limits,
    )


def _callers(
    api_keys: Mapping[tuple[Namespace, str], ApiKey], claims: Mapping[bytes, list[_Claim]]
) -> dict[bytes, Caller]:
    callers = {}
    for digest, rivals in claims.items():
        for claim in sorted(rivals, key=lambda c: (c.since, c.secret, c.entry)):
            key = api_keys.get((claim.namespace, claim.secret))
            fingerprint = key_fingerprint(claim.value)
            if key and fingerprint in dict(key.values):
                callers[digest] = Caller(key=key, fingerprint=fingerprint)
                break
    return callers
