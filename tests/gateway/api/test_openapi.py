"""The document says what the gateway does: every route, every request, every answer."""

import json
import re
from typing import Any

import pytest
from pydantic import ValidationError

from hookgate_gateway.api.app import public_routes
from hookgate_gateway.api.openapi.document import document
from hookgate_gateway.api.openapi.models import Payload
from hookgate_gateway.api.openapi.operation import Operation
from hookgate_gateway.api.openapi.operations import OPERATIONS
from hookgate_gateway.api.routing import KeyedRoute
from hookgate_gateway.api.run_requests import read, spellings
from hookgate_gateway.rules.report import Unreadable, read_report
from tests.gateway.api.world import World

DOCUMENT = document()
TOLD = [(method, path, operation) for operation in OPERATIONS for method, path in operation.methods]
WITH_REQUEST = [operation for operation in OPERATIONS if operation.request is not None]


@pytest.mark.asyncio(loop_scope="module")
async def test_every_route_is_told_and_no_other(world: World) -> None:
    routes = public_routes(world.services)
    assert sorted((r.method, r.path) for r in routes) == sorted((m, p) for m, p, _ in TOLD)
    shown = {(m.upper(), path) for path, methods in DOCUMENT["paths"].items() for m in methods}
    assert shown == {(r.method, r.path) for r in routes}
    keyed = {(r.method, r.path) for r in routes if isinstance(r, KeyedRoute)}
    assert keyed == {(m, p) for m, p, operation in TOLD if operation.keyed}
    for method, path, operation in TOLD:
        security = DOCUMENT["paths"][path][method.lower()]["security"]
        assert security == ([{"apiKey": []}, {"bearer": []}] if operation.keyed else [])


@pytest.mark.asyncio(loop_scope="module")
async def test_it_is_served_as_it_is(world: World) -> None:
    for path in ("/openapi.json", "/openapi.json/"):
        reply = await world.call("GET", path)
        assert reply.status == 200
        assert reply.headers["Content-Type"] == "application/json"
        assert reply.json() == json.loads(json.dumps(DOCUMENT))


def test_names_are_unique_and_references_lead_somewhere() -> None:
    ids = [o["operationId"] for methods in DOCUMENT["paths"].values() for o in methods.values()]
    assert len(set(ids)) == len(ids)
    schemas = DOCUMENT["components"]["schemas"]
    for name in re.findall(r'"#/components/schemas/(\w+)"', json.dumps(DOCUMENT)):
        assert name in schemas


@pytest.mark.parametrize("operation", WITH_REQUEST, ids=lambda o: o.routes[0])
def test_examples_are_valid(operation: Operation) -> None:
    assert operation.examples
    for example in operation.examples.values():
        assert operation.request is not None
        if operation.request is Payload:
            assert not isinstance(read_report(example), Unreadable)
        else:
            given = {"workflow_id": "wpid_1"} if "{workflow_id}" in operation.routes[0] else {}
            read(operation.request, example, **given)


@pytest.mark.parametrize("operation", WITH_REQUEST, ids=lambda o: o.routes[0])
def test_every_spelling_is_in_the_schema(operation: Operation) -> None:
    assert operation.request is not None
    schema = DOCUMENT["components"]["schemas"][operation.request.__name__]
    assert set(spellings(operation.request)) <= set(schema["properties"])
    assert set(operation.request.model_fields) <= set(schema["properties"])


def test_a_required_field_may_have_any_of_its_names() -> None:
    schema = DOCUMENT["components"]["schemas"]["TaskRequest"]
    assert "required" not in schema
    assert schema["allOf"] == [
        {
            "anyOf": [
                {"required": ["prompt"]},
                {"required": ["user_prompt"]},
                {"required": ["navigation_goal"]},
            ]
        }
    ]


@pytest.mark.parametrize(
    "payload",
    [
        {"run_id": "a", "status": "completed"},
        {"run_id": "a", "status": "b", "run_type": None, "retry_pending": 1, "attempt": "x"},
        {"run_id": "a" * 512, "status": "b" * 128},
        {"status": "completed"},
        {"run_id": "a"},
        {"run_id": "", "status": "completed"},
        {"run_id": 1, "status": "completed"},
        {"run_id": "a", "status": "completed", "run_type": 1},
        {"run_id": "a" * 513, "status": "completed"},
        {"run_id": "a", "status": "c" * 129},
        {"run_id": None, "status": "completed"},
    ],
)
def test_the_payload_told_is_the_payload_read(payload: dict[str, Any]) -> None:
    refused = isinstance(read_report(payload), Unreadable)
    try:
        Payload.model_validate(payload)
    except ValidationError:
        assert refused
    else:
        assert not refused
