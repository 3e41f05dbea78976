"""
``GET /openapi.json``: the same bytes for everybody, made at the first request.
"""

from collections.abc import Sequence

from aiohttp import web

from hookgate_gateway.api import answers
from hookgate_gateway.api.openapi.document import encoded
from hookgate_gateway.api.routing import OpenRoute, Route

__all__ = ["OpenApiRoutes"]


class OpenApiRoutes:
    """The document."""

    def routes(self) -> Sequence[Route]:
        return (OpenRoute("GET", "/openapi.json", self.get),)

    async def get(self, _request: web.Request) -> web.Response:
        return answers.raw(encoded(), headers={"Cache-Control": "public, max-age=300"})
