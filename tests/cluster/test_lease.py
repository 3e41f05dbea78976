"""The Lease as it is written on a real API server: its times, whose it is, who else is kept from it."""

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from kubernetes.aio.leaderelection.electionconfig import Config
from kubernetes.aio.leaderelection.leaderelection import LeaderElection
from prometheus_client import CollectorRegistry

from hookgate_operator.app.lease import LeaseSettings, WatchedLease
from hookgate_operator.cluster.connection import connect
from hookgate_operator.cluster.settings import ClusterSettings
from hookgate_operator.observe import OperatorObserver

WHOLE_SECOND = 1_800_000_000.0


@dataclass
class SetClock:
    """Says what it is set to."""

    wall: float = WHOLE_SECOND
    ticks: float = 100.0

    def now(self):
        return self.wall

    def monotonic(self):
        return self.ticks


async def nothing():
    pass


@pytest.fixture(name="candidate")
async def _candidate(control_plane, namespace):
    """Makes candidates of one Lease: a lock and its election."""
    observer, clock = OperatorObserver(CollectorRegistry()), SetClock()
    settings = ClusterSettings(kubeconfig=control_plane.kubeconfig)
    async with connect(settings, clock=clock, observer=observer) as cluster:

        def make(identity):
            told = LeaseSettings(name="it", namespace=namespace, identity=identity)
            lock = WatchedLease(told, cluster.api_client, clock=clock, observer=observer)
            config = Config(
                lock,
                lease_duration=told.seconds,
                renew_deadline=told.renew_within,
                retry_period=told.every,
                onstarted_leading=nothing,
                onstopped_leading=nothing,
            )
            return lock, LeaderElection(config), clock

        yield make


async def spec(kubectl):
    return (await kubectl.get("lease", "it"))["spec"]


async def test_a_whole_second_is_written_like_any_other(candidate, kubectl):
    """The client leaves a fraction of zero out, and the API server refuses a time without one."""
    _, election, clock = candidate("first")
    assert await election.try_acquire_or_renew()
    acquired = (await spec(kubectl))["acquireTime"]
    assert datetime.fromisoformat(acquired) == datetime.fromtimestamp(WHOLE_SECOND + 1e-6, UTC)
    clock.wall += 2
    assert await election.try_acquire_or_renew()
    renewed = await spec(kubectl)
    assert renewed["acquireTime"] == acquired
    assert datetime.fromisoformat(renewed["renewTime"]).timestamp() == pytest.approx(clock.wall)
    assert renewed["leaseTransitions"] == 0


async def test_a_live_lease_is_kept_from_others(candidate, kubectl):
    _, first, _ = candidate("first")
    lock, second, _ = candidate("second")
    assert await first.try_acquire_or_renew()
    assert not await second.try_acquire_or_renew()
    assert not lock.taken.is_set()  # it never had it
    assert (await spec(kubectl))["holderIdentity"] == "first"


async def test_whoever_loses_it_learns_of_it_at_the_next_look(candidate, kubectl):
    lock, first, _ = candidate("first")
    assert await first.try_acquire_or_renew()
    await kubectl.patch("lease", "it", {"spec": {"holderIdentity": "somebody"}})
    assert not await first.try_acquire_or_renew()
    assert lock.taken.is_set()


async def test_what_was_released_is_taken_at_once_and_counted(candidate, kubectl):
    lock, first, _ = candidate("first")
    assert await first.try_acquire_or_renew()
    await lock.release()
    assert (await spec(kubectl)).get("holderIdentity", "") == ""
    _, second, _ = candidate("second")
    assert await second.try_acquire_or_renew()
    found = await spec(kubectl)
    assert found["holderIdentity"] == "second"
    assert found["leaseTransitions"] == 1


async def test_only_ones_own_is_released(candidate, kubectl):
    _, first, _ = candidate("first")
    assert await first.try_acquire_or_renew()
    lock, _, _ = candidate("second")
    await lock.release()
    assert (await spec(kubectl))["holderIdentity"] == "first"


async def test_a_renewal_counts_from_when_it_was_asked_for(candidate):
    lock, first, clock = candidate("first")
    clock.ticks = 500.0
    assert await first.try_acquire_or_renew()
    assert lock.renewed_at == 500.0
    assert lock.trouble is None
