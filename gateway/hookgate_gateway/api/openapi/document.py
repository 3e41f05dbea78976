"""
The document itself: OpenAPI 3.1, put together from the table of operations.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from http import HTTPStatus
from typing import Any, Final

import orjson
from pydantic import BaseModel

from hookgate.version import __version__
from hookgate_gateway.api.openapi import models
from hookgate_gateway.api.openapi.operation import BODY_ERRORS, JSON, Operation, Returns
from hookgate_gateway.api.openapi.operations import OPERATIONS
from hookgate_gateway.api.openapi.schemas import REF, schemas

__all__ = ["document", "encoded"]

_ABOUT: Final = """\
Reports of runs in, signed webhooks out. Every route answers with and without a trailing slash; requests
take `null` for an unset option and keep fields that are unknown here.
"""
_SECURITY: Final = {
    "apiKey": {"type": "apiKey", "in": "header", "name": "x-api-key"},
    "bearer": {"type": "http", "scheme": "bearer"},
}
_ERRORS: Final[Mapping[int, str]] = {
    400: "Not JSON, or nothing that can be done.",
    401: "The signature is missing or wrong; nothing was stored.",
    402: "The upstream wants to be paid.",
    403: "The key is missing or wrong.",
    404: "Unknown; another tenant's things are as well.",
    408: "The body did not arrive within 30 seconds.",
    409: "In conflict with what is stored.",
    413: "The body is too large.",
    415: "Not `application/json`, or with a Content-Encoding.",
    417: "Only `100-continue` can be expected.",
    422: "Fields that are wrong, one by one.",
    429: "Too many requests; see `Retry-After`.",
    431: "The request line or a header is too long.",
    500: "An error of ours; it has been logged.",
    502: "The upstream that runs the runs cannot be reached, or failed; no run was registered.",
    503: "Not now, nothing was stored; see `Retry-After`.",
    504: "That upstream did not answer in time; no run was registered.",
}
_ALWAYS: Final = frozenset({417, 431, 500, 503})
_RETRIED: Final = frozenset({429, 503})


def document() -> dict[str, Any]:
    """The whole document, as plain values."""
    paths: dict[str, Any] = {}
    for operation in OPERATIONS:
        for method, path in operation.methods:
            paths.setdefault(path, {})[method.lower()] = _operation(operation, method, path)
    return {
        "openapi": "3.1.0",
        "info": {"title": "hookgate", "version": __version__, "description": _ABOUT},
        "paths": paths,
        "components": {
            "schemas": schemas(_requests(), [*_answers(), models.Error, models.Invalid]),
            "securitySchemes": _SECURITY,
        },
    }


@cache
def encoded() -> bytes:
    """The document as JSON, made once."""
    return orjson.dumps(document())


def _operation(operation: Operation, method: str, path: str) -> dict[str, Any]:
    names = re.findall(r"{(\w+)}", path)
    shown: dict[str, Any] = {
        "operationId": _id(method, path),
        "tags": [operation.tag],
        "summary": operation.summary,
        "description": operation.description or f"{operation.summary}.",
        "security": [{name: []} for name in _SECURITY] if operation.keyed else [],
        "parameters": [*map(_in_path, names), *_parameters(operation)],
        "responses": {
            **{str(status): _answer(returns) for status, returns in operation.returns.items()},
            **{str(status): _error(status) for status in sorted(_errors(operation, names))},
        },
    }
    if operation.request is not None:
        shown["requestBody"] = _body(operation)
    return shown


def _id(method: str, path: str) -> str:
    words = re.sub(r"[^A-Za-z0-9]+", "_", path).strip("_")
    return f"{method.lower()}_{words}"


def _in_path(name: str) -> dict[str, Any]:
    schema = {"type": "string", "minLength": 1}
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _parameters(operation: Operation) -> Iterator[dict[str, Any]]:
    for parameter in operation.parameters:
        yield {
            "name": parameter.name,
            "in": parameter.place,
            "required": False,
            "description": parameter.description,
            "schema": parameter.schema,
        }


def _body(operation: Operation) -> dict[str, Any]:
    assert operation.request is not None  # noqa: S101  # the caller looked
    schema: dict[str, Any] = {"$ref": REF.format(model=operation.request.__name__)}
    if operation.optional_body:
        schema = {"anyOf": [schema, {"type": "null"}]}
    media: dict[str, Any] = {"schema": schema}
    if operation.examples:
        media["examples"] = {name: {"value": value} for name, value in operation.examples.items()}
    return {"required": not operation.optional_body, "content": {JSON: media}}


def _errors(operation: Operation, names: list[str]) -> frozenset[int]:
    found = operation.errors | _ALWAYS
    if operation.keyed:
        found |= {403, 429}
    if operation.request is not None:
        found |= BODY_ERRORS
    if operation.parameters:
        found |= {422}
    if names:
        found |= {404}
    return found


def _answer(returns: Returns) -> dict[str, Any]:
    schema: dict[str, Any] = {}
    if returns.model is not None:
        schema = {"$ref": REF.format(model=returns.model.__name__)}
    if returns.many:
        schema = {"type": "array", "items": schema}
    shown: dict[str, Any] = {
        "description": returns.description,
        "content": {JSON: {"schema": schema}},
    }
    if returns.headers:
        shown["headers"] = {
            name: {"description": text, "schema": {"type": "string"}}
            for name, text in returns.headers.items()
        }
    return shown


def _error(status: int) -> dict[str, Any]:
    model = models.Invalid if status == 422 else models.Error
    shown: dict[str, Any] = {
        "description": f"{HTTPStatus(status).phrase}. {_ERRORS[status]}",
        "content": {JSON: {"schema": {"$ref": REF.format(model=model.__name__)}}},
    }
    if status in _RETRIED:
        seconds = {"description": "Seconds.", "schema": {"type": "integer", "minimum": 1}}
        shown["headers"] = {"Retry-After": seconds}
    return shown


def _requests() -> list[type[BaseModel]]:
    return _each(operation.request for operation in OPERATIONS)


def _answers() -> list[type[BaseModel]]:
    return _each(r.model for operation in OPERATIONS for r in operation.returns.values())


def _each(found: Iterable[type[BaseModel] | None]) -> list[type[BaseModel]]:
    """Each once, in the order of their first appearance."""
    return [model for model in dict.fromkeys(found) if model is not None]
