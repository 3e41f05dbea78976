"""Fingerprints and the memory of what was handed over."""

import pytest

from hookgate_operator.declarations import (
    Fingerprints,
    Handed,
    Ledger,
    Place,
    key_of,
    our_metadata,
    version_of,
)
from hookgate_operator.ports import HealthReading, HeldKind, Key, Kind, Observed, Standing

PLACE = Place(HeldKind.SUBSCRIPTION, "shop", "invoices")
KEY = key_of(PLACE)
FINGERPRINTS = Fingerprints(b"a control token")


def handed(key=KEY, **changes):
    values = {"uid": "u", "version": "1", "fingerprint": "f"} | changes
    return Handed(key=key, standing=Standing(fingerprint="f", resolved=True), **values)


@pytest.mark.parametrize(
    ("resource", "secrets"),
    [
        ({"spec": {"a": 1, "b": 3}}, {"s": {"k": b"v"}}),
        ({"spec": {"a": 1, "b": 2}}, {"s": {"k": b"w"}}),
        ({"spec": {"a": 1, "b": 2}}, {"s": {"l": b"v"}}),
        ({"spec": {"a": 1, "b": 2}}, {"t": {"k": b"v"}}),
        ({"spec": {"a": 1, "b": 2}}, {}),
    ],
)
def test_a_fingerprint_tells_declarations_apart(resource, secrets):
    one = FINGERPRINTS.of({"spec": {"b": 2, "a": 1}}, {"s": {"k": b"v"}})
    assert len(one) == 64
    assert one == FINGERPRINTS.of({"spec": {"a": 1, "b": 2}}, {"s": {"k": b"v"}})
    assert one != FINGERPRINTS.of(resource, secrets)
    assert one != Fingerprints(b"another token").of({"spec": {"a": 1, "b": 2}}, {"s": {"k": b"v"}})


def test_only_our_part_of_the_metadata_leaves_the_cluster():
    document = {
        "metadata": {
            "name": "invoices",
            "namespace": "shop",
            "uid": "u",
            "labels": {"app": "shop"},
            "annotations": {"hookgate.dev/max-body-bytes": "10", "kubectl.kubernetes.io/x": "y"},
        }
    }
    assert our_metadata(document) == {
        "name": "invoices",
        "namespace": "shop",
        "annotations": {"hookgate.dev/max-body-bytes": "10"},
    }


@pytest.mark.parametrize(
    ("place", "key"),
    [
        (PLACE, Key(Kind.SUBSCRIPTION, "shop", "invoices")),
        (Place(HeldKind.API_KEY, "shop", "k"), Key(Kind.KEY_SECRET, "shop", "k")),
        (Place(HeldKind.SOURCE, "shop", "s"), Key(Kind.KEY_SECRET, "shop", "source/s")),
    ],
)
def test_the_object_to_look_at(place, key):
    assert key_of(place) == key


@pytest.mark.parametrize(("kind", "version"), [(Kind.SUBSCRIPTION, "3"), (Kind.KEY_SECRET, "77")])
def test_the_version_of_an_object(kind, version):
    key = Key(kind, "shop", "x")
    observed = Observed(key=key, uid="u", generation=3, resource_version="77", document={})
    assert version_of(observed) == version


def test_before_the_gateways_list_was_read_anything_may_be_held():
    ledger = Ledger()
    assert ledger.may_hold(PLACE)
    assert not ledger.holds(PLACE)
    ledger.found([])
    assert not ledger.may_hold(PLACE)
    ledger.found([PLACE])
    assert ledger.holds(PLACE)
    assert ledger.strays() == (PLACE,)
    ledger.record(PLACE, handed())
    assert ledger.holds(PLACE)
    assert ledger.strays() == ()
    ledger.forget(PLACE)
    assert not ledger.may_hold(PLACE)


def test_what_is_recorded_is_found_by_place_and_by_object():
    ledger = Ledger()
    other = Place(HeldKind.SOURCE, "shop", "s")
    ledger.record(PLACE, handed())
    ledger.record(other, handed())
    assert set(ledger.places(KEY)) == {PLACE, other}
    assert list(ledger.subscriptions()) == [(PLACE, handed())]
    ledger.forget(PLACE)
    ledger.forget(PLACE)
    assert ledger.places(KEY) == (other,)
    ledger.forget(other)
    assert ledger.places(KEY) == ()
    assert ledger.everything() == {}


def test_a_doubt_keeps_what_is_known():
    ledger = Ledger()
    ledger.doubt(PLACE)
    ledger.record(PLACE, handed())
    ledger.doubt(PLACE)
    assert ledger.get(PLACE) == handed(is_current=False)


def test_health_goes_with_its_subscription_and_with_nothing_else_of_that_name():
    ledger = Ledger()
    reading = HealthReading(state="failing")
    ledger.hear(("shop", "invoices"), reading)
    ledger.forget(Place(HeldKind.API_KEY, "shop", "invoices"))
    assert ledger.health(("shop", "invoices")) == reading
    ledger.forget(PLACE)
    assert ledger.health(("shop", "invoices")) == HealthReading()


def test_nothing_of_a_value_shows():
    declared = FINGERPRINTS.of({}, {"s": {"k": b"hunter2"}})
    assert "hunter2" not in repr(FINGERPRINTS) + declared
