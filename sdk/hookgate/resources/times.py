"""
Moments as resources write them: RFC 3339 with an offset, as the Kubernetes API has them.
"""

import re
from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, Field, Strict
from pydantic_core import PydanticCustomError

__all__ = ["Moment", "instant"]

_PATTERN = (
    r"^[12][0-9]{3}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?"
    r"(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$"
)
"""Narrower than the API server's ``date-time``, whose CEL fails on a lower-case ``t`` or ``z``."""
_MAX_LENGTH = 40
_written = re.compile(_PATTERN, re.ASCII)


def instant(text: str) -> datetime:
    """The instant that a Moment names."""
    return datetime.fromisoformat(text)


def _checked(text: str) -> str:
    try:
        if _written.fullmatch(text):
            instant(text)
            return text
    except ValueError:
        pass  # a month of 13, a February of 30 days
    raise PydanticCustomError("moment", "must be a time like 2026-03-01T10:00:00Z")


Moment = Annotated[
    str,
    Strict(),
    AfterValidator(_checked),
    Field(max_length=_MAX_LENGTH, json_schema_extra={"format": "date-time", "pattern": _PATTERN}),
]
"""RFC 3339 with ``Z`` or an offset; kept as it was written."""
