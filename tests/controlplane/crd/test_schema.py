"""What pydantic says of a model, as the API server takes it."""

from collections.abc import Iterator
from typing import Annotated, Any

import pytest
from pydantic import Field

from hookgate.resources.lists import ATOMIC, SET
from hookgate.resources.model import ResourceModel
from hookgate.resources.rules import Between, Rule, Rules
from hookgate_operator.crd.definitions import DEFINITIONS, REPLAYS, SUBSCRIPTIONS, Definition
from hookgate_operator.crd.schema import Schema, SchemaError, structural
from hookgate_operator.replays import conditions as replays
from hookgate_operator.subscriptions import conditions as subscriptions

FORBIDDEN = {"$ref", "title", "anyOf", "allOf", "oneOf", "const", "prefixItems", "additionalProperties", "$defs", "definitions"}  # fmt: skip


class Part(ResourceModel):
    """A part."""

    size: Annotated[int, Between(1, 9)] = 3
    """How large."""


class Whole(ResourceModel):
    """A whole.

    With a second paragraph,
    over two lines."""

    name: Annotated[str, Field(max_length=9), Rules(Rule("self != ''", "must be", bool))]
    """Its name."""
    part: Part = Field(default_factory=Part)
    """The ``part`` of it."""
    other: Part | None = None
    """Perhaps another."""
    words: Annotated[tuple[str, ...], SET] = ()
    """Words."""


def test_a_model_becomes_a_structural_schema():
    part = {
        "type": "object",
        "properties": {
            "size": {
                "description": "How large.",
                "type": "integer",
                "minimum": 1,
                "maximum": 9,
                "default": 3,
            }
        },
    }
    assert structural(Whole, declared=True) == {
        "description": "A whole.\nWith a second paragraph, over two lines.",
        "type": "object",
        "required": ["name"],
        "properties": {
            "name": {
                "description": "Its name.",
                "type": "string",
                "maxLength": 9,
                "x-kubernetes-validations": [{"rule": "self != ''", "message": "must be"}],
            },
            "part": {"description": "The `part` of it.", "default": {}, **part},
            "other": {"description": "Perhaps another.", "nullable": True, **part},
            "words": {
                "description": "Words.",
                "type": "array",
                "default": [],
                "x-kubernetes-list-type": "set",
                "items": {"type": "string"},
            },
        },
    }


def test_a_status_has_neither_defaults_nor_nulls():
    properties = structural(Whole, declared=False)["properties"]
    assert not any({"default", "nullable"} & field.keys() for field in properties.values())


class Undescribed(ResourceModel):
    """A model whose field says nothing."""

    field: int = 0


class Unlisted(ResourceModel):
    """A model whose list does not say how it merges."""

    field: tuple[int, ...] = ()
    """Numbers."""


class Free(ResourceModel):
    """A model with a mapping of anything."""

    field: dict[str, str] = Field(default_factory=dict)
    """Labels."""


class Either(ResourceModel):
    """A model with a union."""

    field: int | str = 0
    """One of two."""


class Untyped(ResourceModel):
    """A model with anything."""

    field: Any = 0
    """Anything."""


class Fixed(ResourceModel):
    """A model whose list has places."""

    field: Annotated[tuple[int, str], ATOMIC]
    """A pair."""


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (Undescribed, r"Undescribed\.field: has no description"),
        (Unlisted, r"Unlisted\.field: a list without a list type"),
        (Free, r"Free\.field: cannot say a free mapping"),
        (Either, r"Either\.field: a union of more than a type and null"),
        (Untyped, r"Untyped\.field: has no type"),
        (Fixed, r"Fixed\.field: cannot say prefixItems"),
    ],
)
def test_what_a_structural_schema_cannot_say_is_an_error(model, words):
    with pytest.raises(SchemaError, match=words):
        structural(model, declared=True)


def nodes(schema: Schema, path: str = "") -> Iterator[tuple[str, Schema]]:
    yield path, schema
    for name, field in schema.get("properties", {}).items():
        yield from nodes(field, f"{path}.{name}")
    if "items" in schema:
        yield from nodes(schema["items"], f"{path}[]")


@pytest.mark.parametrize("definition", DEFINITIONS.values(), ids=DEFINITIONS)
def test_every_field_is_described_and_bounded(definition: Definition):
    for path, node in nodes(definition.schema()):
        assert not FORBIDDEN & node.keys(), path
        assert "type" in node, path
        if path.startswith((".spec", ".status")) and not path.endswith("[]"):
            assert node["description"], path
        if node["type"] == "array":
            assert node["maxItems"], path
            assert node["x-kubernetes-list-type"] in {"atomic", "set", "map"}, path
        if node["type"] == "string" and path not in {".apiVersion", ".kind"}:
            assert "maxLength" in node or "enum" in node, path


@pytest.mark.parametrize("definition", DEFINITIONS.values(), ids=DEFINITIONS)
def test_columns_and_selectable_fields_are_there(definition: Definition):
    known = {path for path, _ in nodes(definition.schema())}
    shown = [column.json_path for column in definition.columns if "[?" not in column.json_path]
    assert known >= {*shown, *definition.selectable} - {".metadata.creationTimestamp"}
    named = {type_ for type_, _ in definition.conditions}
    for column in definition.columns:
        _, condition, type_ = column.json_path.partition('[?(@.type=="')
        assert not condition or type_.partition('"')[0] in named


@pytest.mark.parametrize(
    ("definition", "written"), [(SUBSCRIPTIONS, subscriptions.REASONS), (REPLAYS, replays.REASONS)]
)
def test_the_conditions_named_are_those_that_are_written(definition: Definition, written):
    assert [type_ for type_, _ in definition.conditions] == [*written]
