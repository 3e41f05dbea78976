"""
The values of values.yaml with what their comments say of them.

Above each key stand ``# -- `` with what it is for, which may go on over lines, and where its default does
not say enough ``# @schema `` with what it may be: the name of a shape that ``schema`` knows, or keywords of
JSON Schema as YAML.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

__all__ = ["UndocumentedValue", "Value", "leaves", "read_values"]

_TEXT = "# -- "
_SCHEMA = "# @schema "


class UndocumentedValue(Exception):
    """A value has no comment that says what it is for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """One key of values.yaml."""

    path: tuple[str, ...]
    description: str
    default: Any
    shape: str | Mapping[str, Any] = field(default_factory=dict)
    """What was written behind ``@schema``: the name of a shape, or keywords."""
    children: Sequence["Value"] = ()
    """The values inside; a map with a shape is a value as a whole and has none."""

    @property
    def name(self) -> str:
        return ".".join(self.path)


def read_values(text: str) -> Sequence[Value]:
    """The values at the top of a values.yaml. Raises UndocumentedValue."""
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    if not isinstance(root, yaml.MappingNode):
        raise UndocumentedValue("values.yaml is no mapping")
    return tuple(_values(root, text.splitlines(), ()))


def leaves(values: Sequence[Value]) -> Iterator[Value]:
    """Those that are set as a whole, in the order of the file."""
    for value in values:
        if value.children:
            yield from leaves(value.children)
        else:
            yield value


def _values(
    mapping: yaml.MappingNode, lines: Sequence[str], parent: tuple[str, ...]
) -> Iterator[Value]:
    for key, node in mapping.value:
        path = (*parent, str(key.value))
        description, shape = _comment(_lines_above(lines, key.start_mark.line))
        if not description:
            raise UndocumentedValue(f"{'.'.join(path)} has no comment `# -- …` above it")
        descends = isinstance(node, yaml.MappingNode) and node.value and not shape
        yield Value(
            path=path,
            description=description,
            default=_plain(node),
            shape=shape,
            children=tuple(_values(node, lines, path)) if descends else (),
        )


def _plain(node: yaml.Node) -> Any:
    loader = yaml.SafeLoader("")
    try:
        return loader.construct_document(node)
    finally:
        loader.dispose()


def _lines_above(lines: Sequence[str], line: int) -> Sequence[str]:
    """The comment that ends directly above a line, without its indentation."""
    first = line
    while first > 0 and lines[first - 1].lstrip().startswith("#"):
        first -= 1
    return [each.strip() for each in lines[first:line]]


def _comment(lines: Sequence[str]) -> tuple[str, str | Mapping[str, Any]]:
    """What a value is for, and its shape."""
    words: list[str] = []
    shape: str | Mapping[str, Any] = {}
    for line in lines:
        if line.startswith(_TEXT):
            words = [line.removeprefix(_TEXT)]
        elif line.startswith(_SCHEMA):
            shape = yaml.safe_load(line.removeprefix(_SCHEMA))
        elif words:
            words.append(line.removeprefix("#").strip())
    return " ".join(words), shape
