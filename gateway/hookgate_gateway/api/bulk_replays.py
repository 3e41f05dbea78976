"""
Bulk replays, and cancelling many deliveries: counted, created, looked at, paused, resumed, cancelled.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from aiohttp import web

from hookgate_gateway.api import answers, idempotency, paging, times
from hookgate_gateway.api.auth import key_ref
from hookgate_gateway.api.bulk_requests import BulkCancelRequest, BulkReplayRequest
from hookgate_gateway.api.errors import conflict, unknown
from hookgate_gateway.api.routing import KeyedRoute, Route, path_word
from hookgate_gateway.api.services import Services
from hookgate_gateway.catalogue.snapshot import Caller
from hookgate_gateway.ports import MadeBefore, Once
from hookgate_gateway.replay.once import UnknownSubscription
from hookgate_gateway.rules.delivery import Timestamp
from hookgate_gateway.rules.replay import Replay, ReplayFilter, ReplayId, ReplayPlan, ReplayState

__all__ = ["BulkReplayRoutes", "shape"]

_SCOPE = "replays"


class BulkReplayRoutes:
    """``/v1/replays`` and ``/v1/deliveries/cancel``."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._orders = services.orders

    def routes(self) -> Sequence[Route]:
        return (
            KeyedRoute("POST", "/v1/replays", self.create),
            KeyedRoute("GET", "/v1/replays", self.listed),
            KeyedRoute("GET", "/v1/replays/{id}", self.get),
            KeyedRoute("POST", "/v1/replays/{id}/pause", self._to(ReplayState.PAUSED)),
            KeyedRoute("POST", "/v1/replays/{id}/resume", self._to(ReplayState.RUNNING)),
            KeyedRoute("POST", "/v1/replays/{id}/cancel", self._to(ReplayState.CANCELLED)),
            KeyedRoute("POST", "/v1/deliveries/cancel", self.cancel_deliveries),
        )

    async def create(self, request: web.Request, caller: Caller) -> web.Response:
        """202 with the replay; for a dry run 200 ``{matched}``."""
        key = idempotency.idempotency_key(request.headers)
        async with self._services.asked(request, caller) as body:
            return await self._create(BulkReplayRequest.model_validate(body), caller, key)

    async def _create(
        self, wanted: BulkReplayRequest, caller: Caller, key: str | None
    ) -> web.Response:
        plan = self._orders.plan(
            caller.key.namespace,
            wanted.filter.selection(),
            to_subscription=wanted.to_subscription,
            rate=wanted.rate_per_second,
            key=key_ref(caller),
        )
        if isinstance(plan, UnknownSubscription):
            raise unknown("subscription")
        if wanted.dry_run:
            return answers.answer({"matched": await self._orders.estimate(plan)})
        if key is None:
            return _answer(await self._orders.create(plan), 202)
        document = wanted.model_dump(mode="json", exclude_none=True)
        once = idempotency.once(key, _SCOPE, document, plan.created_at)
        return await self._create_once(plan, once)

    async def listed(self, request: web.Request, caller: Caller) -> web.Response:
        limit, cursor = paging.limit(request.query), paging.cursor(request.query)
        page = await self._orders.page(caller.key.namespace, limit=limit, cursor=cursor)
        return paging.page_answer(page, shape)

    async def get(self, request: web.Request, caller: Caller) -> web.Response:
        found = await self._orders.find(caller.key.namespace, _id(request))
        return _answer(found)

    async def cancel_deliveries(self, request: web.Request, caller: Caller) -> web.Response:
        """``{cancelled}``; for a dry run ``{matched}``."""
        async with self._services.asked(request, caller) as body:
            wanted = BulkCancelRequest.model_validate(body)
            selection, namespace = wanted.filter.selection(), caller.key.namespace
            if wanted.dry_run:
                matched = await self._orders.count_pending(namespace, selection)
                return answers.answer({"matched": matched})
            cancelled = await self._orders.cancel_pending(namespace, selection)
            return answers.answer({"cancelled": cancelled})

    def _to(self, state: ReplayState) -> Callable[[web.Request, Caller], Awaitable[web.Response]]:
        async def change(request: web.Request, caller: Caller) -> web.Response:
            """The replay as it is then; 409 when it is over."""
            replay = await self._orders.change(caller.key.namespace, _id(request), state)
            if replay is not None and replay.state is not state:
                raise conflict("replay_over", f"the replay is over already: {replay.state}")
            return _answer(replay)

        return change

    async def _create_once(self, plan: ReplayPlan, once: Once) -> web.Response:
        made = await self._orders.create(plan, once)
        if not isinstance(made, MadeBefore):
            return _answer(made, 202)
        if made.request_sha256 != once.request_sha256:
            raise idempotency.reused()
        found = await self._orders.find(plan.namespace, ReplayId(made.made))
        return _answer(found, 202, idempotency.REPLAYED)


def shape(replay: Replay) -> dict[str, Any]:
    """A replay as clients see it: ``matched`` is the sum of the four behind ``sent``."""
    plan, counts = replay.plan, replay.counts
    return {
        "id": plan.id,
        "matched": counts.matched,
        "sent": counts.made,
        "delivered": counts.delivered,
        "failed": counts.exhausted,
        "skipped": replay.skipped,
        "remaining": replay.remaining,
        "state": replay.state,
        "filter": _filter(plan.filter),
        "to_subscription": plan.to_subscription,
        "rate_per_second": plan.rate,
        "created_at": times.text(plan.created_at),
    }


def _filter(wanted: ReplayFilter) -> dict[str, Any]:
    """What was asked for, without what was left out."""
    told = {
        "subscription": wanted.subscription,
        "state": wanted.state,
        "outcome": wanted.outcome,
        "run_type": wanted.run_type,
        "status": wanted.status,
        "run_ids": list(wanted.run_ids) or None,
        "since": _text(wanted.since),
        "until": _text(wanted.until),
        "not_replayed": wanted.not_replayed or None,
    }
    return {name: value for name, value in told.items() if value is not None}


def _text(moment: Timestamp | None) -> str | None:
    return None if moment is None else times.text(moment)


def _id(request: web.Request) -> ReplayId:
    return ReplayId(path_word(request, "id", "replay"))


def _answer(
    replay: Replay | MadeBefore | None, status: int = 200, headers: dict[str, str] | None = None
) -> web.Response:
    if not isinstance(replay, Replay):
        raise unknown("replay")
    return answers.answer(shape(replay), status, headers)
