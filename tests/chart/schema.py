"""The chart's schema and its values side by side: which keys there are, and what each may be."""

import functools
import json
from collections.abc import Iterator
from typing import Any

from jsonschema.validators import Draft7Validator

from tests.chart.rendering import CHART, Values

Path = tuple[str, ...]


@functools.cache
def schema() -> dict[str, Any]:
    return dict(json.loads((CHART / "values.schema.json").read_text()))


@functools.cache
def validator() -> Draft7Validator:
    return Draft7Validator(schema())


def problems(values: Values) -> list[str]:
    """What the schema says of values, given whole."""
    return [f"{error.json_path}: {error.message}" for error in validator().iter_errors(values)]


def at(path: Path) -> dict[str, Any] | None:
    """The schema of the value at a path; None where keys are free or unknown."""
    here: dict[str, Any] | None = schema()
    for key in path:
        here = followed(here).get("properties", {}).get(key) if here else None
    return followed(here) if here else None


def followed(node: dict[str, Any]) -> dict[str, Any]:
    """A node, or what its $ref leads to; what stands beside the $ref stays."""
    if "$ref" not in node:
        return node
    target: Any = schema()
    for key in node["$ref"].removeprefix("#/").split("/"):
        target = target[key]
    return followed(target) | {key: value for key, value in node.items() if key != "$ref"}


def properties(node: dict[str, Any] | None = None, path: Path = ()) -> Iterator[Path]:
    """The paths of all properties that are named, except inside lists."""
    for key, inner in followed(node or schema()).get("properties", {}).items():
        yield (*path, key)
        yield from properties(inner, (*path, key))


def keys(values: Values, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """The paths of all keys in values, with what stands there."""
    for key, value in values.items():
        yield (*path, key), value
        if isinstance(value, dict):
            yield from keys(value, (*path, key))


def nested(path: Path, value: Any) -> Values:
    """Values that say one thing."""
    for key in reversed(path):
        value = {key: value}
    return dict(value)
