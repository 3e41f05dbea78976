"""Bodies of POST-run and of a control PUT: taken, or refused with a 4xx that repeats no value."""

import json

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from hookgate_gateway.api import answers
from hookgate_gateway.api.control.requests import parse_put, read_put
from hookgate_gateway.api.errors import Refusal, validation
from hookgate_gateway.api.run_requests import (
    WEBHOOK_SPELLINGS,
    CancelRequest,
    ReplayRequest,
    TaskRequest,
    TestRequest,
    WorkflowRequest,
    read,
    spellings,
)
from hookgate_gateway.contract import ResourceKey, ResourceKind
from hookgate_gateway.intake.parse import parse_document
from hookgate_gateway.rules.delivery import Namespace
from tests.fuzz.hostile import MARK, SCALARS, damaged_json, json_values, nested
from tests.gateway.api.control.world import subscription

MODELS = [TaskRequest, WorkflowRequest, CancelRequest, TestRequest, ReplayRequest]
KEY = ResourceKey(ResourceKind.SUBSCRIPTION, Namespace("shop"), "invoices")


def taken(model, body):
    """The request in a body, or the refusal that a client gets."""
    try:
        return read(model, body)
    except Refusal as refusal:
        return refusal
    except ValidationError as error:
        return validation(error)


def names(model):
    return sorted({*model.model_fields, *spellings(model)})


@given(st.sampled_from(MODELS), st.data())
def test_any_body_makes_a_request_or_a_422(model, data):
    known = st.sampled_from(names(model))
    sound = st.just(
        {"prompt": "p", "workflow_id": "w", "run_ids": ["r"], "webhook_url": "http://a.example"}
    )
    documents = st.tuples(sound, st.dictionaries(known, SCALARS | json_values(known))).map(
        lambda parts: parts[0] | parts[1]
    )
    document = parse_document(data.draw(damaged_json(documents)))
    if not isinstance(document, dict):
        return
    found = taken(model, document)
    if isinstance(found, Refusal):
        answer = found.response()
        assert answer.status == 422
        assert MARK not in answer.text
        json.loads(answer.text)


@given(
    st.sampled_from(sorted({"webhook_url", *WEBHOOK_SPELLINGS})),
    st.sampled_from(["http://a.example/x", " https://a.example ", "http://a.example/?ü"]),
    st.dictionaries(st.text(max_size=20), st.none() | st.text(max_size=8)),
)
def test_a_webhook_url_is_kept_under_any_spelling(spelling, url, rest):
    found = taken(TaskRequest, {**rest, "prompt": "p", spelling: url})
    if isinstance(found, TaskRequest):
        assert found.webhook_url == url.strip()
    else:
        assert rest, "two spellings that disagree, or a known field of the wrong kind"


@pytest.mark.parametrize("depth", [100, 400, 600, 1000])
def test_two_spellings_as_deep_as_json_goes(depth):
    deep = orjson.loads(nested(depth))
    for other in (deep, orjson.loads(nested(depth)), orjson.loads(nested(depth, '{"a":', "}"))):
        found = taken(TaskRequest, {"prompt": deep, "user_prompt": other})
        assert isinstance(found, Refusal)
        assert found.status == 422
    same = orjson.loads(nested(depth, '{"a":', "}"))
    found = taken(WorkflowRequest, {"workflow_id": "w", "data": same, "parameters": dict(same)})
    assert isinstance(found, WorkflowRequest) or found.status == 422


@given(st.binary(max_size=60) | damaged_json(st.just(subscription("shop", url=f"https://{MARK}/"))))
def test_any_bytes_of_a_control_put(body):
    try:
        draft = read_put(parse_put(body), KEY)
    except Refusal as refusal:
        answer = refusal.response()
        assert answer.status in (400, 422)
        assert MARK not in answer.text
    else:
        assert draft.key == KEY
        answers.encode(draft.document)
