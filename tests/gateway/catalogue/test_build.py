"""Holds: which is shown when several apply, and since when."""

from dataclasses import replace

import pytest

from hookgate_gateway.catalogue.build import build, subscription
from hookgate_gateway.ports import StoredResource
from hookgate_gateway.rules.delivery import HoldReason
from tests.gateway.catalogue.world import SHOP, document, forbids, subscription_key

SOUND = StoredResource(
    key=subscription_key(),
    owner="test",
    fingerprint="1",
    document=document(),
    secrets={"hook": {"secret": b"signs"}},
    revision=3,
    created_at=1.0,
)
FORBIDDEN = document(endpoint={"url": "http://127.0.0.1/"})


@pytest.mark.parametrize(
    ("stored", "reason", "since"),
    [
        (SOUND, None, None),
        (replace(SOUND, document=FORBIDDEN), HoldReason.ENDPOINT_FORBIDDEN, 100.0),
        (replace(SOUND, document=FORBIDDEN, secrets={}), HoldReason.UNRESOLVED, 100.0),
        (replace(SOUND, secrets={}, gone_at=4.0), HoldReason.GONE, 4.0),
        (replace(SOUND, secrets={}, gone_at=4.0, suspended_at=5.0), HoldReason.SUSPENDED, 5.0),
        (replace(SOUND, gone_at=4.0, suspended_at=5.0, deleted_at=6.0), HoldReason.DELETED, 6.0),
        (replace(SOUND, document={}), HoldReason.UNRESOLVED, 100.0),
        (replace(SOUND, document={}, deleted_at=6.0), HoldReason.DELETED, 6.0),
    ],
)
def test_precedence(stored, reason, since):
    made = subscription(stored, forbids, former=None, now=100.0)
    assert (made.hold and made.hold.reason, made.hold and made.hold.since) == (reason, since)
    assert made.hold is None or made.hold.message


def test_a_hold_goes_on_from_when_it_was_first_seen():
    stored = replace(SOUND, secrets={})
    first = subscription(stored, forbids, former=None, now=100.0)
    second = subscription(stored, forbids, former=first, now=200.0)
    assert second.hold.since == 100.0
    sound = subscription(SOUND, forbids, former=second, now=300.0)
    assert subscription(stored, forbids, former=sound, now=400.0).hold.since == 400.0


def test_a_snapshot_in_one_go_never_shows_a_secret():
    other = replace(SOUND, key=subscription_key("other"), deleted_at=6.0)
    made = build([other, SOUND], forbids, revision=3, now=100.0)
    assert made.revision == 3
    assert set(made.subscriptions) == {(SHOP, "invoices"), (SHOP, "other")}
    assert [s.name for s in made.matching[SHOP]] == ["invoices"]
    assert "signs" not in repr(made)
