"""
Settings for people: the text of a command's ``--help`` and the tables of the documentation.
"""

from collections.abc import Iterator
from enum import StrEnum
from textwrap import fill

from pydantic.fields import FieldInfo

from hookgate_process.settings import EnvironmentSettings

__all__ = ["help_text", "markdown_table"]


def help_text(model: type[EnvironmentSettings], width: int = 88) -> str:
    """Every setting with its default and its meaning, for a terminal."""
    return "\n\n".join(_paragraph(*each, width) for each in _fields(model))


def markdown_table(model: type[EnvironmentSettings]) -> str:
    """Every setting as a row of a Markdown table."""
    rows = [
        f"| `{variable}` | {_default(field)} | {_cell(field.description or '')} |"
        for variable, field in _fields(model)
    ]
    return "\n".join(["| Variable | Default | Meaning |", "| --- | --- | --- |", *rows])


def _fields(model: type[EnvironmentSettings]) -> Iterator[tuple[str, FieldInfo]]:
    return ((model.variable(name), field) for name, field in model.model_fields.items())


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _paragraph(variable: str, field: FieldInfo, width: int) -> str:
    title = f"  {variable}  ({_default(field).replace('`', '')})"
    meaning = (field.description or "").replace("`", "")
    indent = " " * 6
    text = fill(meaning, width, initial_indent=indent, subsequent_indent=indent)
    example = f"{indent}Example: {(field.examples or [''])[0].replace('`', '')}"
    return f"{title}\n{text}\n{example}"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.default
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, int | float):
        return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"
    return f"`{value.value if isinstance(value, StrEnum) else value}`" if value else "none"
