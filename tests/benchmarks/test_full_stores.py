"""The measurements on stores that hold much already: each runs to its end, on little."""

from collections.abc import Iterator

import pytest
from benchmarks.processes import Receiver, receiver

from benchmarks import growth, waiting

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(120)]
_PARKED = 400


@pytest.fixture(name="target")
def _target() -> Iterator[Receiver]:
    with receiver() as it:
        yield it


def test_what_is_parked_stays_so_until_it_is_sent_whole(target: Receiver) -> None:
    found = waiting.parked(target, _PARKED, 1.0, rates=(100, 200), drain_seconds=20.0)
    assert set(found.latency) == {100, 200}
    assert all(0 < latency.p50 <= latency.p99 for latency in found.latency.values())
    assert found.drained.delivered == _PARKED
    assert found.drained.memory_mib > 20
    names = [line.name for line in waiting.lines([found])]
    assert f"{_PARKED} parked, then sent: memory" in names


def test_a_history_is_there_from_the_first_delivery_on(target: Receiver) -> None:
    found = growth.grown(target, 500, 300, 1.0)
    assert found.ready_seconds < found.first_delivery_seconds < 20
    assert found.store_mib > 0.5
    assert found.dry_run_seconds > 0
    assert found.through.delivered_per_second > 0
    line = next(iter(growth.lines([found], [1000.0])))
    assert line.name == "500 stored events: fan-out 1 / bare"
