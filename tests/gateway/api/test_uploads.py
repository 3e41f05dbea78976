"""Who is cut off when unfinished bodies have filled their memory."""

from contextlib import ExitStack, suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookgate_gateway.api.errors import Refusal
from hookgate_gateway.api.uploads import Upload, Uploads

BUDGET = 1000


class Clients:
    """Uploads under way in one room, on a clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 0.0
        self.room = Uploads(BUDGET, lambda: self.now)
        self.ended: list[str] = []
        self.under_way: dict[str, Upload] = {}
        self._stack = ExitStack()

    def begins(self, name: str, size: int, holder: str = "") -> None:
        """One that sends so many bytes at first."""
        one = self.room.one(holder, lambda: self.ended.append(name))
        self.under_way[name] = self._stack.enter_context(one)
        self.room.add(self.under_way[name], size)

    def leave(self) -> None:
        self._stack.close()


def test_the_one_that_held_most_for_longest_ends() -> None:
    """Not the newcomer, not the oldest, not the largest."""
    clients = Clients()
    clients.begins("old and small", 20)
    clients.now = 5
    clients.begins("large and silent", 300)
    clients.now = 10
    clients.begins("larger and fresh", 350, "shop")
    clients.begins("newcomer", 200)
    assert clients.ended == ["large and silent"]
    clients.room.add(clients.under_way["newcomer"], 200)
    assert clients.ended == ["large and silent"]


def test_one_that_was_cut_off_is_told_so_once_more() -> None:
    """Its next bytes may have come before its end was noticed; they count for nobody."""
    clients = Clients()
    clients.begins("first", 400)
    clients.now = 1
    clients.begins("second", 400)
    assert clients.ended == ["first"]
    with pytest.raises(Refusal) as refusal:
        clients.room.add(clients.under_way["first"], 100)
    assert (refusal.value.status, refusal.value.code) == (503, "overloaded")
    clients.begins("third", 100)
    assert clients.ended == ["first"]


def test_who_is_the_dearest_itself_is_refused() -> None:
    clients = Clients()
    clients.begins("growing", 400)
    clients.now = 1
    with pytest.raises(Refusal):
        clients.room.add(clients.under_way["growing"], 101)
    assert clients.ended == ["growing"]


def test_a_full_room_is_cleared_by_whoever_holds_most_of_it() -> None:
    """Two namespaces with half of it each; a third one loses nothing to them."""
    clients = Clients()
    clients.begins("a", 499, "one")
    clients.begins("b", 500, "other")
    clients.now = 1
    clients.begins("c", 10, "third")
    assert clients.ended == ["b"]


@given(
    st.lists(
        st.tuples(
            st.sampled_from("abcd"), st.integers(0, BUDGET), st.floats(0, 3, allow_nan=False)
        ),
        max_size=30,
    )
)
def test_it_never_holds_more_than_its_budget_and_gives_everything_back(
    sent: list[tuple[str, int, float]],
) -> None:
    clients = Clients()
    for number, (holder, size, pause) in enumerate(sent):
        clients.now += pause
        with suppress(Refusal):
            clients.begins(f"{holder}{number}", size, holder)
        going_on = [each for each in clients.under_way.values() if not each.cut]
        assert sum(each.held for each in going_on) <= BUDGET
        for each in "abcd":
            held = sum(one.held for one in going_on if one.holder == each)
            assert held * 2 <= BUDGET
    assert len(clients.ended) == len(set(clients.ended))
    clients.leave()
    again = len(clients.ended)
    for holder in "ab":
        clients.begins(f"again {holder}", BUDGET // 2, holder)
    assert len(clients.ended) == again
