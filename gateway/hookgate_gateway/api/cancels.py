"""
Cancelling runs. With nothing running a run, the gateway itself makes the event that ends it; an upstream
reports the end of its own.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from aiohttp import web

from hookgate.payloads import RunStatus
from hookgate_gateway.api import answers, run_shapes
from hookgate_gateway.api.errors import Refusal, conflict, unknown
from hookgate_gateway.api.routing import KeyedRoute, Route, path_word
from hookgate_gateway.api.run_forwarding import ForwardedCancels
from hookgate_gateway.api.run_requests import CancelRequest, read
from hookgate_gateway.api.services import Services
from hookgate_gateway.api.showing import run_size
from hookgate_gateway.catalogue.snapshot import Caller
from hookgate_gateway.intake.accept import Overloaded
from hookgate_gateway.ports import RunRecord, StoreUnavailable
from hookgate_gateway.rules.delivery import Namespace, RunId, Timestamp
from hookgate_gateway.rules.report import Unreadable

__all__ = ["CancelRoutes"]

_ORIGIN = "gateway"


class CancelRoutes:
    """The three ways to cancel; all answer at once, the webhook goes out on its own."""

    def __init__(self, services: Services) -> None:
        self._services = services
        upstream = services.upstream
        self._forwarded = None if upstream is None else ForwardedCancels(services, upstream)

    def routes(self) -> Sequence[Route]:
        return (
            KeyedRoute("POST", "/v1/runs/cancel", self.cancel_many),
            KeyedRoute("POST", "/v1/runs/{run_id}/cancel", self.cancel),
            KeyedRoute("POST", "/api/v1/tasks/{run_id}/cancel", self.cancel_task),
        )

    async def cancel(self, request: web.Request, caller: Caller) -> web.Response:
        run = await self._cancel(caller.key.namespace, _run_id(request))
        return answers.answer(run_shapes.response(run))

    async def cancel_task(self, request: web.Request, caller: Caller) -> web.Response:
        run = await self._cancel(caller.key.namespace, _run_id(request))
        return answers.answer(run_shapes.as_task(run_shapes.response(run), run))

    async def cancel_many(self, request: web.Request, caller: Caller) -> web.Response:
        """``{cancelled: [run id], failed: [run id], failures: [{run_id, code, detail}]}``."""
        run_ids = await self._wanted(request, caller)
        namespace = caller.key.namespace
        results = await asyncio.gather(*(self._try(namespace, run_id) for run_id in run_ids))
        failures = [failure for failure in results if failure is not None]
        failed = [failure["run_id"] for failure in failures]
        return answers.answer(
            {
                "cancelled": [run_id for run_id in run_ids if run_id not in failed],
                "failed": failed,  # ids alone: Skyvern's SDK fails on anything else
                "failures": failures,
            }
        )

    async def _wanted(self, request: web.Request, caller: Caller) -> list[RunId]:
        async with self._services.asked(request, caller) as body:
            return [RunId(run_id) for run_id in dict.fromkeys(read(CancelRequest, body).run_ids)]

    async def _try(self, namespace: Namespace, run_id: RunId) -> dict[str, Any] | None:
        """None when it was cancelled, else why not."""
        try:
            await self._cancel(namespace, run_id)
        except Refusal as refusal:
            return {"run_id": run_id, "code": refusal.code, "detail": refusal.detail}
        except (Overloaded, StoreUnavailable):
            detail = "the store cannot take this now"
            return {"run_id": run_id, "code": "store_unavailable", "detail": detail}
        return None

    async def _cancel(self, namespace: Namespace, run_id: RunId) -> RunRecord:
        """The run as it is then. Raises Refusal: 404 unknown, 409 ended in another way."""
        run = await self._services.history.run(namespace, run_id)
        if run is None:
            raise unknown("run")
        if run.final:
            return _ended(run)
        with self._services.showing.room(run_size(run)):
            cancelled = await self._forwarded.cancel(run) if self._forwarded else None
            if cancelled is None:
                return await self._end(run)
        return _ended(cancelled) if cancelled.final else cancelled

    async def _end(self, run: RunRecord) -> RunRecord:
        now = self._services.clock.now()
        body = _payload(run, now)
        accepted = await self._services.reports.accept(
            run.namespace, body, _ORIGIN, unless_ended=True
        )
        if isinstance(accepted, Unreadable):
            raise TypeError(f"our own event was refused: {accepted.msg}")
        if accepted.duplicate:  # somebody else has ended it meanwhile
            return _ended(await self._services.history.run(run.namespace, run.run_id) or run)
        return replace(
            run,
            status=RunStatus.CANCELED,
            modified_at=now,
            event_id=accepted.event_id,
            final=True,
            payload=body,
        )


def _ended(run: RunRecord) -> RunRecord:
    """A run that has ended, if by a cancel. Raises Refusal: 409."""
    if run.status != RunStatus.CANCELED:
        raise conflict("run_ended", f"the run has ended already: {run.status}")
    return run


def _payload(run: RunRecord, now: Timestamp) -> bytes:
    """The run response as it is then; without the last report should that be nested beyond writing."""
    try:
        return answers.encode(run_shapes.cancelled(run, now))
    except RecursionError:
        return answers.encode(run_shapes.cancelled(replace(run, payload=None), now))


def _run_id(request: web.Request) -> RunId:
    return RunId(path_word(request, "run_id", "run"))
