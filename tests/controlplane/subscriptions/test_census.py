"""How many subscriptions are in which state."""

from hookgate_operator.subscriptions.census import Census
from hookgate_operator.subscriptions.conditions import DELIVERING, READY, Reason, State
from tests.controlplane.worlds import key

WELL = (State(READY, Reason.READY, ""), State(DELIVERING, Reason.DELIVERING, ""))
BROKEN = (State(READY, Reason.INVALID_SPEC, ""), State(DELIVERING, Reason.HELD, ""))


def test_they_are_counted_by_namespace_condition_and_status():
    census = Census()
    assert census.stands(key("a"), WELL)
    assert census.stands(key("b"), WELL)
    assert not census.stands(key("b"), WELL)
    assert census.stands(key("b"), BROKEN)
    assert census.stands(key("c", namespace="other"), WELL)
    assert census.of("shop") == {
        ("Ready", "True"): 1,
        ("Ready", "False"): 1,
        ("Delivering", "True"): 1,
        ("Delivering", "False"): 1,
    }
    assert census.of("other") == {("Ready", "True"): 1, ("Delivering", "True"): 1}


def test_what_is_gone_is_counted_no_more():
    census = Census()
    census.stands(key("a"), WELL)
    assert census.gone(key("a"))
    assert not census.gone(key("a"))
    assert census.of("shop") == {}
