"""
Resource models as structural schemas, which is what the Kubernetes API server takes of OpenAPI v3.

pydantic describes a model in JSON Schema: with references, titles, unions with null. A structural schema
has none of these. What is not known here is an error, never left out in silence: the API server would
refuse it or, worse, drop it.
"""

from collections.abc import Mapping
from typing import Any

from hookgate.resources.model import ResourceModel

__all__ = ["Schema", "SchemaError", "structural"]

Schema = dict[str, Any]
"""A node of a structural schema."""

_KEPT = (
    "description",
    "type",
    "format",
    "enum",
    "pattern",
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
    "minItems",
    "maxItems",
    "nullable",
    "default",
    "x-kubernetes-list-type",
    "x-kubernetes-list-map-keys",
    "x-kubernetes-validations",
)
"""What a node says of itself, in the order in which it is printed."""
_DROPPED = ("title", "additionalProperties")
"""A title repeats the name; unknown fields are refused by field validation and pruned."""
_REFERENCE = "#/$defs/"


class SchemaError(Exception):
    """A model says something that a structural schema cannot."""


def structural(model: type[ResourceModel], *, declared: bool) -> Schema:
    """The structural schema of a model. Raises SchemaError.

    What is ``declared`` by people has defaults, and null stands for leaving a field out: the API server
    reads it so where there is a default, and takes it where a field is nullable. A status, which only
    an operator writes, has neither.
    """
    whole = model.model_json_schema()
    return _Writer(whole.pop("$defs", {}), declared=declared).node(whole, model.__name__)


class _Writer:
    """Writes nodes, each with what it refers to put in its place."""

    def __init__(self, definitions: Mapping[str, Schema], *, declared: bool) -> None:
        self._definitions = definitions
        self._declared = declared

    def node(self, described: Schema, path: str) -> Schema:
        said = self._alone(described, path)
        unknown = said.keys() - {*_KEPT, *_DROPPED, "properties", "required", "items"}
        if unknown or isinstance(said.get("additionalProperties"), dict):
            raise SchemaError(
                f"{path}: cannot say {', '.join(sorted(unknown)) or 'a free mapping'}"
            )
        if "type" not in said:
            raise SchemaError(f"{path}: has no type")
        written = {key: said[key] for key in _KEPT if key in said}
        if "description" in said:
            written["description"] = _prose(said["description"])
        if "x-kubernetes-validations" in said:
            written["x-kubernetes-validations"] = [*map(_row, said["x-kubernetes-validations"])]
        return written | self._parts(said, path)

    def _parts(self, said: Schema, path: str) -> Schema:
        """What is within a node: the items of a list, the fields of an object."""
        if "items" in said:
            if "x-kubernetes-list-type" not in said:
                raise SchemaError(f"{path}: a list without a list type")
            return {"items": self.node(said["items"], f"{path}[]")}
        if said["type"] != "object":
            return {}
        required = said.get("required", [])
        fields = {
            name: self._field(field, f"{path}.{name}", required=name in required)
            for name, field in said["properties"].items()
        }
        return ({"required": required} if required else {}) | {"properties": fields}

    def _field(self, described: Schema, path: str, *, required: bool) -> Schema:
        written = self.node(described, path)
        if "description" not in written:
            raise SchemaError(f"{path}: has no description")
        if not self._declared:
            return _without(written, "default", "nullable")
        if "enum" in written:  # the API server looks for null among the words all the same
            return _without(written, "nullable")
        if not required and "properties" in written and "nullable" not in written:
            written["default"] = {}  # made by a factory: a part whose fields all have defaults
        return written

    def _alone(self, described: Schema, path: str) -> Schema:
        """A description without references and unions; what is said beside them wins over what is said there."""
        said = dict(described)
        if said.get("default", ...) is None:
            del said["default"]
        if "anyOf" in said:
            said = self._optional(said.pop("anyOf"), path) | said
        if "$ref" in said:
            name = str(said.pop("$ref")).removeprefix(_REFERENCE)
            said = self._alone(self._definitions[name], path) | said
        return said

    def _optional(self, union: list[Schema], path: str) -> Schema:
        """The part of a union with null that is not null."""
        alone = [part for part in union if part != {"type": "null"}]
        if len(alone) != 1 or len(union) != 2:
            raise SchemaError(f"{path}: a union of more than a type and null")
        return {**alone[0], "nullable": True}


def _without(written: Schema, *keys: str) -> Schema:
    return {key: said for key, said in written.items() if key not in keys}


def _row(row: Mapping[str, str]) -> dict[str, str]:
    """A rule before its message, which pydantic sorts the other way round."""
    return {"rule": row["rule"], "message": row["message"]}


def _prose(docstring: str) -> str:
    """A docstring as plain sentences: its lines joined, paragraphs kept, markup taken away."""
    paragraphs = (" ".join(part.split()) for part in docstring.split("\n\n"))
    return "\n".join(paragraphs).replace("``", "`")
