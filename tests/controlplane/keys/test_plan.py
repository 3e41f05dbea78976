"""What a Secret's labels declare."""

import base64

import pytest

from hookgate_operator.declarations import Place
from hookgate_operator.keys.plan import KeyReason, Problem, announcements, declared, rank
from hookgate_operator.ports import HeldKind, Kind, Observed
from tests.controlplane.worlds import key

API_KEY = Place(HeldKind.API_KEY, "shop", "portal")
SOURCE = Place(HeldKind.SOURCE, "shop", "eu")


def secret(labels=None, data=None, **metadata):
    encoded = {name: base64.b64encode(value).decode() for name, value in (data or {}).items()}
    return Observed(
        key=key("portal", Kind.KEY_SECRET),
        uid="u",
        generation=0,
        resource_version="1",
        document={
            "metadata": {"name": "portal", "namespace": "shop", "labels": labels, **metadata},
            "data": encoded or None,
        },
    )


BOTH = {"hookgate.dev/api-key": "true", "hookgate.dev/source": "eu"}


@pytest.mark.parametrize(
    ("observed", "places"),
    [
        (None, set()),
        (secret(), set()),
        (secret({"hookgate.dev/api-key": "true"}), {API_KEY}),
        (secret({"hookgate.dev/api-key": "false"}), set()),
        (secret({"hookgate.dev/source": "eu"}), {SOURCE}),
        (secret({"hookgate.dev/source": ""}), set()),
        (secret(BOTH), {API_KEY, SOURCE}),
        (secret(BOTH, deletionTimestamp="2026-03-01T10:00:00Z"), set()),
    ],
)
def test_its_labels_decide(observed, places):
    assert declared(observed).keys() == places


def test_only_the_entries_that_are_read_leave_the_cluster():
    data = {"api-key": b"one", "api-key-previous": b"two", "key": b"three", "password": b"four"}
    drafts = declared(secret(BOTH, data, annotations={"kubectl.kubernetes.io/last": "four"}))
    assert drafts[API_KEY].secrets == {"portal": {"api-key": b"one", "api-key-previous": b"two"}}
    assert drafts[SOURCE].secrets == {"portal": {"key": b"three"}}
    assert drafts[SOURCE].resource == {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "portal", "namespace": "shop", "labels": BOTH},
    }
    assert "one" not in repr(drafts)


def test_what_is_no_base64_counts_as_empty():
    observed = secret(BOTH)
    observed.document["data"] = {"api-key": "?", "api-key-previous": None}
    entries = declared(observed)[API_KEY].secrets["portal"]
    assert entries == {"api-key": b"", "api-key-previous": b""}


def test_the_oldest_goes_first():
    assert rank(secret(creationTimestamp="2026-03-01T10:00:00Z")) < rank(
        secret(creationTimestamp="2026-03-01T10:00:01Z")
    )
    assert rank(secret()) == ("", key("portal", Kind.KEY_SECRET))


SHORT = Problem(KeyReason.REFUSED, "key api-key is too short")
TAKEN = Problem(KeyReason.SOURCE_TAKEN, "s" * 2000)


@pytest.mark.parametrize(
    ("problems", "before", "told"),
    [
        ((), (), []),
        ((SHORT,), (), [("Warning", "KeyRefused")]),
        ((SHORT,), (SHORT,), []),
        ((SHORT, TAKEN), (SHORT,), [("Warning", "SourceTaken")]),
        ((SHORT,), (SHORT, TAKEN), []),
        ((), (SHORT,), [("Normal", "KeyAccepted")]),
    ],
)
def test_what_is_new_is_announced(problems, before, told):
    announced = announcements(problems, before)
    assert [(each.type, each.reason) for each in announced] == told
    assert all(len(each.message) <= 1024 for each in announced)
