"""
Tests: a sample payload to a URL, signed with the caller's key, or to a subscription as it is declared.

Both go through the same guard as a delivery.
"""

from collections.abc import Sequence
from typing import Any

from aiohttp import web

from hookgate.deliveries import Outcome
from hookgate_gateway.api import answers, delivery_shapes
from hookgate_gateway.api.errors import Refusal
from hookgate_gateway.api.routing import KeyedRoute, Route
from hookgate_gateway.api.run_requests import SubscriptionTestRequest, TestRequest, read
from hookgate_gateway.api.samples import sample
from hookgate_gateway.api.services import Services
from hookgate_gateway.api.subscriptions import live_subscription
from hookgate_gateway.catalogue.snapshot import Caller
from hookgate_gateway.contract import Subscription
from hookgate_gateway.ports import Shipment
from hookgate_gateway.rules.delivery import Attempt, RunId
from hookgate_gateway.rules.lane import run_lane, subscription_lane

__all__ = ["WebhookTestRoutes"]


class WebhookTestRoutes:
    """The three paths of a URL's test (``task`` means task_v2 on the seed's, task_v1 on Skyvern's own), and a subscription's."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def routes(self) -> Sequence[Route]:
        return (
            KeyedRoute("POST", "/api/v1/webhooks/test", self.test_seed),
            KeyedRoute("POST", "/v1/internal/test-webhook", self.test_skyvern),
            KeyedRoute("POST", "/api/v1/internal/test-webhook", self.test_skyvern),
            KeyedRoute("POST", "/v1/subscriptions/{name}/test", self.test_subscription),
        )

    async def test_seed(self, request: web.Request, caller: Caller) -> web.Response:
        return await self._test(request, caller, task="task_v2")

    async def test_skyvern(self, request: web.Request, caller: Caller) -> web.Response:
        return await self._test(request, caller, task="task_v1")

    async def _test(self, request: web.Request, caller: Caller, *, task: str) -> web.Response:
        async with self._services.asked(request, caller) as body:
            wanted = read(TestRequest, body)
            await self._refuse_known(wanted, caller)
            run_type = task if wanted.run_type == "task" else str(wanted.run_type)
            return await self._send(self._to_url(wanted, caller, run_type), caller)

    async def test_subscription(self, request: web.Request, caller: Caller) -> web.Response:
        """Through the subscription's own lane, headers, certificates and keys, whatever its hold."""
        subscription = live_subscription(self._services.catalogue.snapshot, request, caller)
        async with self._services.asked(request, caller, optional=True) as body:
            run_type = _run_type(read(SubscriptionTestRequest, body), subscription)
            shipment = self._to_subscription(subscription, run_type)
            if shipment is None:
                hold = subscription.hold
                error = f"the subscription is held: {hold.reason if hold else 'Unresolved'}"
                return answers.answer(_shape(_unsent(error)))
            return await self._send(shipment, caller)

    async def _send(self, shipment: Shipment, caller: Caller) -> web.Response:
        key_id = f"{caller.key.namespace}/{caller.key.secret}/{caller.fingerprint}"
        return answers.answer(_shape(await self._services.direct.test(shipment, key_id)))

    async def _refuse_known(self, wanted: TestRequest, caller: Caller) -> None:
        """A run that exists has a payload of its own: a sample in its name would mislead."""
        if wanted.run_id is None:
            return
        run_id = RunId(wanted.run_id)
        if await self._services.history.run(caller.key.namespace, run_id) is not None:
            raise Refusal(
                400, "use_replay", "this run exists: use replay to send its webhook again"
            )

    def _to_url(self, wanted: TestRequest, caller: Caller, run_type: str) -> Shipment:
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

    def _to_subscription(self, subscription: Subscription, run_type: str) -> Shipment | None:
        """None while it is unresolved: there is nothing to send to, or to sign with."""
        endpoint, signing, services = subscription.endpoint, subscription.signing, self._services
        if endpoint is None or signing is None or not signing.keys:
            return None
        now = services.clock.now()
        return Shipment(
            namespace=subscription.namespace,
            lane=subscription_lane(subscription.namespace, subscription.name),
            url=endpoint.url,
            secret_url=endpoint.secret_url,
            headers=endpoint.headers,
            secret_headers=endpoint.secret_headers,
            timeout=endpoint.timeout,
            tls=endpoint.tls,
            scheme=signing.scheme,
            keys=signing.keys,
            body=answers.encode(sample(run_type, None, None, now)),
            event_id=services.ids.event(),
            delivery_id=services.ids.delivery(),
            number=1,
            test=True,
        )


def _run_type(wanted: SubscriptionTestRequest, subscription: Subscription) -> str:
    """What is asked for, else one that the subscription would get, ``task_v2`` before others."""
    if wanted.run_type is not None:
        return "task_v2" if wanted.run_type == "task" else str(wanted.run_type)
    expected = subscription.match.run_types
    return "task_v2" if not expected or "task_v2" in expected else min(expected)


def _unsent(error: str) -> Attempt:
    return Attempt(outcome=Outcome.BLOCKED, started_at=0.0, duration=0.0, error=error)


def _shape(attempt: Attempt) -> dict[str, Any]:
    return {
        **delivery_shapes.attempt_answer(attempt),
        "headers_sent": delivery_shapes.headers(attempt),
    }
