"""
The workers: they take a key, have it reconciled, and decide when it comes back.

A reconciler that raises never ends the process: what was expected (OutsideError) is told once, however
many keys it keeps, everything else as an error with its place in the code; both come back after their
back-off.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping
from enum import StrEnum
from typing import Protocol

from hookgate_operator.ports import Key, Kind, OutsideError
from hookgate_operator.work.queue import WorkQueue
from hookgate_process.failures import where_raised

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

    def trouble(self, name: str, /, *causes: OutsideError, **fields: object) -> None: ...

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
        self._troubles = _Troubles()

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
        if self._troubles.over(key):
            self._observer.event("reconcile_recovered", **_place(key))

    def _expected(self, key: Key, error: OutsideError) -> None:
        delay = self._queue.retry(key, error.retry_after)
        if self._troubles.has(key, f"{type(error).__name__}: {error}"):
            self._observer.trouble(
                "reconcile_retried",
                error,
                **_place(key),
                error=type(error).__name__,
                message=str(error),
                seconds=round(delay, 1),
            )

    def _unexpected(self, key: Key, error: BaseException) -> None:
        where = where_raised(error)
        self._queue.retry(key)
        if self._troubles.has(key, f"{key} {type(error).__name__} {where}"):
            # Never with its text, which can hold values.
            self._observer.error(
                "reconcile_failed", **_place(key), error=type(error).__name__, where=where
            )


class _Troubles:
    """What keeps which keys; a trouble that a thousand of them share is news once, as is its end."""

    def __init__(self) -> None:
        self._of: dict[Key, str] = {}
        self._keys: Counter[str] = Counter()

    def has(self, key: Key, trouble: str) -> bool:
        """A key has this trouble now. Whether that is news: no key had it."""
        if self._of.get(key) == trouble:
            return False
        self.over(key)
        self._of[key] = trouble
        self._keys[trouble] += 1
        return self._keys[trouble] == 1

    def over(self, key: Key) -> bool:
        """A key has no trouble any more. Whether that is news: it was the last one that had it."""
        trouble = self._of.pop(key, None)
        if trouble is None:
            return False
        self._keys[trouble] -= 1
        if self._keys[trouble]:
            return False
        del self._keys[trouble]
        return True


def _place(key: Key) -> dict[str, object]:
    return {"kind": key.kind, "namespace": key.namespace, "name": key.name}
