"""
Stored events: listed, looked at, and their bytes as they came.
"""

from collections.abc import Sequence

from aiohttp import web

from hookgate_gateway.api import answers, delivery_shapes, paging
from hookgate_gateway.api.errors import unknown
from hookgate_gateway.api.routing import KeyedRoute, Route, path_word
from hookgate_gateway.api.services import Services
from hookgate_gateway.catalogue.snapshot import Caller
from hookgate_gateway.ports import EventQuery, EventRecord
from hookgate_gateway.rules.delivery import EventId, RunId

__all__ = ["EventRoutes"]


class EventRoutes:
    """``GET /v1/events`` and what hangs on it."""

    def __init__(self, services: Services) -> None:
        self._history = services.history

    def routes(self) -> Sequence[Route]:
        return (
            KeyedRoute("GET", "/v1/events", self.listed),
            KeyedRoute("GET", "/v1/events/{id}", self.get),
            KeyedRoute("GET", "/v1/events/{id}/body", self.body),
        )

    async def listed(self, request: web.Request, caller: Caller) -> web.Response:
        query = request.query
        run_id = paging.word(query, "run_id")
        wanted = EventQuery(
            run_id=RunId(run_id) if run_id else None,
            run_type=paging.word(query, "run_type"),
            status=paging.word(query, "status"),
            since=paging.moment(query, "since"),
            until=paging.moment(query, "until"),
        )
        limit, cursor = paging.limit(query), paging.cursor(query)
        page = await self._history.events(caller.key.namespace, wanted, limit=limit, cursor=cursor)
        return paging.page_answer(page, delivery_shapes.event)

    async def get(self, request: web.Request, caller: Caller) -> web.Response:
        return answers.answer(delivery_shapes.event(await self._event(request, caller)))

    async def body(self, request: web.Request, caller: Caller) -> web.Response:
        """The bytes as received, which are the bytes that every delivery sends and signs."""
        event = await self._event(request, caller, body=True)
        if event.body is None:
            raise unknown("event")
        return answers.raw(event.body, headers={"X-Hookgate-Event-Id": event.id})

    async def _event(
        self, request: web.Request, caller: Caller, *, body: bool = False
    ) -> EventRecord:
        id_ = EventId(path_word(request, "id", "event"))
        event = await self._history.event(caller.key.namespace, id_, body=body)
        if event is None:
            raise unknown("event")
        return event
