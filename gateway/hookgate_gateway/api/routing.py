"""
Routes as data, and the one wrapper around every handler.

A route asks for an API key, or for a token, unless it says otherwise, so that none can forget to. The wrapper is made once
a route: the request's path through it is two calls and a ``try``.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from aiohttp import HttpVersion11, web

from hookgate_gateway.api.auth import authenticate
from hookgate_gateway.api.errors import Refusal, from_exception, unknown
from hookgate_gateway.catalogue.snapshot import Caller, Snapshot
from hookgate_gateway.observe import Observer

__all__ = [
    "KeyedRoute",
    "OpenRoute",
    "Route",
    "SnapshotHolder",
    "TokenRoute",
    "add_routes",
    "path_word",
]

Answer = Awaitable[web.StreamResponse]
MAX_WORD_LENGTH = 512


class SnapshotHolder(Protocol):
    """Whoever holds the catalogue's current snapshot."""

    @property
    def snapshot(self) -> Snapshot: ...


@dataclass(frozen=True, slots=True)
class KeyedRoute:
    """A route for callers with an API key."""

    method: str
    path: str
    handler: Callable[[web.Request, Caller], Answer]


@dataclass(frozen=True, slots=True)
class OpenRoute:
    """A route that anybody may call."""

    method: str
    path: str
    handler: Callable[[web.Request], Answer]


@dataclass(frozen=True, slots=True)
class TokenRoute:
    """A route for whoever has the token that ``admit`` looks for; it raises Refusal 401."""

    method: str
    path: str
    handler: Callable[[web.Request], Answer]
    admit: Callable[[Mapping[str, str]], None]


Route = KeyedRoute | OpenRoute | TokenRoute


def add_routes(
    app: web.Application,
    routes: Iterable[Route],
    catalogue: SnapshotHolder,
    observer: Observer,
    spend: Callable[[Caller], None] = lambda _: None,
) -> None:
    """Add routes, each with and without a trailing slash, and the answers for all other paths.

    ``spend`` is told each call with a key, and raises Refusal for one too many.
    """
    for route in routes:
        handler = _wrapped(route, catalogue, observer, spend)
        for path in (route.path, f"{route.path}/"):
            app.router.add_route(route.method, path, handler, expect_handler=_expect)
    app.router.add_route("*", "/{tail:.*}", _Fallback(app, observer).answer, expect_handler=_expect)


def path_word(request: web.Request, name: str, what: str) -> str:
    """A part of the path that names something. Raises Refusal 404 for what cannot be a name."""
    word = request.match_info[name]
    if len(word) > MAX_WORD_LENGTH or not word.isprintable():
        raise unknown(what)
    return word


def _wrapped(
    route: Route,
    catalogue: SnapshotHolder,
    observer: Observer,
    spend: Callable[[Caller], None],
) -> Callable[[web.Request], Answer]:
    label = f"{route.method} {route.path}"
    if isinstance(route, KeyedRoute):
        keyed = route.handler

        async def answer(request: web.Request) -> web.StreamResponse:
            try:
                caller = authenticate(request.headers, catalogue.snapshot)
                spend(caller)
                return await keyed(request, caller)
            except Exception as error:  # noqa: BLE001  # the boundary: nothing may pass unanswered
                return from_exception(error, observer, label)
    elif isinstance(route, TokenRoute):
        admitted, admit = route.handler, route.admit

        async def answer(request: web.Request) -> web.StreamResponse:
            try:
                admit(request.headers)
                return await admitted(request)
            except Exception as error:  # noqa: BLE001  # likewise
                return from_exception(error, observer, label)
    else:
        anybody = route.handler

        async def answer(request: web.Request) -> web.StreamResponse:
            try:
                return await anybody(request)
            except Exception as error:  # noqa: BLE001  # likewise
                return from_exception(error, observer, label)

    return answer


async def _expect(request: web.Request) -> web.StreamResponse | None:
    """``Expect: 100-continue`` is granted; nothing else can be expected (RFC 9110 §10.1.1)."""
    if request.version < HttpVersion11:
        return None
    if request.headers["Expect"].lower() != "100-continue":
        return Refusal(417, "expectation_failed", "only 100-continue can be expected").response()
    await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    request.writer.output_size = 0  # an interim answer is not the beginning of the answer
    return None


class _Fallback:
    """Tells an unknown path (404) from a known one with another method (405)."""

    def __init__(self, app: web.Application, observer: Observer) -> None:
        self._app = app
        self._observer = observer

    async def answer(self, request: web.Request) -> web.StreamResponse:
        try:
            methods = await self._methods(request)
        except Exception as error:  # noqa: BLE001  # likewise
            return from_exception(error, self._observer, "fallback")
        if not methods:
            return Refusal(404, "no_such_route", "Not Found").response()
        response = Refusal(405, "method_not_allowed", "Method Not Allowed").response()
        response.headers["Allow"] = ", ".join(sorted(methods))
        return response

    async def _methods(self, request: web.Request) -> set[str]:
        found: set[str] = set()
        for resource in self._app.router.resources():
            _match, allowed = await resource.resolve(request)
            found |= allowed
        return found - {"*"}
