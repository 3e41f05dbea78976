"""
Runs: created, looked at, listed. What runs them is somebody else's business.
"""

from collections.abc import Sequence
from typing import Any, Protocol
from urllib.parse import urlencode

from aiohttp import web

from hookgate_gateway.api import answers, paging, run_shapes
from hookgate_gateway.api.errors import unknown
from hookgate_gateway.api.routing import KeyedRoute, Route, path_word
from hookgate_gateway.api.run_creation import Created, RunCreation
from hookgate_gateway.api.run_forwarding import ForwardedCreation, ForwardedLooks
from hookgate_gateway.api.run_requests import (
    TaskRequest,
    WorkflowOfPathRequest,
    WorkflowRequest,
    read,
)
from hookgate_gateway.api.run_webhooks import webhook_delivery, webhook_failure_reason
from hookgate_gateway.api.services import Services
from hookgate_gateway.api.showing import run_size
from hookgate_gateway.catalogue.snapshot import Caller
from hookgate_gateway.ports import Page, RunQuery, RunRecord
from hookgate_gateway.rules.delivery import Namespace, RunId

__all__ = ["RunRoutes"]

_PAGE_SIZE = 10
_MAX_PAGE = 1000


class Creation(Protocol):
    """Creates runs; ``scope`` names the kind of route that an Idempotency-Key was used with."""

    async def create(
        self,
        wanted: TaskRequest | WorkflowRequest,
        caller: Caller,
        request: web.Request,
        *,
        scope: str,
    ) -> Created: ...


class RunRoutes:
    """POST-run, get and list, in both dialects' paths."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._history = services.history
        upstream = services.upstream
        self._creation: Creation = (
            RunCreation(services) if upstream is None else ForwardedCreation(services, upstream)
        )
        self._looks = None if upstream is None else ForwardedLooks(upstream)

    def routes(self) -> Sequence[Route]:
        return (
            KeyedRoute("POST", "/v1/run/tasks", self.run_task),
            KeyedRoute("POST", "/api/v1/tasks", self.run_task_as_task),
            KeyedRoute("POST", "/v1/run/workflows", self.run_workflow),
            KeyedRoute("POST", "/v1/run/agents", self.run_workflow),
            KeyedRoute("POST", "/api/v1/workflows/{workflow_id}/run", self.run_workflow_of_path),
            KeyedRoute("GET", "/v1/runs", self.listed),
            KeyedRoute("GET", "/v1/runs/{run_id}", self.get),
            KeyedRoute("GET", "/api/v1/runs/{run_id}", self.get),
            KeyedRoute("GET", "/api/v1/tasks/{run_id}", self.get_task),
            KeyedRoute("GET", "/api/v2/tasks/{run_id}", self.get_task),
        )

    async def run_task(self, request: web.Request, caller: Caller) -> web.Response:
        created = await self._task(request, caller, scope="task")
        return answers.answer(created.shape, headers=created.headers)

    async def run_task_as_task(self, request: web.Request, caller: Caller) -> web.Response:
        created = await self._task(request, caller, scope="task in the older dialect")
        shape = run_shapes.as_task(created.shape, created.run)
        return answers.answer(shape, headers=created.headers)

    async def run_workflow(self, request: web.Request, caller: Caller) -> web.Response:
        async with self._services.asked(request, caller) as body:
            return await self._workflow(read(WorkflowRequest, body), request, caller)

    async def run_workflow_of_path(self, request: web.Request, caller: Caller) -> web.Response:
        workflow_id = path_word(request, "workflow_id", "workflow")
        async with self._services.asked(request, caller, optional=True) as body:
            wanted = read(WorkflowOfPathRequest, body, workflow_id=workflow_id)
            return await self._workflow(wanted, request, caller)

    async def _workflow(
        self, wanted: WorkflowRequest, request: web.Request, caller: Caller
    ) -> web.Response:
        created = await self._creation.create(wanted, caller, request, scope="workflow")
        return answers.answer(created.shape, headers=created.headers)

    async def get(self, request: web.Request, caller: Caller) -> web.Response:
        _run, shape = await self._shown(request, caller)
        return answers.answer(shape)

    async def get_task(self, request: web.Request, caller: Caller) -> web.Response:
        run, shape = await self._shown(request, caller)
        return answers.answer(run_shapes.as_task(shape, run))

    async def listed(self, request: web.Request, caller: Caller) -> web.Response:
        """A bare array, as Skyvern's SDK wants it; where to go on is in the ``Link`` header."""
        query = request.query
        size = paging.number(query, "page_size", default=_PAGE_SIZE, most=paging.MAX_LIMIT)
        wanted = RunQuery(
            statuses=frozenset(paging.words(query, "status")),
            run_types=frozenset(paging.words(query, "run_type")),
            search=paging.word(query, "search_key"),
        )
        page = await self._page(request, caller.key.namespace, wanted, size)
        headers = {"Link": _next_link(wanted, size, page.cursor)} if page.cursor else None
        return answers.answer([run_shapes.in_list(run) for run in page.items], headers=headers)

    async def _page(
        self, request: web.Request, namespace: Namespace, wanted: RunQuery, size: int
    ) -> Page[RunRecord]:
        """The page after a cursor, or the n-th: its predecessors are walked through."""
        cursor = paging.cursor(request.query)
        number = paging.number(request.query, "page", default=1, most=_MAX_PAGE)
        page = await self._history.runs(namespace, wanted, limit=size, cursor=cursor)
        for _ in range(1, number if cursor is None else 1):
            if page.cursor is None:
                return Page((), None)
            page = await self._history.runs(namespace, wanted, limit=size, cursor=page.cursor)
        return page

    async def _task(self, request: web.Request, caller: Caller, *, scope: str) -> Created:
        async with self._services.asked(request, caller) as body:
            wanted = read(TaskRequest, body)
            return await self._creation.create(wanted, caller, request, scope=scope)

    async def _shown(
        self, request: web.Request, caller: Caller
    ) -> tuple[RunRecord, dict[str, Any]]:
        run_id = RunId(path_word(request, "run_id", "run"))
        namespace = caller.key.namespace
        run = await self._history.run(namespace, run_id)
        if run is None:
            raise unknown("run")
        with self._services.showing.room(run_size(run)):
            deliveries = await self._history.run_deliveries(namespace, run_id)
            now, more = (run, {}) if self._looks is None else await self._looks.seen(run)
        snapshot = self._services.catalogue.snapshot
        return run, {
            **more,
            **run_shapes.response(now),
            "webhook_failure_reason": webhook_failure_reason(run, deliveries),
            "webhook_delivery": webhook_delivery(run, deliveries, snapshot),
        }


def _next_link(wanted: RunQuery, size: int, cursor: str) -> str:
    """RFC 8288, relative: the gateway need not know under which name it was reached."""
    query = [
        *(("status", status) for status in sorted(wanted.statuses)),
        *(("run_type", run_type) for run_type in sorted(wanted.run_types)),
        *([("search_key", wanted.search)] if wanted.search else []),
        ("page_size", str(size)),
        ("cursor", cursor),
    ]
    return f'</v1/runs?{urlencode(query)}>; rel="next"'
