"""
Replaying a run's webhook: sent at once, answered when it is over.
"""

from collections.abc import Sequence
from typing import Any

import orjson
from aiohttp import web

from hookgate_gateway.api import answers, delivery_shapes
from hookgate_gateway.api.auth import key_ref
from hookgate_gateway.api.errors import Refusal, conflict, unknown
from hookgate_gateway.api.routing import KeyedRoute, Route, path_word
from hookgate_gateway.api.run_requests import ReplayRequest, read
from hookgate_gateway.api.services import Services
from hookgate_gateway.catalogue.snapshot import Caller
from hookgate_gateway.replay.once import (
    Ambiguous,
    NotEnded,
    NothingToSendTo,
    Replayed,
    RunReplays,
    UnknownRun,
    UnknownSubscription,
    Wish,
)
from hookgate_gateway.rules.delivery import RunId

__all__ = ["ReplayRoutes"]


class ReplayRoutes:
    """The three paths of a synchronous replay."""

    def __init__(self, services: Services) -> None:
        self._bodies = services.bodies
        self._replays = RunReplays(
            history=services.history,
            replays=services.replays,
            catalogue=services.catalogue,
            sender=services.direct,
            ids=services.ids,
            clock=services.clock,
        )

    def routes(self) -> Sequence[Route]:
        return (
            KeyedRoute("POST", "/api/v1/runs/{run_id}/webhook/replay", self.replay),
            KeyedRoute("POST", "/v1/runs/{run_id}/retry_webhook", self.replay),
            KeyedRoute("POST", "/v1/internal/runs/{run_id}/test-webhook", self.replay),
        )

    async def replay(self, request: web.Request, caller: Caller) -> web.Response:
        run_id = RunId(path_word(request, "run_id", "run"))
        wanted = read(ReplayRequest, await self._bodies.read_optional(request))
        wish = Wish(
            key=key_ref(caller),
            override=wanted.override_webhook_url,
            subscription=wanted.subscription,
        )
        result = await self._replays.replay(caller.key.namespace, run_id, wish)
        match result:
            case Replayed():
                return answers.answer(_shape(result))
            case UnknownRun():
                raise unknown("run")
            case NotEnded():
                raise conflict("run_not_ended", "the run has no final event yet")
            case UnknownSubscription():
                raise unknown("subscription")
            case NothingToSendTo():
                raise Refusal(
                    400,
                    "nothing_to_send_to",
                    "the run has no webhook_url and no subscription got it: give override_webhook_url",
                )
            case Ambiguous(names=names):
                raise Refusal(
                    400,
                    "several_subscriptions",
                    f"several subscriptions got this run, name one: {', '.join(names)}",
                    subscriptions=list(names),
                )


def _shape(replayed: Replayed) -> dict[str, Any]:
    run, attempt = replayed.run, replayed.attempt
    return {
        "run_id": run.run_id,
        "run_type": replayed.event.run_type,
        "default_webhook_url": run.webhook_url,
        # A subscription's URL may come from a Secret: it is shown as the attempt keeps it.
        "target_webhook_url": replayed.delivery.target.url or attempt.url or None,
        "payload": _payload(replayed.event.body),
        "headers": delivery_shapes.headers(attempt),
        **delivery_shapes.attempt_answer(attempt),
        "delivery_id": replayed.delivery.id,
    }


def _payload(body: bytes | None) -> Any:
    """The stored payload: its own text wherever that is strict JSON, else what can be said of it."""
    if body is None:
        return None
    try:
        orjson.loads(body)
    except orjson.JSONDecodeError:
        return answers.parse_object(body)
    return orjson.Fragment(body)
