"""
Work that goes on beside everything else, for as long as the gateway runs.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

from hookgate_gateway.observe import Observer

__all__ = ["background"]

_PAUSE = 1.0
"""Seconds before work that failed is taken up again."""


@asynccontextmanager
async def background(
    works: Mapping[str, Callable[[], Awaitable[None]]], observer: Observer
) -> AsyncIterator[None]:
    """Do these until the end of the block; a failure is told by its type and does not end the others."""
    tasks = [
        asyncio.create_task(_keep(name, work, observer), name=name) for name, work in works.items()
    ]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _keep(name: str, work: Callable[[], Awaitable[None]], observer: Observer) -> None:
    while True:
        try:
            await work()
        except Exception as error:  # noqa: BLE001  # it must go on; the text may quote a manifest
            observer.error("background_failed", work=name, error=type(error).__name__)
        await asyncio.sleep(_PAUSE)
