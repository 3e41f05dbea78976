"""
Which Secrets and ConfigMaps a WebhookSubscription names.
"""

from collections.abc import Iterator

from hookgate.resources.subscription import CaSource, SubscriptionSpec

__all__ = ["CONFIG_MAP", "ca_reference", "secret_names"]

CONFIG_MAP = "configmap/"
"""What a ConfigMap's name starts with where it stands among the names of Secrets."""


def secret_names(spec: SubscriptionSpec) -> frozenset[str]:
    """The Secrets (and ConfigMaps, as ``configmap/NAME``) that a spec needs."""
    return frozenset(_named(spec))


def ca_reference(ca: CaSource) -> tuple[str, str]:
    """The (Secret or ``configmap/NAME``, key) of a private CA."""
    if ca.secret_key_ref:
        return ca.secret_key_ref.name, ca.secret_key_ref.key
    assert ca.config_map_key_ref  # noqa: S101  # the model has exactly one
    return CONFIG_MAP + ca.config_map_key_ref.name, ca.config_map_key_ref.key


def _named(spec: SubscriptionSpec) -> Iterator[str]:
    endpoint = spec.endpoint
    if endpoint.url_from:
        yield endpoint.url_from.secret_key_ref.name
    for header in endpoint.headers:
        if header.value_from:
            yield header.value_from.secret_key_ref.name
    if endpoint.tls.ca_from:
        yield ca_reference(endpoint.tls.ca_from)[0]
    if endpoint.tls.client_certificate:
        yield endpoint.tls.client_certificate.secret_name
    yield from (ref.name for ref in spec.signing.secret_refs)
