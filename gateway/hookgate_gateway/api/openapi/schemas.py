"""
Schemas of requests and answers, as pydantic makes them; requests with every spelling they accept.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from hookgate_gateway.api.run_requests import spellings

__all__ = ["REF", "schemas"]

REF = "#/components/schemas/{model}"


def schemas(
    requests: Iterable[type[BaseModel]], answers: Iterable[type[BaseModel]]
) -> dict[str, Any]:
    """``components.schemas``, by the models' names."""
    _, made = models_json_schema(
        [
            *((model, "validation") for model in requests),
            *((model, "serialization") for model in answers),
        ],
        ref_template=REF,
    )
    found: dict[str, Any] = made["$defs"]
    for model in requests:
        found[model.__name__] = _with_spellings(found[model.__name__], spellings(model))
    return found


def _with_spellings(schema: dict[str, Any], others: Mapping[str, str]) -> dict[str, Any]:
    """The same schema, where each property goes by all of its names."""
    properties = dict(schema.get("properties", {}))
    for other, name in others.items():
        if name in properties:
            shown = {"description": f"Another spelling of `{name}`."}
            properties[other] = {**properties[name], **shown}
    required = [name for name in schema.get("required", ()) if name not in others.values()]
    choices = [
        {"anyOf": [{"required": [one]} for one in (name, *_others(others, name))]}
        for name in schema.get("required", ())
        if name in others.values()
    ]
    whole = {**schema, "properties": properties, "required": required, "allOf": choices}
    return {key: value for key, value in whole.items() if value or key not in ("required", "allOf")}


def _others(others: Mapping[str, str], name: str) -> list[str]:
    return [other for other, canonical in others.items() if canonical == name]
