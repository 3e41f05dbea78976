"""
Subscriptions: listed, looked at, resumed. They are declared elsewhere.
"""

from collections.abc import Sequence

from aiohttp import web

from hookgate_gateway.api import answers, delivery_shapes, paging
from hookgate_gateway.api.errors import unknown
from hookgate_gateway.api.routing import KeyedRoute, Route, path_word
from hookgate_gateway.api.services import Services
from hookgate_gateway.catalogue.snapshot import Caller
from hookgate_gateway.contract import Subscription
from hookgate_gateway.ports import Page
from hookgate_gateway.rules.delivery import HoldReason, Namespace

__all__ = ["SubscriptionRoutes"]


class SubscriptionRoutes:
    """``/v1/subscriptions``. A deleted one answers 404 at once, whatever of it is still kept."""

    def __init__(self, services: Services) -> None:
        self._catalogue = services.catalogue

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
        return paging.page_answer(Page(items, cursor), delivery_shapes.subscription)

    async def get(self, request: web.Request, caller: Caller) -> web.Response:
        return answers.answer(delivery_shapes.subscription(self._named(request, caller)))

    async def resume(self, request: web.Request, caller: Caller) -> web.Response:
        """End a hold ``Gone`` and start the age of the deliveries anew; others are not for a call to end."""
        subscription = self._named(request, caller)
        await self._catalogue.resume(subscription.namespace, subscription.name)
        return answers.answer(delivery_shapes.subscription(self._named(request, caller)))

    def _live(self, namespace: Namespace) -> list[Subscription]:
        subscriptions = self._catalogue.snapshot.subscriptions
        return [s for (where, _), s in subscriptions.items() if where == namespace and _lives(s)]

    def _named(self, request: web.Request, caller: Caller) -> Subscription:
        name = path_word(request, "name", "subscription")
        found = self._catalogue.snapshot.subscriptions.get((caller.key.namespace, name))
        if found is None or not _lives(found):
            raise unknown("subscription")
        return found


def _lives(subscription: Subscription) -> bool:
    return subscription.hold is None or subscription.hold.reason is not HoldReason.DELETED
