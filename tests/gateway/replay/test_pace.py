"""How a pace learns from what its lanes take."""

from hookgate_gateway.replay.pace import LEAST, MOST, Pace


def test_steps_grow_while_each_look_finds_room():
    pace, now, sizes = Pace.of(None), 0.0, []
    for _ in range(9):
        sizes.append(pace.allowance(now))
        pace = pace.made(pace.size, now)
        now = pace.next_at
    assert sizes == [8, 8, 16, 32, 64, 128, 256, 256, 256]
    assert sizes[-1] == MOST


def test_steps_shrink_while_a_lane_stays_full():
    pace, now = Pace.of(None).made(8, 0.0).made(8, 0.01), 0.02
    for _ in range(200):
        pace = pace.blocked(now)
        assert now < pace.next_at <= now + 0.25
        now = pace.next_at
    assert pace.size == LEAST
    assert pace.made(pace.size, now).size == LEAST


def test_a_rate_gathers_and_never_exceeds_itself():
    pace, now, made = Pace.of(400.0), 0.0, 0
    while now < 10.0:
        count = pace.allowance(now)
        made += count
        pace = pace.made(count, now) if count else pace.due(now)
        now = pace.next_at
    assert 3900 <= made <= 40 + 4000
    assert pace.allowance(now) <= pace.size


def test_a_pace_without_a_rate_is_due_at_once():
    assert Pace.of(None).due(5.0).next_at == 5.0
    assert Pace.of(None).at(7.0).next_at == 7.0
