"""
How a declared resource stands, whatever holds it: what is missing, what is refused, which keys it has.

A hold shows one reason at a time; the operator writes a condition for each. Keys are told by their
fingerprints, values never.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pydantic import ValidationError

from hookgate.resources import SubscriptionSpec, WebhookSubscription, problem_lines
from hookgate.resources.secret_values import shown_fingerprint, trimmed
from hookgate_gateway.catalogue.build import Forbids
from hookgate_gateway.catalogue.keys import secret_data
from hookgate_gateway.contract import ResourceKey, ResourceKind
from hookgate_gateway.ports import StoredResource
from hookgate_gateway.resolution import Unresolved, resolve_spec
from hookgate_gateway.secret_values import values_of

__all__ = ["NamedKey", "Standing", "standing"]


@dataclass(frozen=True, slots=True)
class NamedKey:
    """A key of a Secret, and the fingerprint of its value as it may be shown; None: it is not there."""

    secret: str
    key: str
    fingerprint: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What is wrong with a resource, one sentence for each reason, and its keys."""

    reasons: tuple[str, ...] = ()
    forbidden: str | None = None
    """Why the egress rules refuse its endpoint; None also while it is not resolved."""
    keys: tuple[NamedKey, ...] = ()


def standing(stored: StoredResource, forbids: Forbids, problems: Iterable[str]) -> Standing:
    """How a resource stands; ``problems`` are the snapshot's."""
    if stored.key.kind is ResourceKind.SUBSCRIPTION:
        return _subscription(stored, forbids)
    prefix = f"{_named(stored.key)}: "
    return Standing(
        reasons=tuple(problem for problem in problems if problem.startswith(prefix)),
        keys=tuple(_own_keys(stored)),
    )


def _subscription(stored: StoredResource, forbids: Forbids) -> Standing:
    try:
        spec = WebhookSubscription.model_validate(stored.document).spec
    except ValidationError as error:  # only a store that another version wrote holds such a one
        return Standing(reasons=tuple(problem_lines(error, WebhookSubscription)))
    keys = tuple(_signing_keys(stored, spec))
    resolution = resolve_spec(stored.key.namespace, spec, values_of(stored.secrets))
    if isinstance(resolution, Unresolved):
        return Standing(reasons=resolution.reasons, keys=keys)
    return Standing(forbidden=forbids(stored.key.namespace, resolution.endpoint.url), keys=keys)


def _signing_keys(stored: StoredResource, spec: SubscriptionSpec) -> Iterator[NamedKey]:
    for ref in spec.signing.secret_refs:
        value = stored.secrets.get(ref.name, {}).get(ref.key)
        yield NamedKey(ref.name, ref.key, _fingerprint(value))


def _own_keys(stored: StoredResource) -> Iterator[NamedKey]:
    entry = "api-key" if stored.key.kind is ResourceKind.API_KEY else "key"
    data, secret = secret_data(stored), next(iter(stored.secrets), stored.key.name)
    for name in (entry, f"{entry}-previous"):
        if name in data:
            yield NamedKey(secret, name, _fingerprint(data[name]))


def _fingerprint(value: bytes | None) -> str | None:
    return shown_fingerprint(trimmed(value)) if value is not None else None


def _named(key: ResourceKey) -> str:
    """How the snapshot's problems begin that speak of this resource."""
    word = "Secret" if key.kind is ResourceKind.API_KEY else "source"
    return f"{word} {key.namespace}/{key.name}"
