"""
Stored events: listed, looked at, explained, and their bytes as they came.
"""

from collections.abc import Sequence

from aiohttp import web

from hookgate_gateway.api import answers, delivery_shapes, explanations, paging
from hookgate_gateway.api.errors import unknown
from hookgate_gateway.api.routing import KeyedRoute, Route, path_word
from hookgate_gateway.api.services import Services
from hookgate_gateway.catalogue.snapshot import Caller
from hookgate_gateway.intake.parse import read_body
from hookgate_gateway.ports import DeliveryQuery, DeliveryRecord, EventQuery, EventRecord
from hookgate_gateway.rules.delivery import EventId, RunId
from hookgate_gateway.rules.report import Unreadable

__all__ = ["EventRoutes"]

_DELIVERIES_A_READ = 1000
_EVENTS_OF_A_RUN = 200


class EventRoutes:
    """``GET /v1/events`` and what hangs on it."""

    def __init__(self, services: Services) -> None:
        self._history = services.history
        self._catalogue = services.catalogue
        self._dispatch = services.dispatch
        self._showing = services.showing

    def routes(self) -> Sequence[Route]:
        return (
            KeyedRoute("GET", "/v1/events", self.listed),
            KeyedRoute("GET", "/v1/events/{id}", self.get),
            KeyedRoute("GET", "/v1/events/{id}/body", self.body),
            KeyedRoute("GET", "/v1/events/{id}/explain", self.explain),
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

    async def explain(self, request: web.Request, caller: Caller) -> web.Response:
        """Why each target did or did not get it. Subscriptions by name, in pages; 200 unless asked for less."""
        limit = paging.number(
            request.query, "limit", default=paging.MAX_LIMIT, most=paging.MAX_LIMIT
        )
        after = paging.cursor(request.query) or ""
        event = await self._event(request, caller, body=True)
        with self._showing.room(event.body_size):
            evidence = await self._evidence(event)
        names = [name for name in explanations.subscription_names(evidence) if name > after]
        shown = names[:limit]
        return answers.answer(
            {
                "event": delivery_shapes.event(evidence.event),
                "own_target": explanations.own_target(evidence),
                "subscriptions": explanations.subscriptions(evidence, shown),
                "next_cursor": shown[-1] if len(names) > limit else None,
            }
        )

    async def _evidence(self, event: EventRecord) -> explanations.Evidence:
        """Everything an explanation is made from. Raises Refusal 404 when the event has just been pruned."""
        report = read_body(event.body or b"")
        if isinstance(report, Unreadable):
            raise unknown("event")
        return explanations.Evidence(
            event=event,
            report=report,
            late=not event.final and await self._follows_final(event),
            run=await self._history.run(event.namespace, event.run_id),
            deliveries=await self._deliveries(event),
            snapshot=self._catalogue.snapshot,
            lanes=self._dispatch.lane_states(),
        )

    async def _follows_final(self, event: EventRecord) -> bool:
        query = EventQuery(run_id=event.run_id)
        page = await self._history.events(event.namespace, query, limit=_EVENTS_OF_A_RUN)
        return any(other.final and other.id < event.id for other in page.items)

    async def _deliveries(self, event: EventRecord) -> list[DeliveryRecord]:
        """All of them, the oldest first."""
        query = DeliveryQuery(event_id=event.id)
        found: list[DeliveryRecord] = []
        cursor: str | None = None
        while True:
            page = await self._history.deliveries(
                event.namespace, query, limit=_DELIVERIES_A_READ, cursor=cursor
            )
            found += page.items
            cursor = page.cursor
            if cursor is None:
                return found[::-1]

    async def _event(
        self, request: web.Request, caller: Caller, *, body: bool = False
    ) -> EventRecord:
        id_ = EventId(path_word(request, "id", "event"))
        event = await self._history.event(caller.key.namespace, id_, body=body)
        if event is None:
            raise unknown("event")
        return event
