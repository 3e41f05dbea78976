"""
What an API key or a source may do at most, as its Secret's annotations say.

The Secret is the tenant's own, so an annotation lowers what the gateway's settings allow and never
raises it.
"""

from collections.abc import Mapping

from hookgate_gateway.contract import KeyLimits

__all__ = [
    "MAX_BODY_ANNOTATION",
    "RATE_ANNOTATION",
    "TOLERANCE_ANNOTATION",
    "BadLimit",
    "read_limits",
    "read_tolerance",
]

MAX_BODY_ANNOTATION = "hookgate.dev/max-body-bytes"
RATE_ANNOTATION = "hookgate.dev/requests-per-second"
TOLERANCE_ANNOTATION = "hookgate.dev/tolerance-seconds"

_LARGEST = 10**12


class BadLimit(ValueError):
    """An annotation that is no limit; the message names it and says what it must be."""


def read_limits(annotations: Mapping[str, str]) -> KeyLimits:
    """The limits in a Secret's annotations. Raises BadLimit."""
    body = _number(annotations, MAX_BODY_ANNOTATION, "a whole number of bytes, 1 or more")
    if body is not None and not body.is_integer():
        raise BadLimit(f"annotation {MAX_BODY_ANNOTATION} must be a whole number of bytes")
    rate = _number(annotations, RATE_ANNOTATION, "a number above 0")
    return KeyLimits(None if body is None else int(body), rate)


def read_tolerance(annotations: Mapping[str, str]) -> float | None:
    """Seconds that a source's timestamp may be off, or None when it is not judged. Raises BadLimit."""
    return _number(annotations, TOLERANCE_ANNOTATION, "a number of seconds above 0")


def _number(annotations: Mapping[str, str], name: str, expected: str) -> float | None:
    if name not in annotations:
        return None
    try:
        number = float(annotations[name])
    except (TypeError, ValueError):
        number = 0.0
    if not 0 < number <= _LARGEST:
        raise BadLimit(f"annotation {name} must be {expected}")
    return number
