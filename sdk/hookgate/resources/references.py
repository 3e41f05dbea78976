"""
The values that a WebhookSubscription names: in which Secrets and ConfigMaps, and by which of its fields.
"""

from collections.abc import Iterator
from typing import NamedTuple

from hookgate.resources.subscription import (
    CaSource,
    ClientCertificate,
    HeaderSource,
    KeyRef,
    SubscriptionSpec,
    UrlSource,
)

__all__ = [
    "CONFIG_MAP",
    "Need",
    "ca_need",
    "certificate_needs",
    "header_need",
    "needs",
    "secret_names",
    "signing_need",
    "url_need",
]

CONFIG_MAP = "configmap/"
"""What a ConfigMap's name starts with where it stands among the names of Secrets."""


class Need(NamedTuple):
    """A field of a spec that names a value."""

    field: str
    """Its path, as messages begin with it."""
    name: str
    """Of a Secret, or ``configmap/NAME``."""
    key: str

    def holder(self, namespace: str) -> str:
        """Which object holds the value, in words: ``Secret NAMESPACE/NAME``."""
        if self.name.startswith(CONFIG_MAP):
            return f"ConfigMap {namespace}/{self.name.removeprefix(CONFIG_MAP)}"
        return f"Secret {namespace}/{self.name}"


def needs(spec: SubscriptionSpec) -> Iterator[Need]:
    """Every value that a spec names, in the order of its fields."""
    endpoint = spec.endpoint
    if endpoint.url_from:
        yield url_need(endpoint.url_from)
    for number, header in enumerate(endpoint.headers):
        if header.value_from:
            yield header_need(number, header.value_from)
    if endpoint.tls.ca_from:
        yield ca_need(endpoint.tls.ca_from)
    if endpoint.tls.client_certificate:
        yield from certificate_needs(endpoint.tls.client_certificate)
    for number, ref in enumerate(spec.signing.secret_refs):
        yield signing_need(number, ref)


def secret_names(spec: SubscriptionSpec) -> frozenset[str]:
    """The Secrets (and ConfigMaps, as ``configmap/NAME``) that a spec needs."""
    return frozenset(need.name for need in needs(spec))


def url_need(source: UrlSource) -> Need:
    """Where a secret URL is."""
    return _need("spec.endpoint.urlFrom", source.secret_key_ref)


def header_need(number: int, source: HeaderSource) -> Need:
    """Where the value of the header at ``number`` in the list is."""
    return _need(f"spec.endpoint.headers[{number}].valueFrom", source.secret_key_ref)


def ca_need(ca: CaSource) -> Need:
    """Where a private CA is."""
    field = "spec.endpoint.tls.caFrom"
    if ca.secret_key_ref:
        return _need(field, ca.secret_key_ref)
    assert ca.config_map_key_ref  # noqa: S101  # the model has exactly one
    return Need(field, CONFIG_MAP + ca.config_map_key_ref.name, ca.config_map_key_ref.key)


def certificate_needs(certificate: ClientCertificate) -> tuple[Need, Need]:
    """Where a client certificate is, and where its private key."""
    field, name = "spec.endpoint.tls.clientCertificate", certificate.secret_name
    return Need(field, name, "tls.crt"), Need(field, name, "tls.key")


def signing_need(number: int, ref: KeyRef) -> Need:
    """Where the signing key at ``number`` in the list is."""
    return _need(f"spec.signing.secretRefs[{number}]", ref)


def _need(field: str, ref: KeyRef) -> Need:
    return Need(field, ref.name, ref.key)
