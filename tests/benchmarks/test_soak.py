"""The books of a soak: each way of breaking a promise is seen, and nothing else is."""

from dataclasses import replace

import pytest
from benchmarks.soak.judgement import account, judge_replays
from benchmarks.soak.latency import minutes
from benchmarks.soak.receivers import Arrival, read_book
from benchmarks.soak.samples import Sample, Weight, last_life, trends
from benchmarks.soak.targets import TARGETS, Target
from benchmarks.soak.troubles import Strike

from tests.faults.ledger import Ledger

STEADY = Target(name="steady", path="/steady", behaviour="answers at once")
FIRST_WORKFLOW = replace(STEADY, share=1)
RUN, OTHER = "tsk_soak_00000000", "tsk_soak_00000001"
LEDGER = Ledger(tried={RUN, OTHER}, promised={RUN, OTHER}, crashes=[100.0])


def came(run=RUN, at=10.0, attempt="1", status=200, **more):
    return Arrival(
        "/steady",
        run,
        attempt,
        more.pop("delivery", f"dlv_{run}"),
        more.pop("replay", False),
        status,
        at,
    )


def broken(*arrivals, target=STEADY, ledger=LEDGER):
    return list(account(target, ledger, arrivals).broken)


@pytest.mark.parametrize(
    "arrivals",
    [
        [came(), came(OTHER)],
        [came(status=500), came(attempt="2", at=11.0), came(OTHER)],
        [came(at=99.9), came(at=101.0), came(OTHER)],  # its outcome was not on disk at the crash
    ],
)
def test_books_that_balance(arrivals):
    assert broken(*arrivals) == []


@pytest.mark.parametrize(
    ("arrivals", "complaint"),
    [
        ([came()], "1 promised and never delivered"),
        ([came(), came(OTHER, status=500)], "1 promised and never delivered"),
        ([came(), came(at=11.0), came(OTHER)], "1 came again without a crash"),
        ([came(), came(at=11.0, attempt="2"), came(OTHER)], "1 came again without a crash"),
        ([came(at=99.9), came(at=101.0, attempt="2"), came(OTHER)], "1 came again without a crash"),
        ([came(at=90.0), came(at=101.0), came(OTHER)], "1 came again without a crash"),
        ([came(), came(OTHER), came("tsk_soak_00000002")], "1 made up"),
        (
            [came(at=99.9), came(at=101.0, delivery="dlv_2"), came(OTHER)],
            "1 more than one delivery",
        ),
    ],
)
def test_a_broken_promise_is_told(arrivals, complaint):
    [line] = broken(*arrivals)
    assert line.startswith(complaint)


def test_what_a_target_does_not_match_must_not_come():
    assert broken(came(), target=FIRST_WORKFLOW) == []
    [line] = broken(came(), came(OTHER), target=FIRST_WORKFLOW)
    assert line.startswith("1 arrived, and not matched")


def test_a_slow_receiver_excuses_what_was_under_way():
    slow = replace(STEADY, longest=2.0)
    arrivals = [came(at=97.5), came(at=101.0), came(OTHER)]
    assert broken(*arrivals, target=slow) == []
    assert broken(*arrivals) != []


def test_replays_came_once():
    one = came(delivery="dlv_r", replay=True)
    assert judge_replays([(RUN, "dlv_r")], [one], []) == []
    assert judge_replays([(RUN, "dlv_r")], [], []) == [f"1 answered and never came: {RUN} dlv_r"]
    assert judge_replays([(RUN, "dlv_r")], [one, one], []) == [f"1 came twice: {RUN} dlv_r"]


def test_latency_counts_first_arrivals_by_the_minute_of_sending():
    arrivals = [came(at=10.1), came(at=12.0), came(OTHER, at=71.5)]
    first, second = minutes([10.0, 71.0], arrivals, [Strike(70.0, "gateway")])
    assert (first.deliveries, round(first.worst), first.kills) == (1, 100, 0)
    assert (second.deliveries, round(second.worst), second.kills) == (1, 500, 1)
    assert second.p99_undisturbed is None


def sample(at, rss, pid=1):
    def weight(size):
        return Weight(pid=pid, rss=size, pss=size, fds=20, cpu=0.0)

    return Sample(
        at=at, gateway=weight(rss), writer=weight(30.0), database=10.0, wal=4.0, lag=1.0, pending=0.0, oldest_due=0.0
    )  # fmt: skip


@pytest.mark.parametrize(("slope", "flat"), [(0.0, True), (0.1, True), (0.5, False)])
def test_growth_is_a_line_through_the_last_life(slope, flat):
    samples = [sample(t, 300.0 - t, pid=1) for t in range(50)]
    samples += [sample(t, 80.0 + slope * (t - 50), pid=2) for t in range(50, 150)]
    life = last_life(samples, warm_up=20.0)
    assert [life[0].at, life[-1].at] == [70, 149]
    memory = trends(life)[0]
    assert memory.flat is flat
    assert memory.growth == pytest.approx(slope * 79)


def test_a_life_too_short_says_nothing():
    assert trends(last_life([sample(0.0, 80.0)], 0.0)) == []


def test_a_book_is_read_as_it_was_written(tmp_path):
    arrivals = [came(), came(OTHER, status=0, replay=True)]
    book = tmp_path / "book.txt"
    book.write_text("".join(arrival.line() for arrival in arrivals))
    assert list(read_book(book)) == arrivals


def test_every_event_has_a_target_that_must_get_it():
    assert any(target.exact and target.takes(19) for target in TARGETS)
    assert len({target.name for target in TARGETS}) == len(TARGETS)
