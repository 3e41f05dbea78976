"""A process that leads by a Lease and whose work can be made to die: `python -m tests.cluster.leading`.

It says `started`, `leading` when it begins to work and `stopped` when the work was stopped, each with the seconds of
the machine's monotonic clock. SIGUSR1: the work raises.
SIGUSR2: the election's task is cancelled. SIGHUP: the work does not stop when it is told to.
"""

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

from prometheus_client import CollectorRegistry

from hookgate_operator.app.leadership import Ended, by_lease
from hookgate_operator.app.lease import LeaseSettings
from hookgate_operator.cluster.connection import connect
from hookgate_operator.cluster.settings import ClusterSettings
from hookgate_operator.observe import OperatorObserver
from hookgate_process import logs
from hookgate_process.clock import SystemClock
from hookgate_process.stopping import StopSignals

LEASE = "leading"


class Work:
    """Dies when it is told to."""

    def __init__(self) -> None:
        self.dies = asyncio.Event()
        self.stays = False

    async def do(self) -> None:
        say("leading")
        try:
            await self.dies.wait()
        finally:
            say("stopped")
            while self.stays:
                try:
                    await asyncio.sleep(60)
                except asyncio.CancelledError:
                    continue
        raise ZeroDivisionError


def say(words: str) -> None:
    sys.stdout.write(f"{words} @{time.monotonic():.6f}\n")
    sys.stdout.flush()


async def lead(kubeconfig: Path, namespace: str, seconds: int) -> Ended:
    logs.configure("json", "debug")
    observer, clock, work = OperatorObserver(CollectorRegistry()), SystemClock(), Work()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGUSR1, work.dies.set)
    loop.add_signal_handler(signal.SIGUSR2, cancel_election)
    loop.add_signal_handler(signal.SIGHUP, lambda: setattr(work, "stays", True))
    signals = StopSignals(say)
    signals.install()
    settings = LeaseSettings(
        name=LEASE, namespace=namespace, identity=f"process-{os.getpid()}", seconds=seconds
    )
    connection = ClusterSettings(kubeconfig=kubeconfig, namespaces=(namespace,))
    async with connect(connection, clock=clock, observer=observer) as cluster:
        leadership = by_lease(settings, cluster.api_client, clock=clock, observer=observer)
        signals.started()
        say("started")
        ended = await leadership.run(work.do, signals.asked)
        say(f"ended: {ended.why}")
        if ended.is_stuck:
            os._exit(3)
    return ended


def cancel_election() -> None:
    for task in asyncio.all_tasks():
        if task.get_name() == "election":
            task.cancel()


if __name__ == "__main__":
    sys.exit(
        0 if asyncio.run(lead(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))).why is None else 1
    )
