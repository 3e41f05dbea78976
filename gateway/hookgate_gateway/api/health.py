"""
The metrics listener: figures for Prometheus, and whether this process is alive and ready.

Nothing here asks for a key, so nothing here speaks of a tenant beyond the metrics' own labels.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web
from prometheus_client.exposition import choose_encoder

from hookgate_gateway.api import answers
from hookgate_gateway.api.routing import OpenRoute, SnapshotHolder, add_routes
from hookgate_gateway.observe import Observer, ReadinessCheck

__all__ = ["Check", "make_metrics_app", "none_loaded", "not_writable", "stopping"]

Check = Callable[[], Awaitable[str | None]]
"""Looks at one thing; None when it is well, else a sentence."""

PATIENCE = 2.0
"""Seconds that a check may take; a kubelet waits one second by default, five in our chart."""


def make_metrics_app(
    checks: Mapping[ReadinessCheck, Check],
    catalogue: SnapshotHolder,
    observer: Observer,
    *,
    patience: float = PATIENCE,
) -> web.Application:
    """``/metrics``, ``/healthz`` and ``/readyz``; all ``checks`` have to be well for it to be ready.

    A check that takes longer than ``patience`` seconds has failed.
    """
    app = web.Application()
    health = _Health(checks, observer, patience)
    routes = (
        OpenRoute("GET", "/metrics", health.metrics),
        OpenRoute("GET", "/healthz", health.alive),
        OpenRoute("GET", "/readyz", health.ready),
    )
    add_routes(app, routes, catalogue, observer)
    return app


def not_writable(writable: Callable[[], Awaitable[bool]]) -> Check:
    """The check that a write would be stored now (``Upkeep.writable``)."""

    async def check() -> str | None:
        return None if await writable() else "the store cannot be written to"

    return check


def none_loaded(loaded: Callable[[], bool]) -> Check:
    """The check that the manifests were read, and not every one of them was bad."""

    async def check() -> str | None:
        return None if loaded() else "no manifest could be loaded"

    return check


def stopping(is_stopping: Callable[[], bool]) -> Check:
    """The check that nobody asked this process to end."""

    async def check() -> str | None:
        return "the gateway is stopping" if is_stopping() else None

    return check


class _Health:
    def __init__(
        self, checks: Mapping[ReadinessCheck, Check], observer: Observer, patience: float
    ) -> None:
        self._checks = checks
        self._patience = patience
        self._observer = observer
        self._one_scrape = asyncio.Lock()

    async def alive(self, _request: web.Request) -> web.Response:
        return answers.answer({"status": "ok"})

    async def ready(self, _request: web.Request) -> web.Response:
        """200 when every check is well, else 503; each check with its sentence, or ``ok``."""
        problems = await self._look()
        told = {check.value: problem or "ok" for check, problem in problems.items()}
        if any(problems.values()):
            return answers.answer({"status": "not ready", "checks": told}, 503)
        return answers.answer({"status": "ready", "checks": told})

    async def metrics(self, request: web.Request) -> web.Response:
        """In the format that was asked for, made in a thread: a thousand subscriptions take 0.1 s.

        The checks are looked at first, so that a scrape tells what ``/readyz`` would answer now.
        """
        encoder, media_type = choose_encoder(request.headers.get("Accept", ""))
        async with self._one_scrape:
            await self._look()
            body = await asyncio.to_thread(encoder, self._observer.registry)
        return web.Response(body=body, headers={"Content-Type": media_type, "Server": "hookgate"})

    async def _look(self) -> Mapping[ReadinessCheck, str | None]:
        """What is wrong with each check, None when nothing is; the gauge is set to the same."""
        problems = await asyncio.gather(*(self._problem(check) for check in self._checks.values()))
        told = dict(zip(self._checks, problems, strict=True))
        self._observer.readiness_stands({check: told[check] is None for check in told})
        return told

    async def _problem(self, check: Check) -> str | None:
        try:
            async with asyncio.timeout(self._patience):
                return await check()
        except TimeoutError:
            return "no answer in time"
        except Exception as error:  # noqa: BLE001  # a check that fails is a failed check
            return f"failed: {type(error).__name__}"
