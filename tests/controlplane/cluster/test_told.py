"""What a watch told, against what a list has."""

import pytest

from hookgate_operator.cluster.liveness import Liveness
from hookgate_operator.cluster.told import Name, Told
from tests.controlplane.worlds import StillClock

A, B = Name("shop", "a"), Name("shop", "b")
BEFORE, SINCE, AFTER = 1.0, 2.0, 3.0

CASES = [
    # what was told (name, version, when; None: gone), what is listed, what differs
    ([], {}, set()),
    ([(A, "1", BEFORE)], {A: "1"}, set()),
    ([(A, "1", BEFORE)], {A: "2"}, {A}),
    ([], {A: "1"}, {A}),
    ([(A, "1", BEFORE)], {}, {A}),
    ([(A, "1", BEFORE), (A, "3", AFTER)], {A: "2"}, set()),
    ([(A, "1", AFTER)], {}, set()),
    ([(A, "1", BEFORE), (A, None, AFTER)], {A: "1"}, set()),
    ([(A, "1", BEFORE), (A, None, BEFORE)], {A: "1"}, {A}),
    ([(A, "1", BEFORE), (A, None, BEFORE)], {}, set()),
    ([(A, "1", BEFORE), (B, "2", BEFORE)], {A: "1", B: "3"}, {B}),
]


@pytest.mark.parametrize(("told", "listed", "differing"), CASES)
def test_a_list_differs_from_what_was_told_before_it(told, listed, differing):
    watch = Told()
    for name, version, at in told:
        if version is None:
            watch.is_gone(name, at)
        else:
            watch.is_there(name, version, at)
    assert watch.differing(listed, SINCE) == differing
    assert watch.take_over(listed, SINCE) == differing
    assert watch.differing(listed, AFTER) <= {name for name, _, at in told if at >= AFTER}


def test_the_end_of_a_former_object_is_not_that_of_its_successor():
    watch = Told()
    watch.is_there(A, "1", BEFORE, uid="old")
    watch.is_there(A, "2", BEFORE, uid="new")
    watch.is_gone(A, AFTER, uid="old")
    assert A in watch
    watch.is_gone(A, AFTER, uid="new")
    assert A not in watch
    assert watch.version(A) is None


def test_what_went_is_forgotten_in_time():
    watch = Told()
    for number in range(100):
        watch.is_gone(Name("shop", str(number)), float(number))
    watch.is_gone(A, 650.0)
    assert len(watch._gone) == 100 - 51 + 1


# ------------------------------------------------------------------------------------ liveness


def test_a_watch_is_stale_when_it_was_silent_too_long_without_a_reason():
    clock = StillClock()
    liveness = Liveness(("good", "silent", "excused"), clock=clock, stale_after=10)
    assert liveness.stale() == ()
    clock.seconds = 10
    liveness.alive("good")
    liveness.excused("excused")
    assert liveness.stale() == ()
    clock.seconds = 10.5
    assert liveness.stale() == ("silent",)
    assert liveness.last_alive() == {"good": clock.now() - 0.5}
    assert liveness.since_alive("good") == 0.5
    assert liveness.since_alive("excused") == float("inf")
    clock.seconds = 21
    assert liveness.stale() == ("good", "silent", "excused")
