"""
The public application: every route of the contract, put together once.
"""

from aiohttp import web

from hookgate_gateway.api.about import AboutRoutes
from hookgate_gateway.api.bulk_replays import BulkReplayRoutes
from hookgate_gateway.api.cancels import CancelRoutes
from hookgate_gateway.api.deliveries import DeliveryRoutes
from hookgate_gateway.api.events import EventRoutes
from hookgate_gateway.api.openapi.routes import OpenApiRoutes
from hookgate_gateway.api.replays import ReplayRoutes
from hookgate_gateway.api.reports import ReportRoutes
from hookgate_gateway.api.routing import Route, add_routes
from hookgate_gateway.api.runs import RunRoutes
from hookgate_gateway.api.services import Services
from hookgate_gateway.api.subscriptions import SubscriptionRoutes
from hookgate_gateway.api.webhook_tests import WebhookTestRoutes

__all__ = ["make_public_app", "public_routes"]


def make_public_app(services: Services) -> web.Application:
    """What clients, engines and Skyvern servers talk to."""
    app = web.Application()
    routes = public_routes(services)
    add_routes(app, routes, services.catalogue, services.observer, services.rates.spend)
    return app


def public_routes(services: Services) -> tuple[Route, ...]:
    """All routes, the busiest first."""
    return (
        *ReportRoutes(services).routes(),
        *RunRoutes(services).routes(),
        *CancelRoutes(services).routes(),
        *ReplayRoutes(services).routes(),
        *BulkReplayRoutes(services).routes(),
        *DeliveryRoutes(services).routes(),
        *EventRoutes(services).routes(),
        *SubscriptionRoutes(services).routes(),
        *WebhookTestRoutes(services).routes(),
        *AboutRoutes().routes(),
        *OpenApiRoutes().routes(),
    )
