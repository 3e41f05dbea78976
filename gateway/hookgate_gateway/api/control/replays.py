"""
Bulk replays that an operator declares, each under a uid of its caller's choice.

A PUT is idempotent: the first one begins the replay, the same once more changes nothing, and ``paused``
is all that may change. DELETE cancels what is not over; what came of it can be seen until it is pruned.
Whoever put a replay owns it, and only the same one may change it; what nobody owns anybody may change.
"""

from collections.abc import Sequence
from typing import Any

from aiohttp import web
from pydantic import Field

from hookgate_gateway.api import answers, paging
from hookgate_gateway.api.bulk_replays import shape
from hookgate_gateway.api.bulk_requests import BulkReplayRequest
from hookgate_gateway.api.control.requests import Owner
from hookgate_gateway.api.control.services import ControlServices
from hookgate_gateway.api.errors import conflict, invalid, unknown
from hookgate_gateway.api.routing import Route, TokenRoute, path_word
from hookgate_gateway.replay.once import UnknownSubscription
from hookgate_gateway.rules.delivery import Namespace
from hookgate_gateway.rules.replay import Replay, ReplayId, ReplayPlan, ReplayState

__all__ = ["ReplayRoutes"]


class _Put(BulkReplayRequest):
    owner: Owner | None = Field(
        None, description="Who declares it; only the same one may change it."
    )
    paused: bool | None = Field(None, description="Make nothing more while this is true.")


class ReplayRoutes:
    """``/control/v1/namespaces/{namespace}/replays``."""

    def __init__(self, services: ControlServices) -> None:
        self._services = services
        self._orders = services.orders

    def routes(self) -> Sequence[Route]:
        admit = self._services.admit
        many = "/control/v1/namespaces/{namespace}/replays"
        one = f"{many}/{{uid}}"
        return (
            TokenRoute("PUT", one, self.put, admit),
            TokenRoute("GET", one, self.get, admit),
            TokenRoute("DELETE", one, self.cancel, admit),
            TokenRoute("GET", many, self.listed, admit),
            TokenRoute("GET", "/control/v1/replays", self.everywhere, admit),
        )

    async def put(self, request: web.Request) -> web.Response:
        """200 with the replay; for a dry run ``{matched}``, and nothing is stored."""
        wanted = _Put.model_validate(await self._services.bodies.read_object(request))
        namespace, uid = _place(request)
        known = None if wanted.dry_run else await self._orders.find(namespace, uid)
        if known is None:
            plan = self._planned(wanted, namespace, uid)
            if wanted.dry_run:
                return answers.answer({"matched": await self._orders.estimate(plan)})
            known = await self._begun(plan, paused=wanted.paused is True)
        _require_owner(known.plan, wanted.owner)
        _require_same(known.plan, wanted)
        return answers.answer(_shape(await self._as_wanted(known, paused=wanted.paused is True)))

    async def get(self, request: web.Request) -> web.Response:
        found = await self._orders.find(*_place(request))
        if found is None:
            raise unknown("replay")
        return answers.answer(_shape(found))

    async def cancel(self, request: web.Request) -> web.Response:
        """204, also for what is over or not there."""
        known = await self._orders.find(*_place(request))
        if known is not None:
            _require_owner(known.plan, paging.word(request.query, "owner"))
            await self._orders.change(*_place(request), ReplayState.CANCELLED)
        return answers.nothing()

    async def listed(self, request: web.Request) -> web.Response:
        namespace = Namespace(path_word(request, "namespace", "namespace"))
        limit, cursor = paging.limit(request.query), paging.cursor(request.query)
        page = await self._orders.page(namespace, limit=limit, cursor=cursor)
        return paging.page_answer(page, _shape)

    async def everywhere(self, request: web.Request) -> web.Response:
        """Those of all namespaces, in the order of namespace and uid."""
        query = request.query
        page = await self._orders.declared(
            paging.word(query, "owner"),
            unfinished=paging.flag(query, "unfinished"),
            limit=paging.limit(query),
            cursor=paging.cursor(query),
        )
        return paging.page_answer(page, _shape)

    async def _begun(self, plan: ReplayPlan, *, paused: bool) -> Replay:
        """The replay of this uid as it was stored: of two at a time the first one."""
        await self._orders.create(plan, paused=paused)
        found = await self._orders.find(plan.namespace, plan.id)
        if found is None:
            raise TypeError("a replay that was saved is not there")
        return found

    def _planned(self, wanted: _Put, namespace: Namespace, uid: ReplayId) -> ReplayPlan:
        plan = self._orders.plan(
            namespace,
            wanted.filter.selection(),
            id_=uid,
            to_subscription=wanted.to_subscription,
            rate=wanted.rate_per_second,
            owner=wanted.owner,
        )
        if isinstance(plan, UnknownSubscription):
            field = ["to_subscription"] if wanted.to_subscription else ["filter", "subscription"]
            raise invalid(["body", *field], "there is no such subscription", "unknown")
        return plan

    async def _as_wanted(self, replay: Replay, *, paused: bool) -> Replay:
        """Paused or running; one that is over stays as it is."""
        state = ReplayState.PAUSED if paused else ReplayState.RUNNING
        if replay.state is state or replay.is_over:
            return replay
        changed = await self._orders.change(replay.plan.namespace, replay.plan.id, state)
        return changed or replay


def _require_owner(plan: ReplayPlan, owner: str | None) -> None:
    if plan.owner not in (None, owner):
        raise conflict("owned_by_another", f"the replay is owned by {plan.owner!r}")


def _require_same(plan: ReplayPlan, wanted: _Put) -> None:
    asked = (wanted.filter.selection(), wanted.to_subscription, wanted.rate_per_second)
    if asked != (plan.filter, plan.to_subscription, plan.rate):
        raise conflict("replay_differs", "a replay of this uid exists and asks for something else")


def _shape(replay: Replay) -> dict[str, Any]:
    plan = replay.plan
    return {**shape(replay), "namespace": plan.namespace, "owner": plan.owner}


def _place(request: web.Request) -> tuple[Namespace, ReplayId]:
    namespace = Namespace(path_word(request, "namespace", "namespace"))
    return namespace, ReplayId(path_word(request, "uid", "replay"))
