"""
Testing a URL: a sample payload, signed with the caller's key, sent through the same guard as a delivery.
"""

from collections.abc import Sequence

from aiohttp import web

from hookgate_gateway.api import answers, delivery_shapes
from hookgate_gateway.api.errors import Refusal
from hookgate_gateway.api.routing import KeyedRoute, Route
from hookgate_gateway.api.run_requests import TestRequest, read
from hookgate_gateway.api.samples import sample
from hookgate_gateway.api.services import Services
from hookgate_gateway.catalogue.snapshot import Caller
from hookgate_gateway.ports import Shipment
from hookgate_gateway.rules.delivery import RunId
from hookgate_gateway.rules.lane import run_lane

__all__ = ["WebhookTestRoutes"]


class WebhookTestRoutes:
    """The three paths of a test. ``task`` means task_v2 on the seed's, task_v1 on Skyvern's own."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def routes(self) -> Sequence[Route]:
        return (
            KeyedRoute("POST", "/api/v1/webhooks/test", self.test_seed),
            KeyedRoute("POST", "/v1/internal/test-webhook", self.test_skyvern),
            KeyedRoute("POST", "/api/v1/internal/test-webhook", self.test_skyvern),
        )

    async def test_seed(self, request: web.Request, caller: Caller) -> web.Response:
        return await self._test(request, caller, task="task_v2")

    async def test_skyvern(self, request: web.Request, caller: Caller) -> web.Response:
        return await self._test(request, caller, task="task_v1")

    async def _test(self, request: web.Request, caller: Caller, *, task: str) -> web.Response:
        wanted = read(TestRequest, await self._services.bodies.read_object(request))
        await self._refuse_known(wanted, caller)
        run_type = task if wanted.run_type == "task" else str(wanted.run_type)
        shipment = self._shipment(wanted, caller, run_type)
        key_id = f"{caller.key.namespace}/{caller.key.secret}/{caller.fingerprint}"
        attempt = await self._services.direct.test(shipment, key_id)
        return answers.answer(
            {
                **delivery_shapes.attempt_answer(attempt),
                "headers_sent": delivery_shapes.headers(attempt),
            }
        )

    async def _refuse_known(self, wanted: TestRequest, caller: Caller) -> None:
        """A run that exists has a payload of its own: a sample in its name would mislead."""
        if wanted.run_id is None:
            return
        run_id = RunId(wanted.run_id)
        if await self._services.history.run(caller.key.namespace, run_id) is not None:
            raise Refusal(
                400, "use_replay", "this run exists: use replay to send its webhook again"
            )

    def _shipment(self, wanted: TestRequest, caller: Caller, run_type: str) -> Shipment:
        services = self._services
        body = answers.encode(
            sample(run_type, wanted.webhook_url, wanted.run_id, services.clock.now())
        )
        return Shipment(
            namespace=caller.key.namespace,
            lane=run_lane(caller.key.namespace, wanted.webhook_url),
            url=wanted.webhook_url,
            scheme=caller.key.scheme,
            keys=(caller.key.value(caller.fingerprint),),
            body=body,
            event_id=services.ids.event(),
            delivery_id=services.ids.delivery(),
            number=1,
            test=True,
        )
