"""Fair turns."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookgate_gateway.rules.turns import Turns


def drain(turns):
    taken = []
    while (lane := turns.take()) is not None:
        taken.append(lane)
    return taken


def test_namespaces_take_turns_and_their_lanes_within():
    turns = Turns(100)
    for lane in ("a1", "a2", "a3", "b1", "c1", "c2"):
        turns.ready(lane[0], lane)
    assert drain(turns) == ["a1", "b1", "c1", "a2", "c2", "a3"]


def test_a_lane_that_is_ready_again_comes_last():
    turns = Turns(100)
    for lane in ("a1", "a2", "b1"):
        turns.ready(lane[0], lane)
    order = []
    for _ in range(6):
        lane = turns.take()
        order.append(lane)
        turns.ready(lane[0], lane)
    assert order == ["a1", "b1", "a2", "b1", "a1", "b1"]


def test_a_namespace_has_half_of_the_slots_and_gets_its_turn_back():
    turns = Turns(4)
    for n in range(9):
        turns.ready("a", n)
    assert drain(turns) == [0, 1]
    turns.ready("b", "b1")
    assert drain(turns) == ["b1"]
    turns.ended("a")
    assert drain(turns) == [2]
    assert turns.in_flight_of("a") == 2
    assert turns.in_flight_of("c") == 0


def test_no_more_than_the_slots():
    turns = Turns(3)
    for n in range(9):
        turns.ready(f"ns{n}", n)
    assert len(drain(turns)) == 3
    turns.ended("ns0")
    assert drain(turns) == [3]


def test_who_withdraws_is_passed_over():
    turns = Turns(10)
    turns.withdraw("a", "never seen")
    for lane in ("a1", "a2"):
        turns.ready("a", lane)
    turns.withdraw("a", "a1")
    turns.withdraw("a", "a1")
    assert drain(turns) == ["a2"]
    turns.ready("a", "a1")
    turns.withdraw("a", "a1")
    assert drain(turns) == []
    turns.ended("a")
    assert turns.in_flight == 0


def test_there_must_be_a_slot():
    with pytest.raises(ValueError, match="at least one slot"):
        Turns(0)
    turns = Turns(1)
    turns.ready("a", "a1")
    assert drain(turns) == ["a1"]


moves = st.lists(
    st.tuples(
        st.sampled_from(["ready", "withdraw", "take", "end"]), st.integers(0, 3), st.integers(0, 3)
    ),
    max_size=80,
)


@given(slots=st.integers(1, 6), moves=moves)
def test_the_caps_hold_and_nobody_ready_is_forgotten(slots, moves):
    turns, ready, flying = Turns(slots), set(), Counter()
    for move, namespace, number in moves:
        lane = (namespace, number)
        match move:
            case "ready":
                turns.ready(namespace, lane)
                ready.add(lane)
            case "withdraw":
                turns.withdraw(namespace, lane)
                ready.discard(lane)
            case "take":
                able = {r for r in ready if flying[r[0]] < turns.share}
                taken = turns.take()
                if flying.total() >= slots or not able:
                    assert taken is None
                else:
                    assert taken in able
                    ready.remove(taken)
                    flying[taken[0]] += 1
            case "end" if flying[namespace]:
                turns.ended(namespace)
                flying[namespace] -= 1
        assert turns.in_flight == flying.total() <= slots
        assert turns.in_flight_of(namespace) == flying[namespace] <= max(1, slots // 2)


def test_a_namespace_at_its_share_waits_however_many_of_its_lanes_become_ready():
    turns = Turns(4)
    for lane in ("a1", "a2", "a3"):
        turns.ready("a", lane)
    assert drain(turns) == ["a1", "a2"]
    turns.ready("a", "a4")
    assert turns.take() is None
    turns.ended("a")
    assert turns.take() == "a3"
