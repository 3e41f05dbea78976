"""
Which series an expression of PromQL asks for: names, matchers and the labels that it groups by.

    for selector in selectors('sum by (result) (rate(hookgate_x_total{namespace=~"a|b"}[5m]))'):
        selector.name == "hookgate_x_total"; selector.matchers == {"namespace": ("=~", "a|b")}

It is not a parser: whether an expression is PromQL at all is Prometheus' to say. What it cannot place raises.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""\s*(?:(?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')"""
    r"""|(?P<word>[A-Za-z_:][A-Za-z0-9_:]*)|(?P<number>\d[\w.]*|\.\d+)|(?P<mark>=~|!~|!=|==|<=|>=|.))"""
)
_OPERATORS = {"and", "or", "unless", "bool", "offset", "atan2", "inf", "nan"}
_GROUPING = {"by", "without", "on", "ignoring", "group_left", "group_right"}


@dataclass(frozen=True, slots=True)
class Selector:
    """One vector selector: the name of its series, and its matchers as label → (operator, value)."""

    name: str
    matchers: dict[str, tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Grouping:
    """The labels of one `by (…)`, `on (…)` and the like."""

    word: str
    labels: tuple[str, ...]


def selectors(expr: str) -> list[Selector]:
    """The series that it asks for, in their order."""
    return [found for found in _read(expr) if isinstance(found, Selector)]


def groupings(expr: str) -> list[Grouping]:
    """The labels that it groups or matches by."""
    return [found for found in _read(expr) if isinstance(found, Grouping)]


def _read(expr: str) -> Iterator[Selector | Grouping]:
    tokens = [(match.lastgroup, match[match.lastgroup]) for match in _TOKEN.finditer(expr.strip())]
    kinds = [kind for kind, _ in tokens] + [None]
    texts = [text for _, text in tokens] + [""]
    at = 0
    while kinds[at] is not None:
        word, following = texts[at], texts[at + 1]
        if kinds[at] != "word":
            if word == "[":  # a range or a subquery: durations alone
                at = texts.index("]", at)
            elif word == "{":
                raise ValueError(f"a selector without a name: {expr}")
            at += 1
        elif word in _GROUPING:
            labels: list[str] = []
            if following == "(":
                end = texts.index(")", at)
                labels = [text for text in texts[at + 2 : end] if text != ","]
                at = end
            yield Grouping(word, tuple(labels))
            at += 1
        elif word.lower() in _OPERATORS or following == "(" or following in _GROUPING:
            at += 2 if word == "offset" else 1
        elif following == "{":
            end = texts.index("}", at)
            yield Selector(word, _matchers(texts[at + 2 : end]))
            at = end + 1
        else:
            yield Selector(word, {})
            at += 1


def _matchers(texts: list[str]) -> dict[str, tuple[str, str]]:
    found: dict[str, tuple[str, str]] = {}
    rest = [text for text in texts if text != ","]
    while rest:
        label, operator, value, *rest = rest
        assert label not in found, f"{label} twice"
        found[label] = (operator, value[1:-1])
    return found
