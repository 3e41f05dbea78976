"""
Registering a run that a client asked for, once for each ``Idempotency-Key``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from aiohttp import web

from hookgate_gateway.api import answers, idempotency, run_shapes
from hookgate_gateway.api.auth import key_ref
from hookgate_gateway.api.errors import conflict, invalid
from hookgate_gateway.api.run_requests import TaskRequest, WorkflowRequest
from hookgate_gateway.api.services import Services
from hookgate_gateway.catalogue.snapshot import Caller
from hookgate_gateway.ports import MadeBefore, NewRun, RunRecord
from hookgate_gateway.rules.delivery import Namespace, RunId

__all__ = ["CREATED", "Created", "RunCreation", "record", "request_bytes"]

CREATED = "created"


@dataclass(frozen=True, slots=True)
class Created:
    """A run as it was when it was created, and whether that was an earlier request's doing."""

    run: RunRecord
    replayed: bool = False
    more: Mapping[str, Any] = field(default_factory=dict)
    """What an upstream says beside the run response."""

    @property
    def shape(self) -> dict[str, Any]:
        """The run response."""
        return {**self.more, **run_shapes.response(self.run)}

    @property
    def headers(self) -> dict[str, str] | None:
        return idempotency.REPLAYED if self.replayed else None


class RunCreation:
    """Creates runs for the routes. ``scope`` names the kind of route that a key was used with."""

    def __init__(self, services: Services) -> None:
        self._runs = services.runs
        self._history = services.history
        self._clock = services.clock
        self._ids = services.ids

    async def create(
        self,
        wanted: TaskRequest | WorkflowRequest,
        caller: Caller,
        request: web.Request,
        *,
        scope: str,
    ) -> Created:
        """Raises Refusal: 409 for a key of another request, 422 for an unusable one."""
        key = idempotency.idempotency_key(request.headers)
        run = self._new(wanted, caller)
        if key is None:
            stored: bool | MadeBefore = await self._runs.register(run)
        else:
            once = idempotency.once(key, scope, wanted.document(), run.created_at)
            stored = await self._runs.register_once(run, once)
            if isinstance(stored, MadeBefore):
                if stored.request_sha256 != once.request_sha256:
                    raise idempotency.reused()
                return await self._made_before(run.namespace, RunId(stored.made))
        if not stored:
            raise conflict("run_exists", "a run of this id exists already; try again")
        return Created(record(run))

    async def _made_before(self, namespace: Namespace, run_id: RunId) -> Created:
        """What was answered: nothing that was reported since is part of it."""
        run = await self._history.run(namespace, run_id)
        if run is None:  # kept for less than a day
            raise idempotency.reused()
        first = replace(
            run,
            status=CREATED,
            modified_at=run.created_at,
            event_id=None,
            final=False,
            payload=None,
        )
        return Created(first, replayed=True)

    def _new(self, wanted: TaskRequest | WorkflowRequest, caller: Caller) -> NewRun:
        workflow = isinstance(wanted, WorkflowRequest)
        return NewRun(
            run_id=self._ids.workflow_run() if workflow else self._ids.task(),
            namespace=caller.key.namespace,
            run_type=wanted.run_type,
            status=CREATED,
            created_at=self._clock.now(),
            request=request_bytes(wanted),
            webhook_url=wanted.webhook_url,
            key=key_ref(caller),
            workflow_id=wanted.workflow_id if isinstance(wanted, WorkflowRequest) else None,
        )


def request_bytes(wanted: TaskRequest | WorkflowRequest) -> bytes:
    """The request as it is stored. Raises Refusal 422 for one that cannot be."""
    try:
        return answers.encode(wanted.document())
    except RecursionError:
        raise invalid(["body"], "is nested too deeply") from None


def record(run: NewRun) -> RunRecord:
    """What the store would answer about a run that was registered just now."""
    return RunRecord(
        namespace=run.namespace,
        run_id=run.run_id,
        run_type=run.run_type,
        status=run.status,
        created_at=run.created_at,
        modified_at=run.created_at,
        request=run.request,
        webhook_url=run.webhook_url,
        key=run.key,
        workflow_id=run.workflow_id,
        event_id=None,
        final=False,
        payload=None,
    )
