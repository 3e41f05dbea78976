"""
Large bodies on their way out: read at send, and only so many bytes of them in memory at once.

A namespace gets at most half, so that a tenant's hung receivers keep nobody else's bodies waiting.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from hookgate_gateway.rules.delivery import Namespace

LARGE_BODY_BYTES = 256 * 1024 * 1024


class LargeBodies:
    """Room for ``limit`` bytes. One body always fits, however large."""

    def __init__(self, limit: int = LARGE_BODY_BYTES) -> None:
        self._limit = limit
        self._used: Counter[Namespace] = Counter()
        self._freed = asyncio.Condition()

    @asynccontextmanager
    async def room(self, namespace: Namespace, size: int) -> AsyncIterator[None]:
        """Wait until there is room, and keep it."""
        async with self._freed:
            await self._freed.wait_for(lambda: self._fits(namespace, size))
            self._used[namespace] += size
        try:
            yield
        finally:
            self._used[namespace] -= size
            if not self._used[namespace]:
                del self._used[namespace]
            async with self._freed:
                self._freed.notify_all()

    def _fits(self, namespace: Namespace, size: int) -> bool:
        used = self._used[namespace]
        if not used:
            return self._used.total() + size <= self._limit or not self._used.total()
        return used + size <= self._limit // 2 and self._used.total() + size <= self._limit
