"""
Reports in: from engines with an API key, and from Skyvern servers by signature. The busiest path.
"""

from collections.abc import Sequence

import orjson
from aiohttp import web

from hookgate_gateway.api.answers import raw
from hookgate_gateway.api.errors import Refusal, unreadable
from hookgate_gateway.api.routing import KeyedRoute, OpenRoute, Route, path_word
from hookgate_gateway.api.services import Services
from hookgate_gateway.catalogue.snapshot import Caller
from hookgate_gateway.contract import ApiKey
from hookgate_gateway.intake.accept import AcceptedReport
from hookgate_gateway.intake.ingest import Refused
from hookgate_gateway.observe import NOBODY
from hookgate_gateway.rules.delivery import Namespace
from hookgate_gateway.rules.report import Unreadable
from hookgate_gateway.upstream.addresses import ASKED

__all__ = ["ReportRoutes"]


class ReportRoutes:
    """``POST /v1/events`` and ``POST /v1/ingest/{namespace}/{source}``."""

    def __init__(self, services: Services) -> None:
        self._accept = services.reports.accept
        self._receive = services.sources.receive
        self._bodies = services.bodies
        self._observer = services.observer

    def routes(self) -> Sequence[Route]:
        return (
            KeyedRoute("POST", "/v1/events", self.report),
            OpenRoute("POST", "/v1/ingest/{namespace}/{source}", self.ingest),
        )

    async def report(self, request: web.Request, caller: Caller) -> web.Response:
        """202 once it is on disk; 200 when the very same report was there before."""
        key = caller.key
        body = await self._read(request, key)
        result = await self._accept(key.namespace, body, f"api-key:{key.secret}")
        if isinstance(result, Unreadable):
            raise unreadable(result)
        return _accepted(result, 202)

    async def ingest(self, request: web.Request) -> web.Response:
        """200 once it is on disk: anything else is repeated by a Skyvern server."""
        namespace = Namespace(path_word(request, "namespace", "source"))
        source = path_word(request, "source", "source")
        body = await self._read(request, None)
        asked = request.query.get(ASKED)
        result = await self._receive(namespace, source, request.headers, body, asked=asked)
        if isinstance(result, Refused):
            raise Refusal(result.status, result.code, result.detail)
        if isinstance(result, Unreadable):
            raise unreadable(result)
        return _accepted(result, 200)

    async def _read(self, request: web.Request, key: ApiKey | None) -> bytes:
        try:
            return await self._bodies.read(request, key)
        except Refusal:
            namespace = NOBODY if key is None else key.namespace
            self._observer.received(namespace, "other", "other", "rejected")
            raise


def _accepted(report: AcceptedReport, status: int) -> web.Response:
    body = orjson.dumps(
        {
            "event_id": report.event_id,
            "run_id": report.run_id,
            "deliveries": report.deliveries,
            "duplicate": report.duplicate,
        }
    )
    return raw(body, 200 if report.duplicate else status)
