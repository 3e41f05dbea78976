"""
Replaying a run's webhook: sent at once, answered when it is over; or only looked at.
"""

from collections.abc import Sequence
from typing import Any

import orjson
from aiohttp import web

from hookgate_gateway.api import answers, delivery_shapes, previews
from hookgate_gateway.api.auth import key_ref
from hookgate_gateway.api.errors import Refusal, conflict, unknown
from hookgate_gateway.api.routing import KeyedRoute, Route, path_word
from hookgate_gateway.api.run_requests import ReplayRequest, read
from hookgate_gateway.api.services import Services
from hookgate_gateway.catalogue.snapshot import Caller
from hookgate_gateway.dispatch.plan import Blocked, Held
from hookgate_gateway.ports import Shipment
from hookgate_gateway.replay.once import (
    Ambiguous,
    NotEnded,
    NothingToSendTo,
    Previewed,
    Problem,
    Replayed,
    RunReplays,
    UnknownRun,
    UnknownSubscription,
    Wish,
)
from hookgate_gateway.rules.delivery import RunId

__all__ = ["ReplayRoutes"]


class ReplayRoutes:
    """The three paths of a synchronous replay, and its preview."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._clock = services.clock
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
            KeyedRoute("POST", "/v1/runs/{run_id}/retry_webhook", self.replay_skyvern),
            KeyedRoute("POST", "/v1/internal/runs/{run_id}/test-webhook", self.replay_skyvern),
            KeyedRoute("GET", "/v1/internal/runs/{run_id}/test-webhook", self.preview),
        )

    async def replay(self, request: web.Request, caller: Caller) -> web.Response:
        """The payload is shown as the object it is."""
        replayed = await self._replay(request, caller)
        return answers.answer(_replayed(replayed, _payload(replayed.event.body)))

    async def replay_skyvern(self, request: web.Request, caller: Caller) -> web.Response:
        """The payload is shown as its text: Skyvern's SDK fails on anything but a string."""
        replayed = await self._replay(request, caller)
        return answers.answer(_replayed(replayed, _text(replayed.event.body)))

    async def preview(self, request: web.Request, caller: Caller) -> web.Response:
        """What a replay would send now, without sending it; secrets and signatures are ``***``."""
        run_id = RunId(path_word(request, "run_id", "run"))
        wanted = read(ReplayRequest, dict(request.query))
        previewed = await self._replays.preview(caller.key.namespace, run_id, _wish(wanted, caller))
        if not isinstance(previewed, Previewed):
            raise _refusal(previewed)
        return answers.answer(_previewed(previewed, int(self._clock.now())))

    async def _replay(self, request: web.Request, caller: Caller) -> Replayed:
        run_id = RunId(path_word(request, "run_id", "run"))
        async with self._services.asked(request, caller, optional=True) as body:
            wish = _wish(read(ReplayRequest, body), caller)
            result = await self._replays.replay(caller.key.namespace, run_id, wish)
        if not isinstance(result, Replayed):
            raise _refusal(result)
        return result


def _wish(wanted: ReplayRequest, caller: Caller) -> Wish:
    return Wish(
        key=key_ref(caller),
        override=wanted.override_webhook_url,
        subscription=wanted.subscription,
    )


def _refusal(problem: Problem) -> Refusal:
    match problem:
        case UnknownRun():
            return unknown("run")
        case NotEnded():
            return conflict("run_not_ended", "the run has no final event yet")
        case UnknownSubscription():
            return unknown("subscription")
        case NothingToSendTo():
            return Refusal(
                400,
                "nothing_to_send_to",
                "the run has no webhook_url and no subscription got it: give override_webhook_url",
            )
        case Ambiguous(names=names):
            return Refusal(
                400,
                "several_subscriptions",
                f"several subscriptions got this run, name one: {', '.join(names)}",
                subscriptions=list(names),
            )


def _replayed(replayed: Replayed, payload: Any) -> dict[str, Any]:
    run, attempt = replayed.run, replayed.attempt
    return {
        "run_id": run.run_id,
        "run_type": replayed.event.run_type,
        "default_webhook_url": run.webhook_url,
        # A subscription's URL may come from a Secret: it is shown as the attempt keeps it.
        "target_webhook_url": replayed.delivery.target.url or attempt.url or None,
        "payload": payload,
        "headers": delivery_shapes.headers(attempt),
        **delivery_shapes.attempt_answer(attempt),
        "delivery_id": replayed.delivery.id,
    }


def _previewed(previewed: Previewed, timestamp: int) -> dict[str, Any]:
    run = previewed.run
    target: str | None = None
    headers: dict[str, str] = {}
    error: str | None = None
    match previewed.plan:
        case Shipment() as shipment:
            target = previews.url(shipment)
            headers = previews.headers(shipment, timestamp)
        case Held(reason):
            error = f"the subscription is held: {reason or 'Unknown'}"
        case Blocked(why):
            error = why
    return {
        "run_id": run.run_id,
        "run_type": previewed.event.run_type,
        "default_webhook_url": run.webhook_url,
        "target_webhook_url": target,
        "payload": _text(previewed.event.body),
        "headers": headers,
        "status_code": None,
        "latency_ms": None,
        "response_body": None,
        "error": error,
        "delivery_id": None,
    }


def _text(body: bytes | None) -> str | None:
    return None if body is None else body.decode("utf-8", "replace")


def _payload(body: bytes | None) -> Any:
    """The stored payload: its own text wherever that is strict JSON, else what can be said of it."""
    if body is None:
        return None
    try:
        orjson.loads(body)
    except orjson.JSONDecodeError:
        return answers.parse_object(body)
    return orjson.Fragment(body)
