"""Identifiers sort as they were made, whatever the clock does, and no two are the same."""

import re

from hypothesis import given
from hypothesis import strategies as st

from hookgate_gateway.ids import Ids

SHAPE = re.compile(r"(evt|dlv|tsk|wr)_[0-7][0-9A-HJKMNP-TV-Z]{25}")
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def test_an_identifier_is_a_prefix_time_and_chance():
    ids = Ids(lambda: 1_700_000_000.123, lambda bits: 0x1F)
    assert ids.event() == "evt_01HF7YAT3V000000000000000Z"


@given(st.integers(1000, 2**47), st.integers(0, 2**80 - 1))
def test_the_layout_is_that_of_a_ulid(milliseconds, chance):
    value = 0
    for character in Ids(lambda: milliseconds / 1000, lambda bits: chance).task()[4:]:
        value = value * 32 + ALPHABET.index(character)
    assert value & (2**80 - 1) == chance
    assert value >> 80 == int(milliseconds / 1000 * 1000)


@given(
    st.lists(st.floats(0, 4e9), min_size=2, max_size=60),
    st.sampled_from([lambda bits: 0, lambda bits: (1 << bits) - 1, lambda bits: 1 << (bits - 1)]),
)
def test_they_increase_strictly_whatever_the_clock_does(times, chance):
    clock = iter(times)
    ids = Ids(lambda: next(clock), chance)
    made = [ids.delivery() for _ in times]
    assert made == sorted(made)
    assert len(set(made)) == len(made)


def test_a_burst_within_a_millisecond_has_room_and_order():
    ids = Ids(lambda: 1_700_000_000.0)
    made = [ids.event() for _ in range(5000)]
    assert made == sorted(set(made))
    assert all(SHAPE.fullmatch(id_) for id_ in made)


def test_each_kind_has_its_prefix():
    ids = Ids(lambda: 1.0)
    made = [ids.event(), ids.delivery(), ids.task(), ids.workflow_run()]
    assert [id_.partition("_")[0] for id_ in made] == ["evt", "dlv", "tsk", "wr"]
    assert all(SHAPE.fullmatch(id_) for id_ in made)


def test_an_events_own_delivery_has_its_characters():
    ids = Ids(lambda: 1.0)
    event = ids.event()
    assert ids.run_delivery(event) == event.replace("evt_", "dlv_")
