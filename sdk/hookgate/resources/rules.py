"""
Rules of resources that go beyond a plain bound: each one row, said once.

A row has the rule in CEL for the Kubernetes API server, the same rule as a Python predicate for
manifests and the gateway, and the one message that both of them refuse with. The rows hang on the
models as annotations, and the CRD's schema is generated from there.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

__all__ = ["Between", "Rule", "Rules", "cel_text", "matching"]

T = TypeVar("T")
_ECHOED = 10**15
"""Numbers up to here are shown in messages; larger ones say nothing more and may not even print."""


def cel_text(value: str) -> str:
    """``value`` as a CEL string literal."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


@dataclass(frozen=True, slots=True)
class Rule(Generic[T]):
    """One row: what must hold, in CEL and in Python, and what is said when it does not."""

    cel: str
    message: str
    """Reads on after the field's path: ``spec.endpoint.url: must start with …``. Never a value."""
    holds: Callable[[T], bool]


def matching(pattern: str, message: str) -> Rule[str]:
    """A rule that a text matches ``pattern`` in whole; the pattern means the same in RE2 and in Python."""
    compiled = re.compile(pattern)
    return Rule(
        f"self.matches({cel_text(f'^(?:{pattern})$')})",
        message,
        lambda value: compiled.fullmatch(value) is not None,
    )


class Rules(Generic[T]):
    """A table of rules for one kind of value, usable as an annotation of a field."""

    def __init__(self, *rows: Rule[T]) -> None:
        self.rows = rows

    def broken(self, value: T) -> str | None:
        """The message of the first rule that does not hold, or None."""
        return next((row.message for row in self.rows if not row.holds(value)), None)

    def check(self, value: T) -> T:
        """``value`` itself; raises PydanticCustomError of type ``rule`` when a rule is broken."""
        if message := self.broken(value):
            raise PydanticCustomError("rule", "{message}", {"message": message})
        return value

    def schema(self) -> list[dict[str, str]]:
        """The rows as ``x-kubernetes-validations``."""
        return [{"rule": row.cel, "message": row.message} for row in self.rows]

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        described = handler(schema)
        described["x-kubernetes-validations"] = [
            *described.get("x-kubernetes-validations", []),
            *self.schema(),
        ]
        return described


@dataclass(frozen=True, slots=True)
class Between:
    """A plain bound on a whole number, both ends included, that knows how to say itself."""

    minimum: int
    maximum: int
    unit: str = ""

    def check(self, value: int) -> int:
        """The number itself. Raises PydanticCustomError when it is outside."""
        if self.minimum <= value <= self.maximum:
            return value
        shown = str(value) if abs(value) < _ECHOED else "the number"
        raise PydanticCustomError("between", "{message}", {"message": f"{shown} is not {self}"})

    def __str__(self) -> str:
        return f"between {self.minimum} and {self.maximum} {self.unit}".rstrip()

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_after_validator_function(
            self.check, core_schema.int_schema(strict=True)
        )

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {**handler(schema), "minimum": self.minimum, "maximum": self.maximum}
