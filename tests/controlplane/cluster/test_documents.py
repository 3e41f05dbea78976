"""What is written to an API server, and how what it has is read."""

import pytest

from hookgate_operator.cluster.decoding import values_of
from hookgate_operator.cluster.documents import event, merge_patch, preconditions, status_patch
from hookgate_operator.cluster.resources import EVENTS, SECRETS, SUBSCRIPTIONS, observed
from hookgate_operator.ports import Announcement, Found, Kind

NOW = 1_772_360_000.25

PATCHES = [
    # before, after → patch
    ({}, {}, {}),
    ({"a": 1}, {"a": 1}, {}),
    ({"a": 1}, {"a": 2}, {"a": 2}),
    ({"a": 1}, {}, {"a": None}),
    ({"a": 1}, {"a": None}, {"a": None}),
    ({}, {"a": None}, {}),
    ({"a": 1}, {"a": True}, {"a": True}),
    ({"a": 0}, {"a": False}, {"a": False}),
    ({"a": [1, 2]}, {"a": [1]}, {"a": [1]}),
    ({"a": [1]}, {"a": [1]}, {}),
    ({"a": {"b": 1, "c": 2}}, {"a": {"b": 1}}, {"a": {"c": None}}),
    ({"a": {"b": 1}}, {"a": {"b": 1}}, {}),
    ({"a": 1}, {"a": {}}, {"a": {}}),
    ({"a": 1}, {"a": {"b": None, "c": 2}}, {"a": {"c": 2}}),
    ({"a": {}}, {"a": {}}, {}),
    ({}, {"a": {"b": 1}}, {"a": {"b": 1}}),
]


def apply(patch, target):
    """RFC 7396, section 2."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = apply(value, result.get(name))
    return result


def without_nothing(value):
    if not isinstance(value, dict):
        return value
    return {name: without_nothing(each) for name, each in value.items() if each is not None}


@pytest.mark.parametrize(("before", "after", "patch"), PATCHES)
def test_a_merge_patch_says_what_changed(before, after, patch):
    assert merge_patch(before, after) == patch
    assert apply(patch, before) == without_nothing(after)


def subscription(name="invoices", **document):
    metadata = {"name": name, "namespace": "shop", "uid": "u-1", "resourceVersion": "17"}
    return observed(Kind.SUBSCRIPTION, {"metadata": metadata, **document})


def test_a_status_is_patched_in_the_version_that_was_looked_at():
    it = subscription(status={"observedGeneration": 1, "endpoint": "old"})
    assert status_patch(it, {"observedGeneration": 1}) == {
        "metadata": {"resourceVersion": "17"},
        "status": {"endpoint": None},
    }
    assert status_patch(it, {"observedGeneration": 1, "endpoint": "old"}) is None
    assert status_patch(subscription(), {}) is None


def test_an_event_names_its_object_and_who_says_it():
    said = Announcement(type="Warning", reason="SecretNotFound", message="It is not there.")
    made = event(subscription(), said, now=NOW, instance="pod-1" * 100, unique="abc")
    assert made["metadata"] == {"name": "invoices.abc", "namespace": "shop"}
    assert made["eventTime"] == "2026-03-01T10:13:20.250000Z"
    assert made["regarding"] == {
        "apiVersion": "hookgate.dev/v1alpha1",
        "kind": "WebhookSubscription",
        "namespace": "shop",
        "name": "invoices",
        "uid": "u-1",
        "resourceVersion": "17",
    }
    assert (made["type"], made["reason"], made["note"]) == (
        "Warning",
        "SecretNotFound",
        "It is not there.",
    )
    assert len(made["reportingInstance"]) == 128


@pytest.mark.parametrize("message", ["x" * 1024, "x" * 1025, "é" * 1000, "x" + "é" * 512])
def test_a_note_has_1024_bytes_at_most(message):
    said = Announcement(type="Normal", reason="Ready", message=message)
    note = event(subscription(), said, now=NOW, instance="pod", unique="a")["note"]
    assert len(note.encode()) <= 1024
    assert note == message or note.endswith("…")


def test_an_events_name_is_one_whatever_its_objects():
    said = Announcement(type="Normal", reason="Ready", message="")
    name = event(subscription("a." * 126 + "a"), said, now=NOW, instance="", unique="f" * 16)[
        "metadata"
    ]["name"]
    assert len(name) <= 253
    assert ".." not in name


def test_a_delete_is_of_that_uid():
    assert preconditions(subscription())["preconditions"] == {"uid": "u-1"}


# -------------------------------------------------------------------------------- what is read


def test_items_of_lists_are_given_their_kind():
    it = subscription()
    assert (it.document["apiVersion"], it.document["kind"]) == (
        "hookgate.dev/v1alpha1",
        "WebhookSubscription",
    )
    assert it.generation == 0


@pytest.mark.parametrize(
    ("resource", "namespace", "name", "path"),
    [
        (SECRETS, None, None, "/api/v1/secrets"),
        (SECRETS, "shop", "a/b", "/api/v1/namespaces/shop/secrets/a%2Fb"),
        (SUBSCRIPTIONS, None, None, "/apis/hookgate.dev/v1alpha1/webhooksubscriptions"),
        (EVENTS, "shop", None, "/apis/events.k8s.io/v1/namespaces/shop/events"),
    ],
)
def test_paths(resource, namespace, name, path):
    assert resource.path(namespace, name) == path
    assert resource.path(namespace, name, "status") == f"{path}/status"


@pytest.mark.parametrize(
    ("document", "values"),
    [
        ({"kind": "Secret"}, {}),
        ({"kind": "Secret", "data": None}, {}),
        (
            {"kind": "Secret", "data": {"a": "eA==", "b": "", "c": None}},
            {"a": b"x", "b": b"", "c": b""},
        ),
        ({"kind": "Secret", "data": {"a": "not base64"}}, {"a": b""}),
        ({"kind": "ConfigMap", "data": {"a": "ö"}}, {"a": "ö".encode()}),
        ({"kind": "ConfigMap", "binaryData": {"b": "/w=="}}, {"b": b"\xff"}),
    ],
)
def test_values(document, values):
    assert values_of(document) == Found(values)
    assert "x" not in repr(values_of(document)).replace("hidden", "")
