"""
Subscriptions, API keys and sources: put, looked at, listed, deleted, each by its owner.

A PUT is answered when it is stored and holds: every event accepted afterwards is matched with it.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from aiohttp import web

from hookgate_gateway.api import answers, paging
from hookgate_gateway.api.control.requests import parse_put, read_put
from hookgate_gateway.api.control.services import ControlServices
from hookgate_gateway.api.control.view import described, masked
from hookgate_gateway.api.errors import invalid, unknown
from hookgate_gateway.api.routing import Route, TokenRoute, path_word
from hookgate_gateway.contract import ResourceKey, ResourceKind
from hookgate_gateway.ports import Page, StoredResource
from hookgate_gateway.rules.delivery import Namespace

__all__ = ["ResourceRoutes"]

_KINDS: Final[Mapping[str, ResourceKind]] = {
    "subscriptions": ResourceKind.SUBSCRIPTION,
    "api-keys": ResourceKind.API_KEY,
    "sources": ResourceKind.SOURCE,
}


class ResourceRoutes:
    """``/control/v1/namespaces/{namespace}/{kind}`` and ``/control/v1/resources``."""

    def __init__(self, services: ControlServices) -> None:
        self._services = services
        self._declarations = services.declarations

    def routes(self) -> Sequence[Route]:
        admit = self._services.admit
        kinds = "|".join(_KINDS)
        many = f"/control/v1/namespaces/{{namespace}}/{{kind:{kinds}}}"
        one = f"{many}/{{name}}"
        return (
            TokenRoute("PUT", one, self.put, admit),
            TokenRoute("GET", one, self.get, admit),
            TokenRoute("DELETE", one, self.delete, admit),
            TokenRoute("GET", many, self.listed, admit),
            TokenRoute("GET", "/control/v1/resources", self.everywhere, admit),
        )

    async def put(self, request: web.Request) -> web.Response:
        """200 with how it stands; the same once more makes no new revision."""
        key = _key(request)
        body = await self._services.bodies.read(request)
        draft = read_put(parse_put(body), key)
        await self._declarations.ensure(draft)
        return self._answer(self._named(key))

    async def get(self, request: web.Request) -> web.Response:
        return self._answer(self._named(_key(request)))

    async def delete(self, request: web.Request) -> web.Response:
        """204, also for what is not there."""
        owner = paging.word(request.query, "owner")
        if owner is None:
            raise invalid(["query", "owner"], "is required", "missing")
        await self._declarations.delete(_key(request), owner)
        return answers.nothing()

    async def listed(self, request: web.Request) -> web.Response:
        """Those of a namespace and kind, in the order of their names."""
        namespace, kind = request.match_info["namespace"], _KINDS[request.match_info["kind"]]
        return self._page(request, namespace, kind)

    async def everywhere(self, request: web.Request) -> web.Response:
        """Those of all namespaces, in the order of namespace, kind and name."""
        word = paging.word(request.query, "kind")
        if word is not None and word not in _KINDS:
            raise invalid(["query", "kind"], f"must be one of {', '.join(_KINDS)}", "enum")
        namespace = paging.word(request.query, "namespace")
        return self._page(request, namespace, _KINDS[word] if word else None)

    def _page(
        self, request: web.Request, namespace: str | None, kind: ResourceKind | None
    ) -> web.Response:
        limit, after = paging.limit(request.query), paging.cursor(request.query) or ""
        owner = paging.word(request.query, "owner")
        found = sorted(
            (_place(stored.key), stored)
            for stored in self._living()
            if namespace in (None, stored.key.namespace)
            and kind in (None, stored.key.kind)
            and owner in (None, stored.owner)
            and _place(stored.key) > after
        )
        shown = found[:limit]
        cursor = shown[-1][0] if len(found) > limit else None
        view, snapshot = self._services.view, self._declarations.snapshot
        page = Page(tuple(stored for _, stored in shown), cursor)
        return paging.page_answer(page, lambda stored: described(stored, view, snapshot))

    def _living(self) -> Iterator[StoredResource]:
        return (s for s in self._declarations.stored.values() if s.deleted_at is None)

    def _named(self, key: ResourceKey) -> StoredResource:
        found = self._declarations.stored.get(key)
        if found is None or found.deleted_at is not None:
            raise unknown(key.kind.value)
        return found

    def _answer(self, stored: StoredResource) -> web.Response:
        declarations = self._declarations
        standing = declarations.standing(stored)
        told = described(stored, self._services.view, declarations.snapshot, standing)
        return answers.answer({**told, "resource": masked(stored)})


def _key(request: web.Request) -> ResourceKey:
    namespace = path_word(request, "namespace", "namespace")
    name = path_word(request, "name", "resource")
    return ResourceKey(_KINDS[request.match_info["kind"]], Namespace(namespace), name)


def _place(key: ResourceKey) -> str:
    """Where a resource stands in a list; a page's cursor."""
    return f"{key.namespace}/{key.kind}/{key.name}"
