"""
Subscriptions: listed, looked at, resumed. They are declared elsewhere.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web

from hookgate_gateway.api import answers, delivery_shapes, paging, times
from hookgate_gateway.api.errors import unknown
from hookgate_gateway.api.routing import KeyedRoute, Route, path_word
from hookgate_gateway.api.services import Services
from hookgate_gateway.catalogue.snapshot import Caller, Snapshot
from hookgate_gateway.contract import ResourceKey, ResourceKind, Subscription
from hookgate_gateway.dispatch.dispatcher import LaneState
from hookgate_gateway.ports import Page
from hookgate_gateway.rules.delivery import HoldReason, LaneKey, Namespace
from hookgate_gateway.rules.lane import subscription_lane

__all__ = ["SubscriptionRoutes", "live_subscription"]


class SubscriptionRoutes:
    """``/v1/subscriptions``. A deleted one answers 404 at once, whatever of it is still kept."""

    def __init__(self, services: Services) -> None:
        self._catalogue = services.catalogue
        self._dispatch = services.dispatch
        self._health = services.health

    def routes(self) -> Sequence[Route]:
        return (
            KeyedRoute("GET", "/v1/subscriptions", self.listed),
            KeyedRoute("GET", "/v1/subscriptions/{name}", self.get),
            KeyedRoute("POST", "/v1/subscriptions/{name}/resume", self.resume),
        )

    async def listed(self, request: web.Request, caller: Caller) -> web.Response:
        """In the order of their names; a cursor is the last name of the page before."""
        limit, after = paging.limit(request.query), paging.cursor(request.query) or ""
        found = self._live(caller.key.namespace)
        following = sorted((s for s in found if s.name > after), key=lambda s: s.name)
        items = tuple(following[:limit])
        cursor = items[-1].name if len(following) > limit else None
        lanes = self._dispatch.lane_states()
        return paging.page_answer(Page(items, cursor), lambda item: self._shape(item, lanes))

    async def get(self, request: web.Request, caller: Caller) -> web.Response:
        return self._answer(self._named(request, caller))

    async def resume(self, request: web.Request, caller: Caller) -> web.Response:
        """End a hold ``Gone`` and start the age of the deliveries anew; others are not for a call to end."""
        subscription = self._named(request, caller)
        await self._catalogue.resume(
            ResourceKey(ResourceKind.SUBSCRIPTION, subscription.namespace, subscription.name)
        )
        return self._answer(self._named(request, caller))

    def _answer(self, subscription: Subscription) -> web.Response:
        return answers.answer(self._shape(subscription, self._dispatch.lane_states()))

    def _shape(
        self, subscription: Subscription, lanes: Mapping[LaneKey, LaneState]
    ) -> dict[str, Any]:
        """A subscription: its spec as it was handed in, which names Secrets and holds none."""
        lane = lanes.get(subscription_lane(subscription.namespace, subscription.name))
        return {
            "name": subscription.name,
            "namespace": subscription.namespace,
            "spec": subscription.document.get("spec", {}),
            "hold": delivery_shapes.hold(subscription.hold),
            "lane": None if lane is None else _lane(lane),
            "health": delivery_shapes.health(
                self._health.of((subscription.namespace, subscription.name))
            ),
            "resumed_at": times.text(subscription.resumed_at) if subscription.resumed_at else None,
        }

    def _live(self, namespace: Namespace) -> list[Subscription]:
        subscriptions = self._catalogue.snapshot.subscriptions
        return [s for (where, _), s in subscriptions.items() if where == namespace and _lives(s)]

    def _named(self, request: web.Request, caller: Caller) -> Subscription:
        return live_subscription(self._catalogue.snapshot, request, caller)


def live_subscription(snapshot: Snapshot, request: web.Request, caller: Caller) -> Subscription:
    """The caller's subscription that the path names. Raises Refusal 404, also for a deleted one."""
    name = path_word(request, "name", "subscription")
    found = snapshot.subscriptions.get((caller.key.namespace, name))
    if found is None or not _lives(found):
        raise unknown("subscription")
    return found


def _lives(subscription: Subscription) -> bool:
    return subscription.hold is None or subscription.hold.reason is not HoldReason.DELETED


def _lane(lane: LaneState) -> dict[str, Any]:
    """The subscription's queue in this process; None is shown for one that has had nothing to do."""
    return {
        "breaker": lane.breaker,
        "in_flight": lane.in_flight,
        "waiting": lane.waiting,
        "parked": lane.parked,
        "paused_until": times.text(lane.paused_until) if lane.paused_until else None,
    }
