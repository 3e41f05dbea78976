"""
What all resource models have in common.

Fields are spelled in camelCase, unknown ones are refused, ``null`` means unset (as the Kubernetes API
server has it), values never show up in errors, and a model may have a table of rules over its fields.
"""

from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler, model_validator
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from hookgate.resources.rules import Rules

__all__ = ["ResourceModel"]


class ResourceModel(BaseModel):
    """A part of a resource: frozen, strict about its fields."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
    )
    rules: ClassVar[Rules[Any]] = Rules()

    @model_validator(mode="before")
    @classmethod
    def _unset_nulls(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        return {key: value for key, value in data.items() if value is not None}

    @model_validator(mode="after")
    def _obey(self) -> Self:
        return self.rules.check(self)  # type: ignore[no-any-return]  # it returns what it is given

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        described = handler(schema)
        if cls.rules.rows:
            handler.resolve_ref_schema(described)["x-kubernetes-validations"] = cls.rules.schema()
        return described
