"""
Shell-style patterns with ``*`` and ``?`` alone, matched in a time that no text can blow up.

A pattern is cut at its stars; the pieces are found from left to right, each at its first place. That
is right because a star takes anything, and it never goes back. ``[`` is a character like any other.
"""

from dataclasses import dataclass, field
from functools import lru_cache

__all__ = ["MAX_TEXT", "Pattern", "compile_pattern"]

MAX_TEXT = 1024
"""Longer texts are no ids: no pattern but ``*`` matches them."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """A compiled pattern. Made by :func:`compile_pattern`."""

    text: str
    literal: bool
    """Without ``*`` and ``?``: matches its own text alone."""
    prefix: str | None
    """Of a pattern like ``wpid_*``: what all that it matches begins with, and nothing else is asked."""
    _head: str = field(repr=False)
    _middle: tuple[str, ...] = field(repr=False)
    _tail: str | None = field(repr=False)
    """None when the pattern has no star."""

    def matches(self, text: str) -> bool:
        if self.literal:
            return text == self.text
        if self.text == "*":
            return True
        if len(text) > MAX_TEXT:
            return False
        if self._tail is None:
            return len(text) == len(self._head) and _at(self._head, text, 0)
        return self._spans(text, self._tail)

    def _spans(self, text: str, tail: str) -> bool:
        position, end = len(self._head), len(text) - len(tail)
        if position > end or not _at(self._head, text, 0) or not _at(tail, text, end):
            return False
        for piece in self._middle:
            position = _find(piece, text, position, end)
            if position < 0:
                return False
            position += len(piece)
        return True


@lru_cache(4096)
def compile_pattern(text: str) -> Pattern:
    """The pattern ``text``."""
    head, *rest = text.split("*")
    return Pattern(
        text,
        "*" not in text and "?" not in text,
        head if head and rest == [""] and "?" not in head else None,
        head,
        tuple(piece for piece in rest[:-1] if piece),
        rest[-1] if rest else None,
    )


def _at(piece: str, text: str, start: int) -> bool:
    """Whether ``piece`` is in ``text`` at ``start``; there is room for it."""
    if "?" not in piece:
        return text.startswith(piece, start)
    found = text[start : start + len(piece)]
    return all(wanted in ("?", got) for wanted, got in zip(piece, found, strict=True))


def _find(piece: str, text: str, start: int, end: int) -> int:
    """The first place of ``piece`` in ``text[start:end]``, or -1."""
    if "?" not in piece:
        return text.find(piece, start, end)
    places = range(start, end - len(piece) + 1)
    return next((place for place in places if _at(piece, text, place)), -1)
