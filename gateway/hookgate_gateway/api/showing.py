"""
Room for large payloads that handlers have in hand: what clients ask for and are shown, until it is stored or read.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from hookgate_gateway.api.errors import Refusal
from hookgate_gateway.ports import RunRecord

__all__ = ["UNCOUNTED", "Showing", "crowded", "parsed_size", "run_size"]

_BYTES: Final = 64 * 1024 * 1024
UNCOUNTED: Final = 64 * 1024
"""Bytes of a payload that needs no room: about what a connection buffers anyway."""
_OBJECT: Final = 72
"""Bytes of an empty object or array, and of its place in another."""
_VALUE: Final = 40
"""The same of a number or a short text."""


class Showing:
    """At most ``limit`` bytes at once. One payload always may be shown, however large."""

    def __init__(self, limit: int = _BYTES) -> None:
        self._limit = limit
        self._held = 0

    def hold(self, size: int) -> bool:
        """Take room; False when there is none."""
        if size <= UNCOUNTED:
            return True
        if self._held and self._held + size > self._limit:
            return False
        self._held += size
        return True

    def release(self, size: int) -> None:
        """Give it back."""
        if size > UNCOUNTED:
            self._held -= size

    @contextmanager
    def room(self, size: int) -> Iterator[None]:
        """For as long as a handler waits with it in hand. Raises Refusal 503 when there is none."""
        if not self.hold(size):
            raise crowded()
        try:
            yield
        finally:
            self.release(size)


def crowded() -> Refusal:
    """503: come again."""
    return Refusal(503, "overloaded", "too many large payloads are being read", retry_after=1.0)


def run_size(run: RunRecord) -> int:
    """The bytes of what a run was asked with, and of the payload that speaks for it."""
    return len(run.request or b"") + len(run.payload or b"")


def parsed_size(body: bytes) -> int:
    """The bytes of a JSON body and, about, of what it becomes once it is parsed."""
    containers = body.count(b"{") + body.count(b"[")
    return 2 * len(body) + _OBJECT * containers + _VALUE * body.count(b",")
