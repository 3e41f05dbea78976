"""
What one manifest file declares: WebhookSubscriptions, Secrets, ConfigMaps. The file is taken as a whole.
"""

import base64
import binascii
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import Field, ValidationError

from hookgate.resources import API_VERSION, KIND, WebhookSubscription, problem_lines
from hookgate.resources.model import ResourceModel
from hookgate.resources.references import CONFIG_MAP
from hookgate.resources.subscription import Metadata
from hookgate.resources.text import Text
from hookgate_gateway.catalogue.declared import (
    Declared,
    declare_api_key,
    declare_source,
    declare_subscription,
    source_name,
)
from hookgate_gateway.catalogue.keys import (
    API_KEY_LABEL,
    KeySecret,
    read_api_key,
    read_source,
)
from hookgate_gateway.catalogue.manifest_text import ManifestError, read_documents
from hookgate_gateway.contract import ResourceKey
from hookgate_gateway.rules.delivery import Namespace

__all__ = ["Holder", "ManifestFile", "read_file"]

Holder = tuple[Namespace, str]
"""Where values are: the namespace, and a Secret's name or ``configmap/NAME``."""


@dataclass(frozen=True, slots=True)
class ManifestFile:
    """All that a file declares."""

    declared: Mapping[ResourceKey, Declared] = field(default_factory=dict)
    values: Mapping[Holder, Mapping[str, bytes]] = field(default_factory=dict, repr=False)


class _Secret(ResourceModel):
    api_version: Literal["v1"]
    kind: Literal["Secret"]
    metadata: Metadata
    data: dict[str, Text] = Field(default_factory=dict)
    string_data: dict[str, Text] = Field(default_factory=dict)
    type: Any = None
    immutable: Any = None

    def values(self) -> dict[str, bytes]:
        """``stringData`` wins over ``data``, as in Kubernetes. Raises ManifestError."""
        decoded = {key: _decoded(key, text) for key, text in self.data.items()}
        return decoded | {key: text.encode() for key, text in self.string_data.items()}


class _ConfigMap(ResourceModel):
    api_version: Literal["v1"]
    kind: Literal["ConfigMap"]
    metadata: Metadata
    data: dict[str, Text] = Field(default_factory=dict)
    binary_data: dict[str, Text] = Field(default_factory=dict)
    immutable: Any = None

    def values(self) -> dict[str, bytes]:
        decoded = {key: _decoded(key, text) for key, text in self.binary_data.items()}
        return decoded | {key: text.encode() for key, text in self.data.items()}


_Model = WebhookSubscription | _Secret | _ConfigMap
_MODELS: Mapping[str, type[_Model]] = {
    KIND: WebhookSubscription,
    "Secret": _Secret,
    "ConfigMap": _ConfigMap,
}


def read_file(data: bytes, *, is_json: bool) -> ManifestFile:
    """What the file declares. Raises ManifestError with everything that is wrong with it."""
    declared: dict[ResourceKey, Declared] = {}
    values: dict[Holder, Mapping[str, bytes]] = {}
    problems: list[str] = []
    for number, document in enumerate(_unlisted(read_documents(data, is_json=is_json)), 1):
        where = _name(document) or f"document {number}"
        try:
            _take(_model(document), declared, values)
        except ManifestError as error:
            problems += [f"{where}: {line}" for line in error.lines]
    if problems:
        raise ManifestError(*problems)
    return ManifestFile(declared, values)


def _unlisted(documents: Iterable[Any]) -> Iterator[Any]:
    """The documents with each ``v1 List``, as ``kubectl get -o yaml`` prints, taken apart."""
    for document in documents:
        match document:
            case {"kind": "List", "apiVersion": "v1", "items": list(items)}:
                yield from items
            case _:
                yield document


def _name(document: Any) -> str | None:
    """``Kind namespace/name`` when the document is sound enough to say so."""
    match document:
        case {"kind": str(kind), "metadata": {"name": str(name)} as metadata} if kind in _MODELS:
            namespace = metadata.get("namespace") or "default"
            place = f"{namespace}/{name}" if isinstance(namespace, str) else name
            return f"{kind} {place}" if place.isprintable() and len(place) < 320 else None
        case _:
            return None


def _model(document: Any) -> _Model:
    kind = document.get("kind") if isinstance(document, dict) else None
    model = _MODELS.get(kind) if isinstance(kind, str) else None
    if model is None:
        raise ManifestError(
            f"kind: must be {KIND} ({API_VERSION}), or Secret or ConfigMap (v1);"
            " this folder takes nothing else"
        )
    try:
        return model.model_validate(document)
    except ValidationError as error:
        raise ManifestError(*problem_lines(error, model)) from None


def _take(
    model: _Model,
    declared: dict[ResourceKey, Declared],
    values: dict[Holder, Mapping[str, bytes]],
) -> None:
    namespace = Namespace(model.metadata.namespace)
    if isinstance(model, WebhookSubscription):
        found = [declare_subscription(model)]
    else:
        prefix = CONFIG_MAP if isinstance(model, _ConfigMap) else ""
        holder = (namespace, prefix + model.metadata.name)
        if holder in values:
            raise ManifestError("is there twice in this file; keep one")
        values[holder] = model.values()
        found = list(_key_resources(model, values[holder])) if not prefix else []
    for resource in found:
        if resource.key in declared:
            raise ManifestError("is there twice in this file; keep one")
        declared[resource.key] = resource


def _key_resources(model: _Secret | _ConfigMap, values: Mapping[str, bytes]) -> Iterator[Declared]:
    """The API key and the source that a Secret's labels make it."""
    labels, annotations = model.metadata.labels, model.metadata.annotations
    if labels.get(API_KEY_LABEL, "false") not in ("true", "false"):
        raise ManifestError(f'label {API_KEY_LABEL}: must be "true" or "false"')
    if labels.get(API_KEY_LABEL) == "true":
        _require(read_api_key(values, annotations))
        yield declare_api_key(model.metadata)
    if source := _source_name(model):
        _require(read_source(values, annotations))
        yield declare_source(model.metadata, source)


def _source_name(model: _Secret | _ConfigMap) -> str | None:
    try:
        return source_name(model.metadata)
    except ValueError as error:
        raise ManifestError(str(error)) from None


def _require(secret: KeySecret) -> None:
    if secret.problems:
        raise ManifestError(*secret.problems)


def _decoded(key: str, text: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        # "from None": the cause would carry the value into a traceback's locals.
        raise ManifestError(f"data.{key}: is not base64; plain text goes into stringData") from None
