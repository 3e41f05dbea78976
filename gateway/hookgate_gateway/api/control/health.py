"""
``GET /control/v1/health``: how deliveries fare, told when it changes.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from aiohttp import web

from hookgate_gateway.api import answers, paging
from hookgate_gateway.api.control.services import ControlServices
from hookgate_gateway.api.control.view import hold_shape
from hookgate_gateway.api.routing import Route, TokenRoute
from hookgate_gateway.contract import ResourceKey, ResourceKind
from hookgate_gateway.dispatch.health import Name

__all__ = ["HealthRoutes"]

MAX_WAIT = 60
_DEFAULT_WAIT = 30
_AT_ONCE = 500


class HealthRoutes:
    """A long-poll: changes since a token, everything without one."""

    def __init__(self, services: ControlServices) -> None:
        self._services = services

    def routes(self) -> Sequence[Route]:
        return (TokenRoute("GET", "/control/v1/health", self.changes, self._services.admit),)

    async def changes(self, request: web.Request) -> web.Response:
        """``{token, full, items, removed}``; empty when nothing changed within ``timeout`` seconds."""
        query = request.query
        seconds = paging.number(query, "timeout", default=_DEFAULT_WAIT, most=MAX_WAIT)
        wanted = self._owned_by(paging.word(query, "owner"))
        found = await self._services.feed.wait(paging.word(query, "since"), seconds, wanted)
        items = await self._items(found.names)
        removed = [{"namespace": namespace, "name": name} for namespace, name in found.removed]
        return answers.answer(
            {"token": found.token, "full": found.full, "items": items, "removed": removed}
        )

    def _owned_by(self, owner: str | None) -> Callable[[Name], bool]:
        declarations = self._services.declarations

        def wanted(name: Name) -> bool:
            found = declarations.stored.get(ResourceKey(ResourceKind.SUBSCRIPTION, *name))
            return found is not None and owner in (None, found.owner)

        return wanted

    async def _items(self, names: Sequence[Name]) -> list[dict[str, Any]]:
        """Ten thousand take some 60 ms: the event loop gets its turn in between."""
        items = []
        for number, name in enumerate(names, 1):
            if item := self._item(name):
                items.append(item)
            if number % _AT_ONCE == 0:
                await asyncio.sleep(0)
        return items

    def _item(self, name: Name) -> dict[str, Any] | None:
        view = self._services.view
        subscription = view.find(name)
        if subscription is None:
            return None
        namespace, word = name
        hold = hold_shape(subscription.hold)
        return {"namespace": namespace, "name": word, "hold": hold, "health": view.shape(name)}
