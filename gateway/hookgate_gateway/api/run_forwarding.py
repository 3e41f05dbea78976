"""
Creating, seeing and cancelling runs that an upstream runs.

What is asked is stored before anything is sent, and a run is registered once the upstream has named it:
in its answer, or, should that never come or this process end first, in the run's first report. A key of
``Idempotency-Key`` is reserved with it, so that no request makes two runs: where nobody knows whether the
upstream has made one, the key stays reserved and says so.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from aiohttp import web

from hookgate.payloads import RunStatus
from hookgate_gateway.api import answers, idempotency
from hookgate_gateway.api.auth import key_ref
from hookgate_gateway.api.errors import Refusal, conflict
from hookgate_gateway.api.run_creation import Created, record, request_bytes
from hookgate_gateway.api.run_requests import TaskRequest, WorkflowRequest
from hookgate_gateway.api.services import Services
from hookgate_gateway.catalogue.snapshot import Caller
from hookgate_gateway.ports import Asking, MadeBefore, NewRun, RunRecord, Settled, StoreUnavailable
from hookgate_gateway.rules.delivery import RunId
from hookgate_gateway.upstream.answers import Away, Refused
from hookgate_gateway.upstream.engine import SeenRun, Upstream
from hookgate_gateway.upstream.keys import is_reserved, made, read_made, reservation

__all__ = ["ForwardedCancels", "ForwardedCreation", "ForwardedLooks", "refusal"]


class ForwardedCreation:
    """Creates runs by the upstream, under the same promise as :class:`RunCreation`."""

    def __init__(self, services: Services, upstream: Upstream) -> None:
        self._runs = services.runs
        self._clock = services.clock
        self._ids = services.ids
        self._observer = services.observer
        self._upstream = upstream

    async def create(
        self,
        wanted: TaskRequest | WorkflowRequest,
        caller: Caller,
        request: web.Request,
        *,
        scope: str,
    ) -> Created:
        """Raises Refusal: what the upstream refuses, 502 and 504 without it, 409 and 422 for the key."""
        asking = self._asking(wanted, caller, request, scope)
        before = await self._runs.ask(asking)
        if before is not None:
            return _made_before(before, asking)
        seen = await self._seen(asking, wanted, request)
        run = replace(
            asking.run,
            run_id=seen.report.run_id,
            run_type=seen.report.run_type,
            status=seen.report.status,
        )
        await self._adopt(asking, run, seen.payload)
        return _created(run, seen.document, seen.payload)

    async def _seen(
        self, asking: Asking, wanted: TaskRequest | WorkflowRequest, request: web.Request
    ) -> SeenRun:
        """The run that the upstream has made. Raises Refusal.

        Where it certainly made none, it was never asked. Where nobody knows, a report will tell.
        """
        kind = "workflows" if isinstance(wanted, WorkflowRequest) else "tasks"
        seen = await self._upstream.create(
            asking.run.namespace, kind, wanted.document(), request.headers, asking.id
        )
        if isinstance(seen, SeenRun):
            return seen
        if isinstance(seen, Refused) or seen.undone:
            await self._runs.withdraw(asking)
        raise refusal(seen)

    async def _adopt(self, asking: Asking, run: NewRun, answer: bytes) -> None:
        """What fails here leaves a run at the upstream that its client knows by its webhook alone."""
        settled = None
        if asking.once is not None:
            settled = Settled(asking.once.key, asking.reservation, made(run.run_id, answer))
        try:
            adopted = await self._runs.adopt(asking, run, settled)
        except StoreUnavailable:
            self._told(run, "store_unavailable")
            raise
        if not adopted:
            self._told(run, "run_exists")
            raise conflict("run_exists", "a run of this id exists already")

    def _told(self, run: NewRun, error: str) -> None:
        self._observer.error(
            "upstream_run_not_registered", namespace=run.namespace, run_id=run.run_id, error=error
        )

    def _asking(
        self,
        wanted: TaskRequest | WorkflowRequest,
        caller: Caller,
        request: web.Request,
        scope: str,
    ) -> Asking:
        key = idempotency.idempotency_key(request.headers)
        id_, now = self._ids.asking(), self._clock.now()
        return Asking(
            id=id_,
            run=NewRun(
                run_id=RunId(""),
                namespace=caller.key.namespace,
                run_type=wanted.run_type,
                status=RunStatus.CREATED,
                created_at=now,
                request=request_bytes(wanted),
                webhook_url=wanted.webhook_url,
                key=key_ref(caller),
                workflow_id=wanted.workflow_id if isinstance(wanted, WorkflowRequest) else None,
            ),
            once=None if key is None else idempotency.once(key, scope, wanted.document(), now),
            reservation=reservation(id_),
        )


class ForwardedLooks:
    """Runs as the upstream has them now."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream

    async def seen(self, run: RunRecord) -> tuple[RunRecord, Mapping[str, Any]]:
        """The run as it is now, and all that the upstream says of it; else as it is stored.

        Only a run that this namespace asked for: a report can name any.
        """
        if run.request is None:
            return run, {}
        seen = await self._upstream.look(run.namespace, run.run_id, run.webhook_url)
        if seen is None:
            return run, {}
        now = replace(
            run, status=seen.report.status, run_type=seen.report.run_type, payload=seen.payload
        )
        return now, seen.document


class ForwardedCancels:
    """Cancels by the upstream."""

    def __init__(self, services: Services, upstream: Upstream) -> None:
        self._history = services.history
        self._clock = services.clock
        self._upstream = upstream

    async def cancel(self, run: RunRecord) -> RunRecord | None:
        """The run as it is then; None when nothing runs it. Raises Refusal.

        The event is the upstream's to report.
        """
        if run.request is None:
            return None
        if run.status == RunStatus.CANCELED:
            return run  # asked for before; its end is not reported yet
        answer = await self._upstream.cancel(run.namespace, run.run_id)
        if isinstance(answer, Refused) and answer.status == 404:
            return None
        if isinstance(answer, Refused | Away):
            raise refusal(answer)
        now, status = self._clock.now(), RunStatus.CANCELED
        if await self._history.set_run_status(run.namespace, run.run_id, status, now):
            return replace(run, status=status, modified_at=now)
        return await self._history.run(run.namespace, run.run_id) or run


def refusal(problem: Refused | Away) -> Refusal:
    """What a client is told: the upstream's own refusal, or that there is no upstream."""
    if isinstance(problem, Away):
        return Refusal(problem.status, problem.code, problem.detail)
    return Refusal(
        problem.status, "upstream_refused", problem.detail, retry_after=problem.retry_after
    )


def _created(
    run: NewRun, document: Mapping[str, Any], payload: bytes | None, *, replayed: bool = False
) -> Created:
    return Created(replace(record(run), payload=payload), replayed=replayed, more=document)


def _made_before(before: MadeBefore, asking: Asking) -> Created:
    """What was answered then. Raises Refusal for another request, and while nobody knows."""
    if asking.once is None or before.request_sha256 != asking.once.request_sha256:
        raise idempotency.reused()
    if is_reserved(before.made):
        raise idempotency.unanswered()
    run_id, kept = read_made(before.made)
    document = answers.parse_object(kept) or {}
    run = replace(
        asking.run,
        run_id=run_id,
        run_type=str(document.get("run_type", asking.run.run_type)),
        status=str(document.get("status", asking.run.status)),
    )
    return _created(run, document, kept or None, replayed=True)
