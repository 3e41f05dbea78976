"""Stopping and starting again on the same store."""

import os
import signal
import time

from tests.acceptance.harness import Gateway, arrivals, at, eventually, report, run_id
from tests.receivers import Receiver


async def test_due_times_survive_a_restart(idle: Gateway, receiver: Receiver) -> None:
    """An attempt fails, the gateway is down over the due time or not: the next one comes when due."""
    idle.manifests.subscription("hook", receiver.url("fail-then-ok/hook"), retry=(6,))
    await idle.start()
    await idle.accepted(report(run := run_id()))
    [first] = await arrivals(receiver, 1, "/fail-then-ok/hook")
    await idle.delivery_of(run, outcome="server_error")
    idle.kill()
    await idle.start()
    ready = time.time()  # noqa: TID251  # the receiver's clock
    [_, second] = await arrivals(receiver, 2, "/fail-then-ok/hook")
    assert second.header("x-hookgate-attempt") == "2"
    assert second.at - first.at >= 5.9, "it must not come before it is due"
    assert second.at - max(first.at + 6, ready) < 4


async def test_sigterm_is_a_clean_exit_and_what_is_in_flight_finishes(
    idle: Gateway, receiver: Receiver
) -> None:
    idle.settings["shutdown_grace_seconds"] = "20"
    idle.manifests.subscription("hook", receiver.url("slow?seconds=1"))
    await idle.start()
    await idle.accepted(report(run := run_id()))
    await arrivals(receiver, 1, "/slow")
    assert await idle.stop() == 0
    await idle.start()
    delivery = await idle.delivery_of(run, state="delivered")
    assert delivery["attempts"] == 1
    assert len(receiver.log) == 1


async def test_intake_goes_on_for_a_moment_after_sigterm(idle: Gateway, receiver: Receiver) -> None:
    idle.settings["shutdown_drain_seconds"] = "5"
    idle.manifests.subscription("hook", receiver.url("switch/hook"))
    await idle.start()
    assert idle.process is not None
    idle.process.send_signal(signal.SIGTERM)

    async def not_ready() -> bool:
        return (await idle.fetch("GET", idle.metrics_url("/readyz"))).status == 503

    await eventually(not_ready)
    accepted = await idle.accepted(report(run := run_id()))
    assert accepted["deliveries"] == 1
    assert await idle.exit_code() == 0
    await idle.start()
    await idle.delivery_of(run, state="delivered")


async def test_a_writer_that_is_killed_is_replaced_and_nothing_is_lost(
    hooked: Gateway, receiver: Receiver
) -> None:
    for turn in range(3):
        await hooked.accepted(report(before := run_id()))
        for pid in hooked.writer_pids():
            os.kill(pid, signal.SIGKILL)
        await hooked.accepted(report(after := run_id()))
        for run in (before, after):
            await hooked.delivery_of(run, state="delivered")
        assert len(at(receiver)) >= 2 * (turn + 1)


async def test_the_writer_never_outlives_the_gateway(hooked: Gateway) -> None:
    writers = hooked.writer_pids()
    assert writers
    hooked.kill()

    async def all_gone() -> bool:
        return not any(_alive(pid) for pid in writers)

    await eventually(all_gone)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
