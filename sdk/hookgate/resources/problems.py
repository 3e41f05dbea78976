"""
What is wrong with a resource, in lines that people can act on.

``spec.delivery.retryDelaysSeconds[2]: 0 is not between 1 and 86400 seconds``: the field's path, what
is wrong, and where it helps what would be right. Values are never shown, numbers excepted: anything
may turn out to be a secret in the wrong place.
"""

import difflib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

__all__ = ["Problem", "field_path", "problem_lines", "problems"]

_NAME_SHOWN = 60


class Problem(NamedTuple):
    """One thing that is wrong: where, what, and pydantic's word for it."""

    location: tuple[str | int, ...]
    message: str
    type: str

    def __str__(self) -> str:
        path = field_path(self.location)
        return f"{path}: {self.message}" if path else self.message


def problem_lines(error: ValidationError, model: type[BaseModel]) -> list[str]:
    """One line for each thing that is wrong with what was to be a ``model``."""
    return list(dict.fromkeys(map(str, problems(error, model))))


def problems(error: ValidationError, model: type[BaseModel]) -> list[Problem]:
    """Each thing that is wrong with what was to be a ``model``."""
    details = error.errors(include_url=False, include_input=False)
    return [
        Problem(d["loc"], _message(d, model), d["type"])
        for d in details
        if not _follows(d, details)
    ]


def _follows(detail: ErrorDetails, details: list[ErrorDetails]) -> bool:
    """Whether a list is only short because items of it were refused, which is told already."""
    location, depth = detail["loc"], len(detail["loc"])
    return detail["type"] == "too_short" and any(
        len(other["loc"]) > depth and other["loc"][:depth] == location for other in details
    )


def field_path(location: Sequence[str | int]) -> str:
    """``("spec", "headers", 2, "name")`` as ``spec.headers[2].name``."""
    path = ""
    for part in location:
        if isinstance(part, int):
            path += f"[{part}]"
        else:
            path += f".{_shown(part)}" if path else _shown(part)
    return path


def _message(detail: ErrorDetails, model: type[BaseModel]) -> str:
    location = detail["loc"]
    if detail["type"] == "extra_forbidden":
        return _unknown(str(location[-1]), _fields(model, location[:-1]))
    say = _MESSAGES.get(detail["type"])
    return say(detail.get("ctx", {})) if say else detail["msg"]


def _unknown(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"; did you mean {close[0]}?" if close else f"; known are {', '.join(known)}"
    return "is not a known field" + hint


def _shown(name: str) -> str:
    plain = name if name.isprintable() else ascii(name)
    return plain if len(plain) <= _NAME_SHOWN else plain[:_NAME_SHOWN] + "…"


def _length(context: Mapping[str, Any], what: str) -> str:
    least = context.get("min_length")
    count, bound = (least, "least") if least is not None else (context["max_length"], "most")
    return f"must have at {bound} {count} {what if count == 1 else what + 's'}"


def _always(message: str) -> Callable[[Mapping[str, Any]], str]:
    return lambda _: message


def _items(context: Mapping[str, Any]) -> str:
    return _length(context, "item")


def _characters(context: Mapping[str, Any]) -> str:
    return _length(context, "character")


def _expected(context: Mapping[str, Any]) -> str:
    return f"must be {str(context['expected']).replace(chr(39), '')}"


_MAPPING = _always("must be a mapping of fields")

_MESSAGES: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "missing": _always("is required"),
    "int_type": _always("must be a whole number"),
    "int_from_float": _always("must be a whole number"),
    "int_parsing_size": _always("must be a whole number"),
    "bool_type": _always("must be true or false"),
    "string_type": _always("must be text; put it in quotes"),
    "tuple_type": _always("must be a list"),
    "model_type": _MAPPING,
    "model_attributes_type": _MAPPING,
    "dict_type": _MAPPING,
    "too_short": _items,
    "too_long": _items,
    "string_too_short": _characters,
    "string_too_long": _characters,
    "literal_error": _expected,
    "enum": _expected,
}


def _fields(model: type[BaseModel], location: Sequence[str | int]) -> list[str]:
    """The names of the fields of that part of ``model``."""
    for part in location:
        found = _model_at(model, part)
        if found is not None:
            model = found
    return [field.alias or name for name, field in model.model_fields.items()]


def _model_at(model: type[BaseModel], part: str | int) -> type[BaseModel] | None:
    if isinstance(part, int):
        return None  # an item of the list whose model was found with the list's name
    annotations = (f.annotation for n, f in model.model_fields.items() if (f.alias or n) == part)
    return next((m for annotation in annotations for m in _models(annotation)), None)


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in get_args(annotation) for model in _models(argument)]
