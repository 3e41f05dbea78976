"""
Resources as the catalogue keeps them, whoever declares them: manifests or the control API.

What is stored of an object is its spec as written and the part of its metadata that is ours. A Secret's
own metadata can repeat its values (kubectl's last-applied annotation), so nothing else is taken.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hookgate.resources import API_VERSION, KIND, WebhookSubscription
from hookgate.resources.references import secret_names
from hookgate.resources.subscription import Metadata
from hookgate_gateway.catalogue.keys import KNOWN_SINCE, SOURCE_LABEL
from hookgate_gateway.contract import ResourceKey, ResourceKind
from hookgate_gateway.ports import ResourceDraft, StoredResource
from hookgate_gateway.rules.delivery import Namespace

__all__ = [
    "Declared",
    "declare_api_key",
    "declare_source",
    "declare_subscription",
    "document_of",
    "is_said_by",
    "source_name",
]

_SOURCE_NAME = re.compile("[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")


@dataclass(frozen=True, slots=True)
class Declared:
    """A resource for the catalogue, its values not yet looked up."""

    key: ResourceKey
    document: Mapping[str, Any]
    needs: frozenset[str]
    """Names of the Secrets and ConfigMaps whose values go with it."""


def declare_subscription(model: WebhookSubscription) -> Declared:
    key = _key(ResourceKind.SUBSCRIPTION, model.metadata, model.metadata.name)
    spec = model.spec.model_dump(mode="json", by_alias=True, exclude_unset=True)
    document = {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": _ours(model.metadata),
        "spec": spec,
    }
    return Declared(key, document, secret_names(model.spec))


def declare_api_key(metadata: Metadata) -> Declared:
    """The API key that a Secret of this metadata is."""
    return _declare_secret(ResourceKind.API_KEY, metadata, metadata.name)


def declare_source(metadata: Metadata, name: str) -> Declared:
    """The source of this name that a Secret of this metadata is."""
    return _declare_secret(ResourceKind.SOURCE, metadata, name)


def source_name(metadata: Metadata) -> str | None:
    """The source that a Secret's label makes it. Raises ValueError for a label that names nothing."""
    name = metadata.labels.get(SOURCE_LABEL)
    if name and not _SOURCE_NAME.fullmatch(name):
        raise ValueError(
            f"label {SOURCE_LABEL}: must be a name (letters, digits, -, _ and .)"
        )  # fmt: skip
    return name or None


def document_of(stored: StoredResource) -> dict[str, Any]:
    """A stored resource's document as it was declared."""
    return {name: value for name, value in stored.document.items() if name != KNOWN_SINCE}


def is_said_by(stored: StoredResource | None, draft: ResourceDraft) -> bool:
    """Whether what is stored is exactly what ``draft`` says, so that a put would change nothing."""
    return (
        stored is not None
        and stored.deleted_at is None
        and stored.owner == draft.owner
        and stored.fingerprint == draft.fingerprint
        and document_of(stored) == draft.document
        and stored.secrets == draft.secrets
    )


def _declare_secret(kind: ResourceKind, metadata: Metadata, name: str) -> Declared:
    document = {"apiVersion": "v1", "kind": "Secret", "metadata": _ours(metadata)}
    return Declared(_key(kind, metadata, name), document, frozenset({metadata.name}))


def _key(kind: ResourceKind, metadata: Metadata, name: str) -> ResourceKey:
    return ResourceKey(kind, Namespace(metadata.namespace), name)


def _ours(metadata: Metadata) -> dict[str, Any]:
    described: dict[str, Any] = {"name": metadata.name, "namespace": metadata.namespace}
    for name, entries in (("labels", metadata.labels), ("annotations", metadata.annotations)):
        if ours := {k: v for k, v in entries.items() if k.startswith("hookgate.dev/")}:
            described[name] = ours
    return described
