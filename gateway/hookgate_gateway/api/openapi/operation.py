"""
What the document says about a route: a value, one for all paths that do the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

__all__ = ["BODY_ERRORS", "JSON", "Operation", "Parameter", "Returns"]

JSON = "application/json"
BODY_ERRORS = frozenset({400, 408, 413, 415, 422})
"""What every route that reads a body may answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A query parameter or a header that a route understands; never required."""

    name: str
    description: str
    schema: Mapping[str, Any]
    place: str = "query"


@dataclass(frozen=True, slots=True)
class Returns:
    """An answer: its model (None: any JSON), whether it is a bare array of them, and its headers."""

    description: str
    model: type[BaseModel] | None = None
    many: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One thing that clients can ask for."""

    routes: tuple[str, ...]
    """``METHOD /path``, all that do this."""
    tag: str
    summary: str
    description: str = ""
    request: type[BaseModel] | None = None
    optional_body: bool = False
    examples: Mapping[str, Any] = field(default_factory=dict)
    """Request bodies by name."""
    parameters: tuple[Parameter, ...] = ()
    returns: Mapping[int, Returns]
    errors: frozenset[int] = frozenset()
    """Beside those that follow from what it is: a key, a body, names in its path."""
    keyed: bool = True
    """Asks for an API key."""

    @property
    def methods(self) -> tuple[tuple[str, str], ...]:
        """(method, path) of every route."""
        return tuple((method, path) for method, _, path in (r.partition(" ") for r in self.routes))
