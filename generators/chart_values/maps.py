"""
The names of all maps with values inside, for the chart's templates: they cannot read values.yaml itself.

Helm takes a map away that a user sets to null, defaults and all, and a template that looks into it then fails
with a message about Go. So ``hookgate.validate`` asks for each of these first.
"""

from collections.abc import Iterator, Sequence

from generators.chart_values.source import Value

__all__ = ["maps_template"]

_TEMPLATE = """\
{{/*
The values that are maps with values inside, each behind the one that it is in.
Made by `make generate` from values.yaml; edit that.
*/}}
{{- define "hookgate.maps" -}}
%s
{{- end -}}
"""


def maps_template(values: Sequence[Value]) -> str:
    """A template that defines ``hookgate.maps``: their dotted names as a list in YAML."""
    return _TEMPLATE % "\n".join(f"- {name}" for name in _names(values))


def _names(values: Sequence[Value]) -> Iterator[str]:
    for value in values:
        if value.children:
            yield value.name
            yield from _names(value.children)
