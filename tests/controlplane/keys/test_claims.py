"""Which of several Secrets a source is made from."""

import itertools

import pytest

from hookgate_operator.declarations import Place
from hookgate_operator.keys.claims import Claims
from hookgate_operator.ports import HeldKind, Kind
from tests.controlplane.worlds import key

EU, US = Place(HeldKind.SOURCE, "shop", "eu"), Place(HeldKind.SOURCE, "shop", "us")
OLD, YOUNG, TWIN = (key(name, Kind.KEY_SECRET) for name in ("old", "young", "zwilling"))
RANKS = {OLD: ("2026-01", OLD), YOUNG: ("2026-02", YOUNG), TWIN: ("2026-02", TWIN)}


@pytest.mark.parametrize("order", list(itertools.permutations(RANKS)))
def test_the_oldest_wins_whatever_the_order(order):
    claims = Claims()
    for which in order:
        claims.declare(which, RANKS[which], [EU])
    assert claims.winner(EU) == OLD
    claims.declare(OLD, RANKS[OLD], [US])
    assert (claims.winner(EU), claims.winner(US)) == (YOUNG, OLD)


def test_who_loses_or_gains_by_it_is_told():
    claims = Claims()
    assert claims.declare(YOUNG, RANKS[YOUNG], [EU]) == set()
    assert claims.declare(TWIN, RANKS[TWIN], [EU]) == set()
    assert claims.declare(OLD, RANKS[OLD], [EU]) == {YOUNG, TWIN}
    assert claims.declare(OLD, RANKS[OLD], [EU]) == set()
    assert claims.declare(OLD, RANKS[OLD], []) == {YOUNG, TWIN}
    assert claims.winner(EU) == YOUNG


def test_nobody_declares_it_any_more():
    claims = Claims()
    claims.declare(OLD, RANKS[OLD], [EU])
    claims.declare(OLD, RANKS[OLD], [])
    claims.declare(OLD, RANKS[OLD], [])
    assert claims.winner(EU) is None
