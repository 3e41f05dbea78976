"""
Values that are made for every delivery.

The guard of a frozen dataclass costs two thirds of its making: each field is set by a call. What is made
several times a delivery is frozen to the type checker instead, which is strict in all of this code.
"""

from dataclasses import dataclass, field
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
def busy_value(cls: type[T]) -> type[T]:
    """A dataclass as ``dataclass(frozen=True, slots=True, kw_only=True)``, with nothing in the way at run time."""
    return dataclass(slots=True, kw_only=True, unsafe_hash=True)(cls)
