"""
Bodies that have not come whole: how much of the memory they hold, and which one is cut off when it is full.

What an upload costs is its bytes for as long as they are held. When there is no room the dearest one is
cut off, not whoever comes last: else a few clients that send much and never finish would keep
everybody else out, and at a path that asks for no key these can be anybody.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from hookgate_gateway.api.errors import Refusal

__all__ = ["Upload", "Uploads"]


@dataclass(eq=False, slots=True)
class Upload:
    """One body under way."""

    holder: str
    """Whose share it takes."""
    began: float
    """By a clock that only goes forward, seconds."""
    end: Callable[[], None]
    """Ends its reading."""
    held: int = 0
    """Bytes that have come."""
    cut: bool = False
    """Whether it was ended to make room."""

    def cost(self, now: float) -> float:
        """Byte-seconds, about."""
        return self.held * (now - self.began)


@dataclass(eq=False, slots=True)
class _Share:
    uploads: set[Upload] = field(default_factory=set)
    held: int = 0


class Uploads:
    """Room for ``budget`` bytes, of which one holder may have half."""

    def __init__(self, budget: int, now: Callable[[], float] = time.monotonic) -> None:
        self._budget = budget
        self._now = now
        self._held = 0
        self._shares: dict[str, _Share] = {}

    @contextmanager
    def one(self, holder: str, end: Callable[[], None]) -> Iterator[Upload]:
        """An upload, until the block ends; ``end`` is called at most once, when it has to make room."""
        upload = Upload(holder, self._now(), end)
        share = self._shares.setdefault(holder, _Share())
        share.uploads.add(upload)
        try:
            yield upload
        finally:
            self._forget(upload)

    def add(self, upload: Upload, size: int) -> None:
        """Count ``size`` bytes more, and make room for them; Refusal if this is the one that has to end."""
        if upload.cut:
            raise refused()
        share = self._shares[upload.holder]
        upload.held += size
        share.held += size
        self._held += size
        while share.held * 2 > self._budget:
            self._cut(share)
        while self._held > self._budget:
            self._cut(max(self._shares.values(), key=lambda each: each.held))
        if upload.cut:
            raise refused()

    def _cut(self, share: _Share) -> None:
        """End the dearest; what it held is free at once, as far as the others are concerned."""
        now = self._now()
        dearest = max(share.uploads, key=lambda each: each.cost(now))
        dearest.cut = True
        self._forget(dearest)
        dearest.end()

    def _forget(self, upload: Upload) -> None:
        share = self._shares.get(upload.holder)
        if share is None or upload not in share.uploads:
            return
        share.uploads.remove(upload)
        share.held -= upload.held
        self._held -= upload.held
        if not share.uploads:
            del self._shares[upload.holder]


def refused() -> Refusal:
    """503 for an upload that was cut off."""
    return Refusal(503, "overloaded", "too many unfinished requests", retry_after=1.0)
