"""
What anybody may know: which version this is, and that it is alive.
"""

from collections.abc import Sequence

from aiohttp import web

from hookgate.version import __version__
from hookgate_gateway.api import answers
from hookgate_gateway.api.routing import OpenRoute, Route

__all__ = ["AboutRoutes"]


class AboutRoutes:
    """``GET /v1/version`` and ``GET /api/v1/heartbeat``."""

    def routes(self) -> Sequence[Route]:
        return (
            OpenRoute("GET", "/v1/version", self.version),
            OpenRoute("GET", "/api/v1/heartbeat", self.heartbeat),
        )

    async def version(self, _request: web.Request) -> web.Response:
        return answers.answer({"version": __version__})

    async def heartbeat(self, _request: web.Request) -> web.Response:
        return answers.answer("Server is running.")
