"""Whatever a body holds, it is a draft or a refusal, and a refusal repeats no value."""

import json

from hypothesis import given
from hypothesis import strategies as st

from hookgate_gateway.api.control.requests import read_put
from hookgate_gateway.api.errors import Refusal
from hookgate_gateway.contract import ResourceKey, ResourceKind
from hookgate_gateway.ports import ResourceDraft
from hookgate_gateway.rules.delivery import Namespace
from tests.gateway.api.control.world import api_key, source, subscription

MARK = "zq-mark-of-a-value"
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just(MARK),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
KINDS = st.sampled_from(
    [
        (ResourceKind.SUBSCRIPTION, "invoices", subscription("shop", url=f"https://{MARK}/")),
        (ResourceKind.API_KEY, "client", api_key("shop", MARK * 2)),
        (ResourceKind.SOURCE, "skyvern", source("shop", key=MARK)),
    ]
)


def paths(value, path=()):
    """The way to each part of a document."""
    yield path
    parts = {dict: dict.items, list: enumerate}.get(type(value), lambda _: ())
    for name, part in parts(value):
        yield from paths(part, (*path, name))


def taken(body, key):
    """The draft that a body makes, or the refusal."""
    try:
        return read_put(body, key)
    except Refusal as refusal:
        return refusal


@given(KINDS, st.data())
def test_any_part_may_be_anything(kind, data):
    what, name, sound = kind
    body = json.loads(json.dumps(sound))
    *way, last = data.draw(st.sampled_from([p for p in paths(body) if p]))
    place = body
    for step in way:
        place = place[step]
    place[last] = data.draw(VALUES)
    key = ResourceKey(what, Namespace("shop"), name)
    found = taken(body, key)
    if isinstance(found, ResourceDraft):
        assert found.key == key
        return
    text = found.response().text
    assert (found.status, found.code) == (422, "validation_failed")
    assert all(problem["loc"][0] == "body" for problem in json.loads(text)["detail"])
    if (*way, last) != ("resource", "metadata", "name"):  # names may be repeated, values never
        assert MARK not in text


@given(st.dictionaries(st.sampled_from(["owner", "fingerprint", "resource", "secrets"]), VALUES))
def test_any_envelope(body):
    key = ResourceKey(ResourceKind.SUBSCRIPTION, Namespace("shop"), "invoices")
    found = taken(body, key)
    assert isinstance(found, ResourceDraft) or found.response().status == 422
