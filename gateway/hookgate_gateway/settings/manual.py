"""
The settings for people: the text of ``hookgate gateway --help`` and the table of the README.
"""

from collections.abc import Iterator
from enum import StrEnum
from textwrap import fill

from pydantic.fields import FieldInfo

from hookgate_gateway.rules.egress_rules import EgressRules
from hookgate_gateway.settings.model import Settings, variable

__all__ = ["help_text", "markdown_table"]


def help_text(width: int = 88) -> str:
    """Every setting with its default and its meaning, for a terminal."""
    return "\n\n".join(_paragraph(name, field, width) for name, field in _fields())


def markdown_table() -> str:
    """Every setting as a row of a Markdown table."""
    rows = [
        f"| `{variable(name)}` | {_default(field)} | {_cell(field.description or '')} |"
        for name, field in _fields()
    ]
    return "\n".join(["| Variable | Default | Meaning |", "| --- | --- | --- |", *rows])


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _fields() -> Iterator[tuple[str, FieldInfo]]:
    yield from Settings.model_fields.items()


def _paragraph(name: str, field: FieldInfo, width: int) -> str:
    title = f"  {variable(name)}  ({_default(field).replace('`', '')})"
    meaning = (field.description or "").replace("`", "")
    indent = " " * 6
    text = fill(meaning, width, initial_indent=indent, subsequent_indent=indent)
    example = f"{indent}Example: {(field.examples or [''])[0].replace('`', '')}"
    return f"{title}\n{text}\n{example}"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.default
    if value is None or value == EgressRules():
        return "none"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, float):
        return f"`{value:g}`"
    return f"`{value.value if isinstance(value, StrEnum) else value}`"
