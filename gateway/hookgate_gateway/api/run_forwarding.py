"""
Creating, seeing and cancelling runs that an upstream runs.

A run is registered once the upstream has named it. A key of ``Idempotency-Key`` is reserved before
anything is sent, so that no request makes two runs: where nobody knows whether the upstream has made
one, the key stays reserved and says so.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from aiohttp import web

from hookgate.payloads import RunStatus
from hookgate_gateway.api import answers, idempotency
from hookgate_gateway.api.auth import key_ref
from hookgate_gateway.api.errors import Refusal, conflict
from hookgate_gateway.api.run_creation import Created, record, request_bytes
from hookgate_gateway.api.run_requests import TaskRequest, WorkflowRequest
from hookgate_gateway.api.services import Services
from hookgate_gateway.catalogue.snapshot import Caller
from hookgate_gateway.ports import MadeBefore, NewRun, Once, RunRecord, Settled, StoreUnavailable
from hookgate_gateway.rules.delivery import Namespace, RunId
from hookgate_gateway.upstream.answers import Away, Refused
from hookgate_gateway.upstream.engine import SeenRun, Upstream

__all__ = ["ForwardedCancels", "ForwardedCreation", "ForwardedLooks", "refusal"]

_RESERVED: Final = "forwarded "
"""Begins what a reserved key stands for; a run id has a line break behind it instead."""
_LONGEST_KEPT: Final = 256 * 1024
"""Bytes of an answer that is kept to be given again."""


@dataclass(frozen=True, slots=True)
class _Reserved:
    """A key that is ours until the upstream has answered."""

    once: Once
    reservation: str

    def settled(self, run_id: RunId, answer: bytes) -> Settled:
        kept = answer.decode() if len(answer) <= _LONGEST_KEPT else ""
        return Settled(self.once.key, self.reservation, f"{run_id}\n{kept}")


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
        namespace, stored = caller.key.namespace, request_bytes(wanted)
        reserved = await self._reserve(wanted, namespace, request, scope)
        if isinstance(reserved, MadeBefore):
            return _made_before(reserved, self._new(wanted, caller, stored, None))
        kind = "workflows" if isinstance(wanted, WorkflowRequest) else "tasks"
        seen = await self._upstream.create(namespace, kind, wanted.document(), request.headers)
        if isinstance(seen, Refused | Away):
            if reserved is not None and (isinstance(seen, Refused) or seen.undone):
                await self._runs.release_once(namespace, reserved.once.key, reserved.reservation)
            raise refusal(seen)
        run = self._new(wanted, caller, stored, seen)
        settled = None if reserved is None else reserved.settled(run.run_id, seen.payload)
        await self._adopt(run, settled)
        return _created(run, seen.document, seen.payload)

    async def _adopt(self, run: NewRun, settled: Settled | None) -> None:
        """What fails here leaves a run at the upstream that no client knows of: the log does."""
        try:
            adopted = await self._runs.adopt(run, self._ids.delivery(), settled)
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

    async def _reserve(
        self,
        wanted: TaskRequest | WorkflowRequest,
        namespace: Namespace,
        request: web.Request,
        scope: str,
    ) -> _Reserved | MadeBefore | None:
        key = idempotency.idempotency_key(request.headers)
        if key is None:
            return None
        once = idempotency.once(key, scope, wanted.document(), self._clock.now())
        reservation = f"{_RESERVED}{self._ids.delivery()}"
        before = await self._runs.reserve_once(namespace, once, reservation)
        if before is None:
            return _Reserved(once, reservation)
        if before.request_sha256 != once.request_sha256:
            raise idempotency.reused()
        if before.made.startswith(_RESERVED):
            raise idempotency.unanswered()
        return before

    def _new(
        self,
        wanted: TaskRequest | WorkflowRequest,
        caller: Caller,
        request: bytes,
        seen: SeenRun | None,
    ) -> NewRun:
        return NewRun(
            run_id=seen.report.run_id if seen else RunId(""),
            namespace=caller.key.namespace,
            run_type=seen.report.run_type if seen else wanted.run_type,
            status=seen.report.status if seen else RunStatus.CREATED,
            created_at=self._clock.now(),
            request=request,
            webhook_url=wanted.webhook_url,
            key=key_ref(caller),
            workflow_id=wanted.workflow_id if isinstance(wanted, WorkflowRequest) else None,
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


def _made_before(before: MadeBefore, asked: NewRun) -> Created:
    """What was answered then."""
    run_id, _, kept = before.made.partition("\n")
    document = answers.parse_object(kept.encode()) or {}
    run = replace(
        asked,
        run_id=RunId(run_id),
        run_type=str(document.get("run_type", asked.run_type)),
        status=str(document.get("status", asked.status)),
    )
    return _created(run, document, kept.encode() or None, replayed=True)
