"""
Lists: ``{items, next_cursor}``, newest first, and the query parameters that narrow them.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from aiohttp import web
from multidict import MultiMapping

from hookgate_gateway.api import answers, times
from hookgate_gateway.api.errors import invalid
from hookgate_gateway.ports import Page
from hookgate_gateway.rules.delivery import Timestamp

__all__ = [
    "MAX_LIMIT",
    "cursor",
    "flag",
    "limit",
    "moment",
    "number",
    "page_answer",
    "word",
    "words",
]

DEFAULT_LIMIT = 50
MAX_LIMIT = 200
_MAX_TEXT = 512
_MAX_WORDS = 50
_CLEAN = f"texts of at most {_MAX_TEXT} printable characters"

T = TypeVar("T")
Query = Mapping[str, str]


def limit(query: Query) -> int:
    """How many items a page has, 1–200. Raises Refusal 422."""
    return number(query, "limit", default=DEFAULT_LIMIT, most=MAX_LIMIT)


def cursor(query: Query) -> str | None:
    """Where the page begins: what the page before said."""
    return word(query, "cursor")


def number(query: Query, name: str, *, default: int, most: int) -> int:
    """A whole number from 1. Raises Refusal 422."""
    text = query.get(name)
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 10 and 1 <= int(text) <= most):
        raise invalid(["query", name], f"must be a whole number from 1 to {most}", "int_range")
    return int(text)


def flag(query: Query, name: str) -> bool:
    """``true`` or ``false``; left out is false. Raises Refusal 422."""
    text = query.get(name) or "false"
    if text not in ("true", "false"):
        raise invalid(["query", name], "must be true or false", "bool_parsing")
    return text == "true"


def word(query: Query, name: str) -> str | None:
    """A text to look for; empty is the same as left out. Raises Refusal 422."""
    text = query.get(name)
    if not text:
        return None
    if not _is_clean(text):
        raise invalid(
            ["query", name], f"must be a text of at most {_MAX_TEXT} printable characters"
        )
    return text


def words(query: MultiMapping[str], name: str) -> tuple[str, ...]:
    """Texts to look for, each given by its own parameter of that name. Raises Refusal 422."""
    found = tuple(text for text in query.getall(name, ()) if text)
    if len(found) > _MAX_WORDS or not all(map(_is_clean, found)):
        raise invalid(["query", name], f"must be at most {_MAX_WORDS} {_CLEAN}")
    return found


def moment(query: Query, name: str) -> Timestamp | None:
    """A time in RFC 3339, or naive UTC. Raises Refusal 422."""
    text = word(query, name)
    if text is None:
        return None
    try:
        # In a query an unescaped plus is a space: "…T10:00:00 02:00" meant an offset.
        return times.parse(text.replace(" ", "+") if "T" in text else text)
    except ValueError:
        raise invalid(["query", name], "must be a time like 2024-03-01T10:00:00Z") from None


def page_answer(page: Page[T], shape: Callable[[T], dict[str, Any]]) -> web.Response:
    """A page as JSON."""
    return answers.answer(
        {"items": [shape(item) for item in page.items], "next_cursor": page.cursor}
    )


def _is_clean(text: str) -> bool:
    return len(text) <= _MAX_TEXT and text.isprintable()
