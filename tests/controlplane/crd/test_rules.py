"""Every rule is broken by a manifest and kept by another: the table is whole."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from hookgate_operator.crd.definitions import DEFINITIONS
from hookgate_operator.crd.schema import Schema
from tests.manifest_cases import EDITED, REFUSED, TAKEN

SPECS = {
    definition.kind: definition.schema()["properties"]["spec"]
    for definition in DEFINITIONS.values()
}
Row = tuple[str, str]
"""CEL and message."""


def rows_of(schema: Schema) -> list[Row]:
    return [(row["rule"], row["message"]) for row in schema.get("x-kubernetes-validations", ())]


def all_rows(schema: Schema) -> Iterator[Row]:
    yield from rows_of(schema)
    for part in (*schema.get("properties", {}).values(), *filter(None, [schema.get("items")])):
        yield from all_rows(part)


def asked(schema: Schema, value: Any) -> Iterator[Row]:
    """The rows that a value is judged by."""
    if value is None:
        return
    yield from rows_of(schema)
    if isinstance(value, dict):
        for name, within in value.items():
            yield from asked(schema["properties"][name], within)
    if isinstance(value, list):
        for item in value:
            yield from asked(schema["items"], item)


def at(schema: Schema, path: str) -> Schema:
    """The part of a spec's schema that a problem's path leads to."""
    for name in re.split(r"\.|(?=\[)", path)[1:]:
        schema = schema["items"] if name.startswith("[") else schema["properties"][name]
    return schema


EVERY = {row for schema in SPECS.values() for row in all_rows(schema)}
TRANSITIONS = {row for row in EVERY if "oldSelf" in row[0]}


def test_there_are_rows():
    assert len(EVERY) > 15
    assert len(TRANSITIONS) == 2


@pytest.mark.parametrize("row", sorted(EVERY - TRANSITIONS), ids=lambda row: row[1])
def test_a_rule_is_broken_by_a_manifest_and_kept_by_another(row: Row):
    broken = [
        case
        for case in REFUSED
        if case.server is None
        and case.words == row[1]
        and row in rows_of(at(SPECS[case.sound["kind"]], case.where))
    ]
    kept = [m for m in TAKEN if row in asked(SPECS[m["kind"]], m["spec"])]
    assert broken
    assert kept


@pytest.mark.parametrize("row", sorted(TRANSITIONS), ids=lambda row: row[1])
def test_a_transition_is_refused_by_one_edit_and_let_pass_by_another(row: Row):
    lines = [case.line and case.line.partition(": ")[2] for case in EDITED]
    assert row[1] in lines
    assert None in lines
