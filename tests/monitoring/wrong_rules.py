"""
An alert made wrong in every way that changes what it means: for those who ask whether its cases notice.

Each wrong one differs from the right one in a single place: it waits for longer or not so long, its threshold is a
fifth higher or lower (a threshold of nothing: one higher or lower), it looks further ahead or
less far, or it asks for series that it leaves out.
"""

import re
from collections.abc import Iterator
from typing import Any

from tests.monitoring.alerting import Alert, alerting

_COMPARISON = re.compile(r"(?<!3600\) )([<>]=?|==) (\d[\d.]*)")
_HOURS = re.compile(r"(\d+) \* 3600")
_MATCHER = re.compile(r'\w+(?:!=|=~|!~|=)"[^"]*"(?:, )?')
_WAITS = re.compile(r"(\d+)m")

Rules = list[dict[str, Any]]


def wrong_ones(alert: Alert) -> Iterator[tuple[str, Rules]]:
    """What is wrong, and the rules of the alert's name: the wrong one, and the other severity as it is."""
    rules = alerting(alert.name)
    (right,) = [rule for rule in rules if rule["labels"]["severity"] == alert.severity]
    others = [rule for rule in rules if rule is not right]
    for waits in _waits(alert.waits):
        yield f"for: {waits}", [*others, right | {"for": waits}]
    for expr in _exprs(alert.expr):
        yield expr, [*others, right | {"expr": expr}]


def _waits(right: str) -> Iterator[str]:
    minutes = int(_WAITS.fullmatch(right)[1])  # type: ignore[index]
    yield f"{minutes * 6 // 10}m"
    yield f"{minutes * 3 // 2}m"


def _exprs(right: str) -> Iterator[str]:
    for found in _COMPARISON.finditer(right):
        for threshold in _thresholds(float(found[2])):
            yield _with(right, found, f"{found[1]} {threshold:g}")
    if hours := _HOURS.search(right):
        for ahead in _thresholds(float(hours[1])):
            yield _HOURS.sub(f"{ahead:g} * 3600", right)
    for found in _MATCHER.finditer(right):
        yield _with(right, found, "").replace(", }", "}")


def _thresholds(right: float) -> tuple[float, float]:
    return (right - 1, right + 1) if right in (0, 1) else (right * 0.8, right * 1.2)


def _with(text: str, found: re.Match[str], instead: str) -> str:
    return text[: found.start()] + instead + text[found.end() :]
