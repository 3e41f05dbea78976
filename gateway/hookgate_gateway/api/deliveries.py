"""
Deliveries: listed, looked at, replayed, cancelled.
"""

from collections.abc import Sequence
from dataclasses import replace

from aiohttp import web

from hookgate.deliveries import DeliveryState, Outcome
from hookgate_gateway.api import answers, delivery_shapes, paging
from hookgate_gateway.api.auth import key_ref
from hookgate_gateway.api.delivery_shapes import HELD
from hookgate_gateway.api.errors import conflict, invalid, unknown
from hookgate_gateway.api.routing import KeyedRoute, Route, path_word
from hookgate_gateway.api.services import Services
from hookgate_gateway.catalogue.snapshot import Caller, Snapshot
from hookgate_gateway.ports import DeliveryQuery, DeliveryRecord, Page
from hookgate_gateway.replay.single import DeliveryReplays, TargetGone, UnknownDelivery
from hookgate_gateway.rules.delivery import DeliveryId, Ending, EventId, Namespace, RunId

__all__ = ["DeliveryRoutes"]

_STATES = {str(state): frozenset({state}) for state in DeliveryState}
_OUTCOMES = {str(outcome): outcome for outcome in Outcome}


class DeliveryRoutes:
    """``/v1/deliveries`` and what hangs on it."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._history = services.history
        self._replays = DeliveryReplays(
            history=services.history,
            replays=services.replays,
            catalogue=services.catalogue,
            lanes=services.dispatch,
            quota=services.quota,
            ids=services.ids,
            clock=services.clock,
        )

    def routes(self) -> Sequence[Route]:
        return (
            KeyedRoute("GET", "/v1/deliveries", self.listed),
            KeyedRoute("GET", "/v1/deliveries/{id}", self.get),
            KeyedRoute("POST", "/v1/deliveries/{id}/replay", self.replay),
            KeyedRoute("POST", "/v1/deliveries/{id}/cancel", self.cancel),
        )

    async def listed(self, request: web.Request, caller: Caller) -> web.Response:
        namespace = caller.key.namespace
        snapshot = self._services.catalogue.snapshot
        query = _query(request.query, namespace, snapshot)
        limit, cursor = paging.limit(request.query), paging.cursor(request.query)
        page: Page[DeliveryRecord] = Page((), None)
        if query.subscriptions != frozenset():  # held is asked for and nothing has a hold
            page = await self._history.deliveries(namespace, query, limit=limit, cursor=cursor)
        return paging.page_answer(page, lambda item: delivery_shapes.delivery(item, snapshot))

    async def get(self, request: web.Request, caller: Caller) -> web.Response:
        """With its attempts, the oldest first, as ``attempt_log``."""
        record = await self._record(request, caller)
        attempts = await self._history.attempts(record.namespace, record.id)
        shape = delivery_shapes.delivery(record, self._services.catalogue.snapshot)
        shape["attempt_log"] = [delivery_shapes.attempt_log(attempt) for attempt in attempts]
        return answers.answer(shape)

    async def replay(self, request: web.Request, caller: Caller) -> web.Response:
        """202 with the new delivery; the original stays as it was. 429 when too many are pending."""
        id_ = DeliveryId(path_word(request, "id", "delivery"))
        result = await self._replays.replay(caller.key.namespace, id_, key_ref(caller))
        match result:
            case UnknownDelivery():
                raise unknown("delivery")
            case TargetGone(subscription=name):
                raise conflict("subscription_gone", f"the subscription {name!r} does not exist")
        return self._answer(result, 202)

    async def cancel(self, request: web.Request, caller: Caller) -> web.Response:
        """The delivery, cancelled; 409 when it had ended in another way."""
        record = await self._record(request, caller)
        now = self._services.clock.now()
        done = await self._history.cancel(record.namespace, [record.id], Ending.REQUESTED, now)
        if done:
            self._services.dispatch.superseded(done)
            self._services.observer.ended(record.namespace, record.target.subscription, "cancelled")
            ended = replace(
                record, state=DeliveryState.CANCELLED, ending=Ending.REQUESTED, ended_at=now
            )
            return self._answer(ended)
        current = await self._record(request, caller)
        if current.state is not DeliveryState.CANCELLED:
            raise conflict("delivery_ended", f"the delivery has ended already: {current.state}")
        return self._answer(current)

    async def _record(self, request: web.Request, caller: Caller) -> DeliveryRecord:
        id_ = DeliveryId(path_word(request, "id", "delivery"))
        record = await self._history.delivery(caller.key.namespace, id_)
        if record is None:
            raise unknown("delivery")
        return record

    def _answer(self, record: DeliveryRecord, status: int = 200) -> web.Response:
        snapshot = self._services.catalogue.snapshot
        return answers.answer(delivery_shapes.delivery(record, snapshot), status)


def _query(query: paging.Query, namespace: Namespace, snapshot: Snapshot) -> DeliveryQuery:
    """What a list of deliveries is narrowed to. Raises Refusal 422."""
    state, outcome = query.get("state"), query.get("outcome")
    if state and state != HELD and state not in _STATES:
        raise invalid(["query", "state"], f"must be one of {', '.join([*_STATES, HELD])}", "enum")
    if outcome and outcome not in _OUTCOMES:
        raise invalid(["query", "outcome"], f"must be one of {', '.join(_OUTCOMES)}", "enum")
    run_id, event_id = paging.word(query, "run_id"), paging.word(query, "event_id")
    wanted = DeliveryQuery(
        states=_STATES.get(state or "", frozenset()),
        subscription=paging.word(query, "subscription"),
        run_id=RunId(run_id) if run_id else None,
        event_id=EventId(event_id) if event_id else None,
        outcome=_OUTCOMES.get(outcome or ""),
        since=paging.moment(query, "since"),
        until=paging.moment(query, "until"),
    )
    if state != HELD:
        return wanted
    return replace(
        wanted, states=_STATES["pending"], subscriptions=_held_names(namespace, snapshot)
    )


def _held_names(namespace: Namespace, snapshot: Snapshot) -> frozenset[str]:
    return frozenset(
        name
        for (where, name), subscription in snapshot.subscriptions.items()
        if where == namespace and subscription.hold is not None
    )
