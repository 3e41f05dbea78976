"""Two operators of which one works, and the worst that can happen to it: no moment has two that write.

Each has proxies of its own in front of API server and gateway, so that it is known who wrote what when. A Lease of
five seconds; by default it is fifteen.
"""

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from tests.acceptance.harness import eventually
from tests.cluster.access import Access
from tests.cluster.faults_proxy import FaultsProxy, Recorded
from tests.cluster.installation import Installation
from tests.cluster.planes import TOKEN, GatewayProcess, OperatorProcess, operator_settings
from tests.receivers import Receiver

SECONDS = 5
ENDS_WITHIN = 2 / 3 * SECONDS + 4.0
TAKES_OVER_WITHIN = SECONDS + 2 * 2.0 + 5.0
"""The Lease, two looks of the standby, and what a busy machine takes."""
OBJECTS = r"/webhooksubscriptions/|/events\?"
"""Statuses and Events, not the Lease."""


@dataclass
class Replica:
    """An operator, and the proxies before the API server and the gateway's control API."""

    operator: OperatorProcess
    cluster: FaultsProxy
    control: FaultsProxy

    def writes(self) -> list[Recorded]:
        """What it did to objects and to the gateway, in order."""
        found = [*self.cluster.writes(OBJECTS), *self.control.writes()]
        return sorted((each for each in found if each.status), key=lambda each: each.at)


@dataclass
class Pair:
    """The one that works and the one that waits."""

    on: Installation
    first: Replica
    second: Replica

    def assert_in_turn(self) -> None:
        """All that the first wrote is before all that the second wrote."""
        first, second = self.first.writes(), self.second.writes()
        assert first, "the first one wrote nothing"
        assert second, "the second one wrote nothing"
        assert first[-1].at < second[0].at, (first[-1], second[0])


@pytest.fixture(name="proxy_of")
def _proxy_of(tmp_path):
    """Makes proxies, and stops them."""
    made: list[FaultsProxy] = []

    def make(upstream: Access) -> FaultsProxy:
        home = tmp_path / f"proxy-{len(made)}"
        home.mkdir()
        proxy = FaultsProxy(upstream, home)
        proxy.start()
        made.append(proxy)
        return proxy

    yield make
    for each in made:
        each.stop()


@pytest.fixture(name="pair")
async def _pair(tmp_path, proxy_of, account) -> AsyncIterator[Pair]:
    """Both ready, the first leads."""
    gateway = GatewayProcess(tmp_path / "gateway")
    control = Access(gateway.control_url, gateway.ca_file, TOKEN)

    def replica(name: str) -> Replica:
        before, behind = proxy_of(account.access), proxy_of(control)
        proxied = behind.access_of(control)
        told = {
            "lease_seconds": str(SECONDS),
            "gateway_url": proxied.url,
            "gateway_ca_file": str(proxied.ca_file),
        }
        kubeconfig = before.kubeconfig(account.access, account.namespace)
        settings = operator_settings(gateway, account.namespace, **told)
        return Replica(
            OperatorProcess(tmp_path / name, kubeconfig=kubeconfig, **settings), before, behind
        )

    first, second = replica("first"), replica("second")
    async with Receiver() as receiver:
        on = Installation(gateway, first.operator, receiver)
        try:
            await on.start()
            second.operator.start()
            assert (await second.operator.ready())["role"] == "standby"
            yield Pair(on, first, second)
        finally:
            first.operator.kill()
            second.operator.kill()
            await gateway.close()


@pytest.mark.parametrize("fault", ["killed", "cut off", "silent", "frozen"])
async def test_the_other_takes_over_and_never_do_two_write(pair: Pair, kubectl, fault) -> None:
    team = pair.on.team(kubectl)
    await team.settle()
    await team.apply(*(team.subscription(f"before-{number}") for number in range(5)))
    for number in range(5):
        await team.ready(f"before-{number}")
    began = time.monotonic()
    match fault:
        case "killed":
            pair.first.operator.kill()
        case "cut off":
            pair.first.cluster.cut(times=None, before_server=True)
            pair.first.cluster.close_open()
        case "silent":
            pair.first.cluster.hold(times=None)
            pair.first.cluster.mute("")
        case "frozen":
            pair.first.operator.freeze()
    # What is to be written now waits for the other one; the one that was frozen hears of it, too.
    await team.apply(*(team.subscription(f"after-{number}") for number in range(5)))
    await pair.second.operator.leading(within=TAKES_OVER_WITHIN)
    took = time.monotonic() - began
    print(f"{fault}: the other leads after {took:.1f} s of a Lease of {SECONDS} s")  # noqa: T201  # seen with -s
    for number in range(5):
        await team.ready(f"after-{number}")
    if fault == "frozen":
        pair.first.operator.thaw()
    if fault != "killed":
        assert await pair.first.operator.ended(within=ENDS_WITHIN) == 1
        (ended,) = pair.first.operator.logged("leading_ended")
        assert ended["message"]
    pair.first.cluster.clear()
    await team.apply(team.subscription("later"))
    await team.ready("later")
    assert await pair.second.operator.total("hookgate_operator_leader") == 1
    pair.assert_in_turn()


async def test_a_leader_that_is_told_to_stop_writes_nothing_after_the_next_one_began(
    pair: Pair, kubectl
) -> None:
    """A rolling update in the middle of much work."""
    team = pair.on.team(kubectl)
    await team.settle()
    names = [f"many-{number}" for number in range(30)]
    await team.apply(*(team.subscription(name) for name in names))

    async def some() -> bool:
        return len(pair.first.writes()) > 5

    await eventually(some, what="the first one is at work")
    began = time.monotonic()
    assert await pair.first.operator.stopped() == 0
    await pair.second.operator.leading(within=TAKES_OVER_WITHIN)
    took = time.monotonic() - began
    print(f"stopped: the other leads after {took:.1f} s")  # noqa: T201  # seen with -s
    await team.apply(*(team.subscription(name, path="ok200/second") for name in names))
    for name in names:
        await team.ready(name)
    pair.assert_in_turn()
