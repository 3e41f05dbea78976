"""Whatever a handler raises becomes JSON that gives nothing away."""

import asyncio
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry

from hookgate_gateway.api.errors import Refusal, conflict, invalid, unknown, validation
from hookgate_gateway.api.routing import OpenRoute, add_routes
from hookgate_gateway.api.run_requests import TaskRequest
from hookgate_gateway.contract import ResourceKey, ResourceKind
from hookgate_gateway.dispatch.direct import NoSlot, TooManyTests
from hookgate_gateway.intake.accept import Overloaded
from hookgate_gateway.observe import Observer
from hookgate_gateway.ports import InvalidCursor, OwnedByAnother, StoreFull, StoreUnavailable
from hookgate_gateway.rules.delivery import Namespace
from tests.gateway.api.test_bodies import Nobody
from tests.gateway.api.world import listening

KEY = ResourceKey(ResourceKind.SUBSCRIPTION, Namespace("shop"), "hook")


class Watching(Observer):
    """Keeps what it is told."""

    def __init__(self) -> None:
        super().__init__(CollectorRegistry())
        self.errors: list[tuple[str, dict[str, object]]] = []

    def error(self, name: str, /, **fields: object) -> None:
        self.errors.append((name, fields))


async def answer_to(error: BaseException, observer: Observer) -> tuple[int, Any, dict[str, str]]:
    async def fail(request: web.Request) -> web.Response:
        raise error

    app = web.Application()
    add_routes(app, [OpenRoute("GET", "/fail", fail)], Nobody(), observer)
    async with (
        listening(app) as port,
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{port}/fail") as response,
    ):
        return response.status, await response.json(), dict(response.headers)


@pytest.mark.parametrize(
    ("error", "status", "code", "retry_after"),
    [
        (unknown("run"), 404, "not_found", None),
        (conflict("run_ended", "…"), 409, "run_ended", None),
        (invalid(["query", "limit"], "…"), 422, "validation_failed", None),
        (Refusal(429, "slow_down", "…", retry_after=0.2), 429, "slow_down", "1"),
        (StoreUnavailable("disk: secret"), 503, "store_unavailable", "5"),
        (StoreFull("disk: secret"), 503, "store_full", "5"),
        (Overloaded("too much waits to be stored", 3), 503, "overloaded", "3"),
        (NoSlot("…", 1.0), 429, "no_slot", "1"),
        (TooManyTests("…", 12.3), 429, "too_many_tests", "13"),
        (InvalidCursor("…"), 422, "validation_failed", None),
        (OwnedByAnother(KEY, "operator"), 409, "owned_by_another", None),
        (web.HTTPLengthRequired(text="secret"), 411, "length_required", None),
        (web.HTTPNotFound(text="<html>"), 404, "not_found", None),
        (web.RequestPayloadError("secret"), 400, "bad_request", None),
        (RecursionError("secret"), 500, "too_deep", None),
        (KeyError("secret"), 500, "internal_error", None),
        (TimeoutError("secret"), 500, "internal_error", None),
        (ExceptionGroup("secret", [ValueError("secret")]), 500, "internal_error", None),
    ],
)
async def test_the_answer(
    error: Exception, status: int, code: str, retry_after: str | None
) -> None:
    observer = Watching()
    got, body, headers = await answer_to(error, observer)
    assert (got, body["code"], headers.get("Retry-After")) == (status, code, retry_after)
    assert {*body} == {"detail", "code"}
    assert "secret" not in str(body)
    assert "secret" not in str(observer.errors)
    if code == "internal_error":
        [(name, fields)] = observer.errors
        assert (name, fields["route"], fields["error"]) == ("request_failed", "GET /fail", type(error).__name__)  # fmt: skip
        assert "test_errors.py:" in fields["where"][-1]
    else:
        assert observer.errors == []


def test_a_validation_error_names_fields_and_repeats_nothing() -> None:
    with pytest.raises(ValueError, match="prompt") as caught:
        TaskRequest.model_validate({"prompt": {"card": "hunter2"}, "webhook_url": "hunter2"})
    refusal = validation(caught.value)  # type: ignore[arg-type]
    assert isinstance(refusal.detail, list)
    assert [problem["loc"] for problem in refusal.detail] == [["body", "webhook_url"], ["body", "prompt"]]  # fmt: skip
    assert "hunter2" not in str(refusal.detail)


async def test_a_client_that_leaves_ends_its_connection_without_a_word() -> None:
    observer = Watching()
    with pytest.raises(aiohttp.ClientError):
        await answer_to(ConnectionResetError("gone"), observer)
    assert observer.errors == []
    await asyncio.sleep(0)
