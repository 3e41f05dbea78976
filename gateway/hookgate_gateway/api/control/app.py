"""
The control application: every route of the control API, put together once.
"""

from aiohttp import web

from hookgate_gateway.api.control.health import HealthRoutes
from hookgate_gateway.api.control.replays import ReplayRoutes
from hookgate_gateway.api.control.resources import ResourceRoutes
from hookgate_gateway.api.control.services import ControlServices
from hookgate_gateway.api.routing import Route, add_routes

__all__ = ["control_routes", "make_control_app"]


def make_control_app(services: ControlServices) -> web.Application:
    """What the operator talks to. When it shuts down, whoever waits for changes is answered."""
    app = web.Application()
    routes = control_routes(services)
    add_routes(app, routes, services.declarations, services.observer)

    async def let_go(_: web.Application) -> None:
        await services.feed.close()

    app.on_shutdown.append(let_go)
    return app


def control_routes(services: ControlServices) -> tuple[Route, ...]:
    """All routes; each asks for the token."""
    return (
        *ResourceRoutes(services).routes(),
        *ReplayRoutes(services).routes(),
        *HealthRoutes(services).routes(),
    )
