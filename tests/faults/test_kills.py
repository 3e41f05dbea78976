"""kill -9 at random moments: nothing that was answered 2xx is lost, and what comes twice is explained."""

import asyncio
import contextlib
import logging
import os
import random
import signal
import time
from enum import StrEnum

import pytest

from tests.acceptance.harness import Gateway, arrivals
from tests.faults.ledger import Ledger
from tests.faults.load import drained, promised, publishing
from tests.receivers import Receiver

LOG = logging.getLogger(__name__)

RATE = 250
KILLS = 8
BETWEEN = 65
"""At least so many reports are promised between two kills, however slow the machine is."""


class Victim(StrEnum):
    GATEWAY = "gateway"
    WRITER = "writer"
    BOTH = "both"


@pytest.mark.timeout(240)
@pytest.mark.parametrize("victim", Victim)
@pytest.mark.parametrize("seed", [1, 2])
async def test_nothing_promised_is_lost(
    idle: Gateway, receiver: Receiver, victim: Victim, seed: int
) -> None:
    chance = random.Random(f"{victim} {seed}")
    ledger = Ledger()
    await idle.start()
    async with publishing(idle, ledger, RATE):
        for _ in range(KILLS):
            enough = len(ledger.promised) + BETWEEN
            await asyncio.sleep(chance.uniform(0.2, 0.8))  # the random moment
            await promised(ledger, enough)
            await _strike(idle, receiver, victim, ledger, chance)
            await idle.ready()
        await asyncio.sleep(0.3)
    await drained(idle)
    await arrivals(receiver, len(ledger.promised), "/slow")
    arrived = receiver.log
    repeats = len(ledger.repeats(arrived))
    figures = (len(ledger.promised), ledger.refused, repeats)
    LOG.info("%s: %d promised, %d refused, %d repeated", victim, *figures)
    assert len(ledger.promised) > 500
    assert ledger.lost(arrived) == set()
    assert ledger.made_up(arrived) == set()
    assert ledger.inexcusable(arrived) == []
    assert repeats <= len(ledger.crashes) * (16 + RATE * 0.2), "more than was in flight"


async def _strike(
    idle: Gateway, receiver: Receiver, victim: Victim, ledger: Ledger, chance: random.Random
) -> None:
    writers = idle.writer_pids()
    if victim is not Victim.GATEWAY:
        for pid in writers:
            _kill(pid)
    if victim is Victim.BOTH:
        await asyncio.sleep(chance.choice([0, 0.01, 0.1]))
    if victim is not Victim.WRITER:
        idle.kill()
        await receiver.left()  # what comes from now on is of the next gateway
        ledger.crashes.append(time.time())  # noqa: TID251  # the receiver's clock
        idle.launch()


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
