"""
The workers: they take a key, have it reconciled, and decide when it comes back.

A reconciler that raises never ends the process: what was expected (OutsideError) is told once for each
change, everything else as an error with its place in the code; both come back after their back-off.
"""

import asyncio
import traceback
from collections.abc import Mapping
from enum import StrEnum
from typing import Protocol

from hookgate_operator.ports import Key, Kind, OutsideError
from hookgate_operator.work.queue import WorkQueue

__all__ = ["PATIENCE", "Reconciler", "Result", "WorkObserver", "Workers"]

PATIENCE = 120.0
"""Seconds after which a reconcile is given up: each request has its own limit, this is the last one."""


class Result(StrEnum):
    """How a reconcile ended: the label of ``operator_reconcile_total``."""

    SUCCESS = "success"
    RETRY = "retry"  # the cluster or the gateway could not; it comes back after its back-off
    ERROR = "error"  # a mistake of ours; it comes back all the same


class Reconciler(Protocol):
    """Makes the world agree with one object."""

    async def reconcile(self, key: Key) -> float | None:
        """Look, decide, act. The answer is in how many seconds to look again, if ever."""
        ...


class WorkObserver(Protocol):
    """Who counts and logs."""

    def reconciled(self, kind: Kind, result: Result, seconds: float) -> None:
        """A reconcile ended."""
        ...

    def event(self, name: str, /, **fields: object) -> None: ...

    def warning(self, name: str, /, **fields: object) -> None: ...

    def error(self, name: str, /, **fields: object) -> None: ...


class Workers:
    """So many workers on one queue; ``run`` ends only by being cancelled."""

    def __init__(
        self,
        queue: WorkQueue,
        reconcilers: Mapping[Kind, Reconciler],
        observer: WorkObserver,
        *,
        count: int = 8,
        patience: float = PATIENCE,
    ) -> None:
        self._queue = queue
        self._reconcilers = reconcilers
        self._observer = observer
        self._count = count
        self._patience = patience
        self._trouble: dict[Key, str] = {}
        """What was told of the keys that failed last time."""

    async def run(self) -> None:
        """Work until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                for number in range(self._count):
                    group.create_task(self._work(), name=f"worker {number}")
        finally:
            self._queue.close()

    async def _work(self) -> None:
        while True:
            key = await self._queue.take()
            try:
                await self._reconcile(key)
            finally:
                self._queue.done(key)

    async def _reconcile(self, key: Key) -> None:
        started_at = asyncio.get_running_loop().time()
        result = await self._attempt(key)
        seconds = asyncio.get_running_loop().time() - started_at
        self._observer.reconciled(key.kind, result, seconds)

    async def _attempt(self, key: Key) -> Result:
        try:
            async with asyncio.timeout(self._patience):
                again = await self._reconcilers[key.kind].reconcile(key)
        except OutsideError as error:
            self._expected(key, error)
            return Result.RETRY
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            self._unexpected(key, error)  # a library's own: it must not end a worker
            return Result.ERROR
        except Exception as error:  # noqa: BLE001  # whatever it is, the others go on
            self._unexpected(key, error)
            return Result.ERROR
        self._well(key, again)
        return Result.SUCCESS

    def _well(self, key: Key, again: float | None) -> None:
        self._queue.succeeded(key)
        if again is not None:
            self._queue.add_after(key, again)
        if self._trouble.pop(key, None) is not None:
            self._observer.event("reconcile_recovered", **_place(key))

    def _expected(self, key: Key, error: OutsideError) -> None:
        told = f"{type(error).__name__}: {error}"
        delay = self._queue.retry(key, error.retry_after)
        if self._trouble.get(key) != told:
            self._trouble[key] = told
            fields = {"error": type(error).__name__, "message": str(error)}
            self._observer.warning(
                "reconcile_retried", **_place(key), **fields, seconds=round(delay, 1)
            )

    def _unexpected(self, key: Key, error: BaseException) -> None:
        where = [
            f"{frame.filename}:{frame.lineno} {frame.name}"
            for frame in traceback.extract_tb(error.__traceback__)[-8:]
        ]
        self._queue.retry(key)
        told = f"{type(error).__name__} {where}"
        if self._trouble.get(key) != told:  # never its text, which can hold values
            self._trouble[key] = told
            self._observer.error(
                "reconcile_failed", **_place(key), error=type(error).__name__, where=where
            )


def _place(key: Key) -> dict[str, object]:
    return {"kind": key.kind, "namespace": key.namespace, "name": key.name}
