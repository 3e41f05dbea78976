"""Who works, of several processes on a real API server, and when it ends.

A Lease of five seconds, as the operator's own takes at least: a leader that cannot renew ends after two thirds of
it, a standby takes over after all of it and a look (one second). By default it is fifteen, ten and two. What has to
come before what is told by the processes' own times, which a test that is held up does not change.
"""

import os
import re
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.acceptance.harness import eventually
from tests.cluster.leading import LEASE
from tests.cluster.planes import OperatorProcess, environment
from tests.cluster.processes import Program
from tests.cluster.rbac import lease_rules, operator_rules

SECONDS = 5
LONG = 15
"""Seconds of a Lease that nobody waits for, however busy the machine is."""
TAKES_OVER_WITHIN = SECONDS + 2 * 1.0 + 15.0
"""The Lease, two looks of the standby, and what a busy machine takes."""
ENDS_WITHIN = SECONDS * 2 / 3 + 15.0


def rules(lease: str = LEASE):
    """The documented ones, for a Lease of this name."""
    found = lease_rules()
    for rule in found:
        if "resourceNames" in rule:
            rule["resourceNames"] = [lease]
    return found


class Replica(Program):
    """A process of `tests.cluster.leading`."""

    def __init__(
        self,
        home: Path,
        kubeconfig: Path,
        namespace: str,
        *,
        seconds: int = SECONDS,
        **more: str,
    ) -> None:
        super().__init__(
            [sys.executable, "-m", "tests.cluster.leading", kubeconfig, namespace, str(seconds)],
            home / f"replica-{len(list(home.glob('replica-*')))}.log",
            environment(PYTHONPATH=str(Path(__file__).parents[2]), **more),
        )
        self.start()
        self.pid_of_life = self.pid

    @property
    def identity(self) -> str:
        return f"process-{self.pid_of_life}"

    def said(self, word: str) -> bool:
        return re.search(rf"^{word}", self.log.read_text(), re.MULTILINE) is not None

    def when(self, word: str) -> float:
        """When it first said that, on the monotonic clock."""
        found = re.search(rf"^{word}.* @([\d.]+)\n", self.log.read_text(), re.MULTILINE)
        assert found, f"it did not say {word}: {self.log_tail()}"
        return float(found[1])

    async def leads(self, within: float = 20.0) -> None:
        await until(lambda: self.said("leading"), within, f"it leads: {self.log_tail()}")

    async def waits(self) -> None:
        """Come back when it could be told to stop."""
        await until(lambda: self.said("started"), 20.0, f"it started: {self.log_tail()}")

    async def ended(self, within: float = 20.0) -> int | None:
        await until(lambda: self.exit_code is not None, within, "it ends")
        return self.exit_code

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)


async def until(question: Callable[[], bool], within: float, what: str) -> None:
    async def asked() -> bool:
        return question()

    await eventually(asked, within=within, what=what)


@pytest.fixture(name="account")
def _account(service_account):
    return service_account("leading", rules=rules())


@pytest.fixture(name="replica")
def _replica(tmp_path, account, namespace):
    """Starts replicas, and ends them."""
    started = []

    def start(kubeconfig=None, **more):
        replica = Replica(tmp_path, kubeconfig or account.kubeconfig, namespace, **more)
        started.append(replica)
        return replica

    yield start
    for each in started:
        each.kill()


async def lease(kubectl):
    return (await kubectl.get("lease", LEASE))["spec"]


async def test_one_of_two_leads_and_an_orderly_stop_hands_over_at_once(replica, kubectl):
    first = replica(seconds=LONG)
    await first.leads()
    second = replica(seconds=LONG)
    await second.waits()
    spec = await lease(kubectl)
    assert spec["holderIdentity"] == first.identity
    assert spec["leaseDurationSeconds"] == LONG
    asked_at = time.monotonic()
    first.ask_to_stop()
    assert await first.ended() == 0
    await second.leads()
    assert second.when("leading") - asked_at < LONG  # sooner than the Lease would have run out
    assert first.said("stopped")
    assert first.said("ended: None")
    spec = await lease(kubectl)
    assert spec["holderIdentity"] == second.identity
    assert spec["leaseTransitions"] >= 1


async def test_the_last_one_leaves_the_lease_to_nobody(replica, kubectl):
    only = replica(seconds=LONG)
    await only.leads()
    only.ask_to_stop()
    assert await only.ended() == 0
    assert not (await lease(kubectl)).get("holderIdentity")
    next_one = replica(seconds=LONG)
    asked_at = time.monotonic()
    await next_one.leads()
    assert next_one.when("leading") - asked_at < LONG  # most of it is Python that starts


async def test_a_standby_that_is_stopped_touches_nothing(replica, kubectl):
    first = replica()
    await first.leads()
    second = replica()
    await second.waits()
    second.ask_to_stop()
    assert await second.ended() == 0
    assert not second.said("leading")
    assert (await lease(kubectl))["holderIdentity"] == first.identity
    assert first.running


async def test_a_leader_whose_work_dies_ends_and_is_followed(replica):
    first = replica()
    await first.leads()
    second = replica()
    await second.waits()
    first.signal(signal.SIGUSR1)
    assert await first.ended() == 1
    assert first.said("ended: the work ended: ZeroDivisionError")
    assert '"work_died"' in first.log.read_text()
    await second.leads(TAKES_OVER_WITHIN)


async def test_a_leader_whose_election_dies_ends_and_is_followed(replica):
    first = replica()
    await first.leads()
    second = replica()
    await second.waits()
    first.signal(signal.SIGUSR2)
    assert await first.ended() == 1
    assert first.said("stopped")
    assert first.said(r"ended: the Lease is not renewed any more \(it was cancelled\)")
    await second.leads(TAKES_OVER_WITHIN)


async def test_a_leader_that_cannot_renew_ends_before_a_standby_takes_over(
    replica, account, faults, kubectl
):
    proxied = faults.kubeconfig(account.access, account.namespace)
    first = replica(proxied)
    await first.leads()
    second = replica()
    faults.answer(500, method="PUT", path="/leases/", times=None)
    assert await first.ended(ENDS_WITHIN) == 1
    assert first.said("stopped")
    assert first.said(r"ended: the Lease .*the API server answers 500")
    await second.leads(TAKES_OVER_WITHIN)
    assert first.when("stopped") < second.when("leading")


async def test_a_renewal_that_is_never_answered_ends_leading_in_time(replica, account, faults):
    first = replica(faults.kubeconfig(account.access, account.namespace))
    await first.leads()
    faults.hold(path="/leases/", times=None)
    assert await first.ended(ENDS_WITHIN) == 1
    assert first.said(r"ended: the Lease .*TimeoutError")


async def test_a_short_trouble_does_not_end_leading(replica, account, faults, kubectl):
    first = replica(faults.kubeconfig(account.access, account.namespace), seconds=2 * SECONDS)
    await first.leads()
    faults.answer(503, path="/leases/")
    await until(lambda: '"lease_trouble"' in first.log.read_text(), 20, "the trouble is told")
    await until(lambda: '"lease_trouble_over"' in first.log.read_text(), 20, "its end is told")
    before = (await lease(kubectl))["renewTime"]

    async def renewed() -> bool:
        return (await lease(kubectl))["renewTime"] > before

    await eventually(renewed, what="it is renewed again")
    assert first.running


async def test_a_leader_that_is_killed_is_followed(replica):
    first = replica()
    await first.leads()
    second = replica()
    await second.waits()
    first.kill()
    await second.leads(TAKES_OVER_WITHIN)


async def test_a_leader_that_was_frozen_ends_when_it_wakes(replica, kubectl):
    first = replica()
    await first.leads()
    second = replica()
    first.freeze()
    await second.leads(TAKES_OVER_WITHIN)
    first.thaw()
    assert await first.ended() == 1
    assert first.said("stopped")
    assert (await lease(kubectl))["holderIdentity"] == second.identity


async def test_work_that_does_not_stop_is_not_followed_by_a_release(replica, kubectl):
    """And is ended before a standby may take over: a third of the Lease after it was lost."""
    first = replica()
    await first.leads()
    first.signal(signal.SIGHUP)
    first.signal(signal.SIGUSR2)
    assert await first.ended() == 3
    spec = await lease(kubectl)
    assert spec["holderIdentity"] == first.identity
    now = datetime.now(UTC)  # noqa: TID251  # what the Lease's times are of
    ended_at = now - timedelta(seconds=time.monotonic() - first.when("ended"))
    assert ended_at < datetime.fromisoformat(spec["renewTime"]) + timedelta(seconds=SECONDS)


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/St_Johns"])
async def test_times_in_the_lease_are_utc_wherever_the_process_is(replica, kubectl, zone):
    """The library writes local time with a Z behind it."""
    it = replica(TZ=zone)
    await it.leads()
    spec = await lease(kubectl)
    now = datetime.now(UTC)  # noqa: TID251  # what the server's clock says, too
    for name in ("acquireTime", "renewTime"):
        assert abs(datetime.fromisoformat(spec[name]) - now) < timedelta(seconds=30), spec


async def test_a_lease_that_may_not_be_read_is_waited_for(tmp_path, namespace, service_account):
    nobody = service_account("nobody")
    it = Replica(tmp_path, nobody.kubeconfig, namespace)
    try:
        await until(lambda: "the operator may not get leases" in it.log.read_text(), 20, "told")
        assert it.running
        assert it.log.read_text().count("lease_trouble") == 1
    finally:
        it.kill()


# -------------------------------------------------------------------------- the operator's process


@asynccontextmanager
async def operators(
    tmp_path: Path, account, namespace: str, count: int
) -> AsyncIterator[list[OperatorProcess]]:
    token = tmp_path / "token"
    token.write_text("a-token-of-a-gateway-that-is-away")
    made = [
        OperatorProcess(
            tmp_path / f"operator-{number}",
            kubeconfig=account.kubeconfig,
            gateway_url="http://127.0.0.1:1",
            gateway_token_file=str(token),
            watch_namespaces=namespace,
            lease_namespace=namespace,
            lease_seconds=str(SECONDS),
        )
        for number in range(count)
    ]
    try:
        yield made
    finally:
        for each in made:
            each.kill()


async def test_an_operator_takes_over_from_one_that_was_killed(
    tmp_path, service_account, namespace, crds_installed
):
    account = service_account(rules=[*operator_rules(), *lease_rules()])
    async with operators(tmp_path, account, namespace, 2) as (first, second):
        first.start()
        await first.leading()
        second.start()
        await second.serving()
        reply = await second.readyz()
        assert reply is not None
        assert reply.json()["role"] == "standby"
        assert await first.total("hookgate_operator_leader") == 1
        assert await second.total("hookgate_operator_leader") == 0
        first.kill()
        await second.leading(within=TAKES_OVER_WITHIN)
        assert await second.stopped() == 0
        first.start()
        await first.leading()
        second.start()
        await second.serving()
        first.freeze()
        await second.leading(within=TAKES_OVER_WITHIN)
        first.thaw()
        assert await first.ended() == 1
        assert first.logged("leading_ended")[-1]["message"]
