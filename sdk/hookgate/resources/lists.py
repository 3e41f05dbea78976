"""
How lists of resources merge, and which of them have no item twice.

The Kubernetes API server refuses duplicates in sets and maps by itself, as lists say of what type they
are; here the same is refused for manifests and the gateway.
"""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

__all__ = ["ATOMIC", "SET", "ListType", "map_by"]


@dataclass(frozen=True, slots=True)
class ListType:
    """A list's ``x-kubernetes-list-type``, as an annotation of a field that is a tuple."""

    type: Literal["atomic", "set", "map"]
    keys: tuple[str, ...] = ()
    """The names (as in Python) of the fields that tell a map's items apart."""

    def check(self, items: tuple[Any, ...]) -> tuple[Any, ...]:
        """The items themselves. Raises PydanticCustomError when one is there twice."""
        if self.type != "atomic" and len({self._identity(item) for item in items}) < len(items):
            raise PydanticCustomError("duplicate", "must not have the same item twice")
        return items

    def _identity(self, item: Any) -> Hashable:
        return tuple(getattr(item, key) for key in self.keys) if self.keys else item

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        described = {**handler(schema), "x-kubernetes-list-type": self.type}
        if self.keys:
            described["x-kubernetes-list-map-keys"] = list(self.keys)
        return described


ATOMIC = ListType("atomic")
"""Replaced as a whole: order matters."""
SET = ListType("set")
"""Each item once, in no order."""


def map_by(*keys: str) -> ListType:
    """Items told apart by ``keys``: each combination once."""
    return ListType("map", keys)
