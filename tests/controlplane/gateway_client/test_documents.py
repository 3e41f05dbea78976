"""Documents that do not say what they have to, and words of a newer gateway."""

from typing import Any

import pytest

from hookgate_operator.gateway_client import documents
from hookgate_operator.gateway_client.documents import Unreadable
from hookgate_operator.ports import HealthReading, LastFailure

RESOURCE = {"kind": "source", "namespace": "shop", "name": "s", "owner": "o", "fingerprint": "f"}
REPLAY = {"id": "u", "state": "running", **dict.fromkeys(
    ("matched", "sent", "delivered", "failed", "skipped", "remaining"), 0
)}  # fmt: skip


@pytest.mark.parametrize(
    ("reader", "document"),
    [
        (documents.read_page, {"items": {}}),
        (documents.read_page, {"items": [7]}),
        (documents.read_page, {"items": [], "next_cursor": 7}),
        (documents.read_standing, {}),
        (documents.read_standing, {"fingerprint": "f", "reasons": [7]}),
        (documents.read_standing, {"fingerprint": "f", "keys": "no"}),
        (documents.read_standing, {"fingerprint": "f", "health": {"last_failure": {}}}),
        (documents.read_standing, {"fingerprint": "f", "health": {"consecutive_failures": "7"}}),
        (documents.read_held, {**RESOURCE, "owner": None}),
        (documents.read_changes, {"token": "t", "items": []}),
        (documents.read_changes, {"items": [], "removed": []}),
        (documents.read_progress, {**REPLAY, "state": "dancing"}),
        (documents.read_progress, {**REPLAY, "sent": None}),
        (documents.read_matched, {}),
        (documents.replay_place, {"id": "u"}),
    ],
)
def test_what_cannot_be_read(reader: Any, document: Any) -> None:
    with pytest.raises(Unreadable):
        reader(document)


def test_a_kind_that_nobody_knows_is_none() -> None:
    assert documents.read_held({**RESOURCE, "kind": "transformer"}) is None


def test_words_of_a_newer_gateway_are_read_as_the_nearest() -> None:
    health = {"state": "dizzy", "breaker": "melting", "last_failure": None}
    item = {"namespace": "shop", "name": "invoices", "hold": None, "health": health}
    changes = documents.read_changes({"token": "t", "items": [item], "removed": []})
    assert changes.readings == {("shop", "invoices"): HealthReading()}


def test_a_failure_without_an_answer_has_no_status() -> None:
    failure = {"at": "2026-03-01T10:07:12Z", "outcome": "timeout", "status_code": None}
    standing = documents.read_standing({"fingerprint": "f", "health": {"last_failure": failure}})
    expected = LastFailure("2026-03-01T10:07:12Z", "timeout", None)
    assert standing.health.last_failure == expected
