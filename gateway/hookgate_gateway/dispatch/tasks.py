"""
Tasks that cannot outlive their owner, and that do not take each other down.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from hookgate_gateway.observe import Observer
from hookgate_gateway.ports import StoreUnavailable

_PAUSE = 1.0
"""Seconds before a loop that failed goes on."""


class Tasks:
    """The tasks of one owner."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer
        self._tasks: set[asyncio.Task[None]] = set()

    def keep(self, name: str, loop: Callable[[], Awaitable[None]]) -> None:
        """Run ``loop``, again after it failed, until the end."""
        self._own(name, self._keep(name, loop))

    def spawn(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        """Run ``work`` once."""
        task = self._own(name, self._once(name, work))
        task.add_done_callback(lambda _: work.close())  # it may have been cancelled before it began

    def _own(self, name: str, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work, name=f"dispatch: {name}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def end(self) -> None:
        """Cancel all and wait until they are over."""
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _keep(self, name: str, loop: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await loop()
            except StoreUnavailable as error:
                self._observer.warning("dispatch_waits_for_store", part=name, error=str(error))
            except Exception as error:  # noqa: BLE001 - one loop's fault must not stop the others
                self._failed(name, error)
            await asyncio.sleep(_PAUSE)

    async def _once(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception as error:  # noqa: BLE001 - as above
            self._failed(name, error)

    def _failed(self, name: str, error: Exception) -> None:
        self._observer.error("dispatch_failed", part=name, error=f"{type(error).__name__}: {error}")
