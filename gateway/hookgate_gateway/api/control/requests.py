"""
What a PUT says: ``{owner, fingerprint, resource, secrets: {NAME: {KEY: base64}}}``.

``resource`` is an object as Kubernetes has it: a WebhookSubscription, or the Secret of an API key or a
source without its ``data``. It is validated by the models of the manifests and refused in their words.
Values come beside it, base64 as in a Secret's ``data``, by the name of their Secret or as
``configmap/NAME``; values that the resource does not name are not kept.
"""

import base64
import binascii
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal, TypeVar

import orjson
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    Strict,
    ValidationError,
)
from pydantic_core import PydanticCustomError

from hookgate.resources import Problem, WebhookSubscription, problems
from hookgate.resources.model import ResourceModel
from hookgate.resources.subscription import Metadata
from hookgate.resources.text import SecretKey
from hookgate_gateway.api.errors import Refusal, invalid, validation
from hookgate_gateway.catalogue.declared import (
    Declared,
    declare_api_key,
    declare_source,
    declare_subscription,
    source_name,
)
from hookgate_gateway.catalogue.keys import KeySecret, read_api_key, read_source
from hookgate_gateway.catalogue.manifest_plan import OWNER as MANIFESTS
from hookgate_gateway.contract import ResourceKey, ResourceKind
from hookgate_gateway.ports import ResourceDraft

__all__ = ["Owner", "parse_put", "read_put"]

Model = TypeVar("Model", bound=ResourceModel)
Location = tuple[str | int, ...]

_RESOURCE: Location = ("body", "resource")
_SECRETS: Location = ("body", "secrets")
_HOLDER = r"(configmap/)?[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?"


def _decoded(value: object) -> object:
    if not isinstance(value, str):
        raise PydanticCustomError("base64", "must be text: base64, as in a Secret's data")
    try:
        return base64.b64decode("".join(value.split()), validate=True)
    except (binascii.Error, ValueError):  # "from None": the cause would carry the value along
        raise PydanticCustomError("base64", "is not base64") from None


def _printable(value: str) -> str:
    if not value.isprintable():
        raise PydanticCustomError("printable", "must be printable characters")
    return value


Owner = Annotated[str, Strict(), Field(min_length=1, max_length=253), AfterValidator(_printable)]
_Print = Annotated[str, Strict(), Field(min_length=1, max_length=512), AfterValidator(_printable)]
_Holder = Annotated[str, Strict(), Field(pattern=f"^{_HOLDER}$")]
_Value = Annotated[bytes, BeforeValidator(_decoded)]
_Secrets = Annotated[
    dict[_Holder, dict[SecretKey, _Value]], BeforeValidator(lambda v: {} if v is None else v)
]


class _Put(BaseModel):
    """Unknown fields are accepted, as everywhere in the API; the resource's own are not."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    owner: Owner
    fingerprint: _Print
    resource: dict[str, Any]
    secrets: _Secrets = Field(default_factory=dict, repr=False)


class _SecretHead(ResourceModel):
    """A Secret without its values, which come in ``secrets``."""

    api_version: Literal["v1"]
    kind: Literal["Secret"]
    metadata: Metadata
    type: Any = None
    immutable: Any = None


def parse_put(body: bytes) -> dict[str, Any]:
    """The object in a body, which must be JSON to the letter: no NaN, no halves of characters.

    Raises Refusal 400, and 422 for anything but an object.
    """
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise Refusal(400, "invalid_json", f"the body is not JSON: see {where}") from None
    if not isinstance(value, dict):
        raise invalid(["body"], "Input should be an object", "dict_type")
    return value


def read_put(body: Mapping[str, Any], key: ResourceKey) -> ResourceDraft:
    """What is to be put at ``key``. Raises Refusal 422 with everything that is wrong."""
    try:
        put = _Put.model_validate(body)
    except ValidationError as error:
        raise validation(error) from None
    if put.owner == MANIFESTS:
        raise _invalid([Problem(("body", "owner"), "is the folder's own; choose another", "owner")])
    declared = _declared(put, key)
    return ResourceDraft(
        key=key,
        owner=put.owner,
        fingerprint=put.fingerprint,
        document=declared.document,
        secrets={name: values for name, values in put.secrets.items() if name in declared.needs},
    )


def _declared(put: _Put, key: ResourceKey) -> Declared:
    if key.kind is ResourceKind.SUBSCRIPTION:
        subscription = _model(WebhookSubscription, put.resource)
        _require_place(subscription.metadata, key, subscription.metadata.name)
        return declare_subscription(subscription)
    metadata = _model(_SecretHead, put.resource).metadata
    values = put.secrets.get(metadata.name, {})
    if key.kind is ResourceKind.API_KEY:
        _require_place(metadata, key, metadata.name)
        _require_keys(metadata, read_api_key(values, metadata.annotations))
        return declare_api_key(metadata)
    _require_place(metadata, key, _source(metadata))
    _require_keys(metadata, read_source(values, metadata.annotations))
    return declare_source(metadata, key.name)


def _model(model: type[Model], resource: Mapping[str, Any]) -> Model:
    try:
        return model.model_validate(resource)
    except ValidationError as error:
        found = problems(error, model)
    raise _invalid(Problem((*_RESOURCE, *p.location), p.message, p.type) for p in found)


def _source(metadata: Metadata) -> str | None:
    try:
        return source_name(metadata)
    except ValueError as error:
        problem = Problem((*_RESOURCE, "metadata", "labels"), str(error), "label")
    raise _invalid([problem])


def _require_place(metadata: Metadata, key: ResourceKey, name: str | None) -> None:
    """The resource must say of itself what the path says of it."""
    where = (*_RESOURCE, "metadata")
    named = "labels" if key.kind is ResourceKind.SOURCE else "name"
    wrong = []
    if name != key.name:
        wrong.append(Problem((*where, named), "must name what the path names", "path_mismatch"))
    if metadata.namespace != key.namespace:
        message = "must be the path's namespace"
        wrong.append(Problem((*where, "namespace"), message, "path_mismatch"))
    if wrong:
        raise _invalid(wrong)


def _require_keys(metadata: Metadata, secret: KeySecret) -> None:
    if secret.problems:
        where = (*_SECRETS, metadata.name)
        raise _invalid(Problem(where, line, "key") for line in secret.problems)


def _invalid(found: Iterable[Problem]) -> Refusal:
    detail = [{"loc": list(p.location), "msg": p.message, "type": p.type} for p in found]
    return Refusal(422, "validation_failed", detail)
