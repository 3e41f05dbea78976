"""
The values as tables in Markdown, a part for each value at the top that has others inside.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from generators.chart_values.source import Value, leaves

__all__ = ["with_table"]

_BEGIN = "<!-- values: made by `make generate` from values.yaml; edit that -->\n"
_END = "<!-- /values -->"


def with_table(page: str, values: Sequence[Value]) -> str:
    """The page with the present table between its marks. Raises ValueError without them."""
    before, begin, rest = page.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not (begin and end):
        raise ValueError(f"no place for the table: {_BEGIN.strip()} … {_END}")
    table = "\n".join(_table(values))
    return f"{before}{begin}\n{table}\n\n{end}{after}"


def _table(values: Sequence[Value]) -> Iterator[str]:
    yield from _rows([value for value in values if not value.children])
    for value in values:
        if value.children:
            yield ""
            yield f"### {value.name}"
            yield ""
            yield value.description
            yield ""
            yield from _rows(list(leaves(value.children)))


def _rows(values: Sequence[Value]) -> Iterator[str]:
    yield "| Value | Default | Meaning |"
    yield "| --- | --- | --- |"
    for value in values:
        meaning = value.description.replace("|", "\\|")
        yield f"| `{value.name}` | {_shown(value.default)} | {meaning} |"


def _shown(default: Any) -> str:
    return f"`{json.dumps(default, ensure_ascii=False)}`".replace("|", "\\|")
