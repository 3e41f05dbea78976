"""How values.yaml is read for its schema and its table."""

import pytest
from generators.chart_values.schema import schema
from generators.chart_values.source import UndocumentedValue, leaves, read_values
from generators.chart_values.table import with_table

VALUES = """\
# About the file.

# -- How many, of which
# there may be several.
# @schema {minimum: 0}
count: 1
# -- What it is made of.
parts:
  # -- Their labels | of any kind.
  # @schema labels
  labels: {}
  # -- How long, or null.
  # @schema {type: [number, "null"]}
  seconds: null
"""
PAGE = "before\n<!-- values: made by `make generate` from values.yaml; edit that -->\nold\n<!-- /values -->\nafter\n"


def test_a_comment_goes_on_over_lines_and_ends_at_its_value():
    count, parts = read_values(VALUES)
    assert count.description == "How many, of which there may be several."
    assert parts.description == "What it is made of."


def test_a_map_with_a_shape_is_a_value_as_a_whole():
    assert [each.name for each in leaves(read_values(VALUES))] == [
        "count",
        "parts.labels",
        "parts.seconds",
    ]


@pytest.mark.parametrize("text", ["a: 1\n", "# A note.\na: 1\n", "# -- A.\na:\n  b: 1\n"])
def test_every_value_is_documented(text):
    with pytest.raises(UndocumentedValue, match=r"^a(\.b)? has no comment"):
        read_values(text)


def test_types_come_from_defaults_unless_they_are_said():
    made = schema(read_values(VALUES))["properties"]
    assert made["count"] == {
        "description": "How many, of which there may be several.",
        "type": "integer",
        "minimum": 0,
        "default": 1,
    }
    inside = made["parts"]["properties"]
    assert made["parts"]["additionalProperties"] is False
    assert inside["labels"]["additionalProperties"] == {"type": "string"}
    assert inside["seconds"]["type"] == ["number", "null"]


def test_a_shape_that_nobody_knows_is_a_mistake():
    with pytest.raises(KeyError, match="lables"):
        schema(read_values("# -- A.\n# @schema lables\na: {}\n"))


def test_the_table_replaces_the_former_one_and_nothing_else():
    page = with_table(PAGE, read_values(VALUES))
    assert page.startswith("before\n")
    assert page.endswith("\nafter\n")
    assert "old" not in page
    assert "| `parts.labels` | `{}` | Their labels \\| of any kind. |" in page
    assert with_table(page, read_values(VALUES)) == page


def test_a_page_without_marks_is_a_mistake():
    with pytest.raises(ValueError, match="no place for the table"):
        with_table("nothing", read_values(VALUES))
