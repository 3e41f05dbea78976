"""
What goes wrong meanwhile: kills, edits of the manifests, synchronous replays. All by one seeded chance.
"""

import asyncio
import contextlib
import os
import random
import signal
import time
from collections import Counter
from dataclasses import dataclass, field

import aiohttp

from benchmarks.soak.publisher import Publisher, run_name
from benchmarks.soak.targets import TARGETS
from benchmarks.soak.world import World

_BY_NAME = {target.name: target for target in TARGETS}
_REPLAY_AGE = (3, 40)
"""Seconds: delivered by then, and not pruned yet."""


@dataclass(frozen=True, slots=True)
class Strike:
    """A kill: unix seconds, and whom it met."""

    at: float
    victim: str


@dataclass
class Kills:
    """SIGKILL to the gateway and to its writer, by turns and at random moments."""

    world: World
    publisher: Publisher
    chance: random.Random
    every: tuple[float, float] = (6.0, 20.0)
    strikes: list[Strike] = field(default_factory=list)

    async def run(self, until: float) -> None:
        """Kill until ``until`` (the monotonic clock), and leave a gateway that is ready."""
        while True:
            pause = self.chance.uniform(*self.every)
            if time.monotonic() + pause > until:
                return
            await asyncio.sleep(pause)
            victim = self.chance.choice(("writer", "writer", "gateway", "both"))
            self._strike(victim)
            await self.world.gateway.ready()

    def _strike(self, victim: str) -> None:
        gateway = self.world.gateway
        if victim != "gateway":
            for pid in gateway.writer_pids():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        if victim != "writer":
            gateway.kill()
        now = time.time()  # noqa: TID251  # beside the receivers' clock
        if victim != "writer":
            self.publisher.ledger.crashes.append(now)
            gateway.launch()
        self.strikes.append(Strike(now, victim))


@dataclass
class Edits:
    """Manifests that change, go, come back, or are broken for a while."""

    world: World
    chance: random.Random
    done: Counter[str] = field(default_factory=Counter)

    async def run(self) -> None:
        """Edit until cancelled; call :meth:`settle` afterwards."""
        edits = (self._move, self._suspend, self._delete, self._touch, self._break)
        while True:
            await asyncio.sleep(self.chance.uniform(2, 8))
            edit = self.chance.choice(edits)
            self.done[edit.__name__.strip("_")] += 1
            await edit()

    def settle(self) -> None:
        """Everything as it was in the beginning."""
        for target in TARGETS:
            self.world.declare(target)
        self.world.gateway.manifests.text("broken", "# nothing\n")

    async def _move(self) -> None:
        path = self.chance.choice(("/edited/a", "/edited/b"))
        self.world.declare(_BY_NAME["edited"], path=path)

    async def _suspend(self) -> None:
        self.world.declare(_BY_NAME["edited"], suspend=True)
        await asyncio.sleep(self.chance.uniform(3, 9))
        self.world.declare(_BY_NAME["edited"])

    async def _delete(self) -> None:
        self.world.gateway.manifests.remove("sub-churn")
        await asyncio.sleep(self.chance.uniform(3, 9))
        self.world.declare(_BY_NAME["churn"])

    async def _touch(self) -> None:
        """A change that must not disturb: another timeout."""
        self.world.declare(_BY_NAME["steady"], timeout=self.chance.randint(10, 30))

    async def _break(self) -> None:
        self.world.gateway.manifests.text("broken", "kind: [unclosed\n")
        await asyncio.sleep(3)
        self.world.gateway.manifests.text("broken", "# mended\n")


@dataclass
class Replays:
    """One synchronous replay a second, to the steady receiver."""

    world: World
    publisher: Publisher
    chance: random.Random
    answers: Counter[str] = field(default_factory=Counter)
    delivered: list[tuple[str, str]] = field(default_factory=list)
    """Run and delivery id of each that was answered as delivered."""

    async def run(self) -> None:
        """Replay until cancelled."""
        while True:
            await asyncio.sleep(1)
            age = self.chance.uniform(*_REPLAY_AGE)
            number = len(self.publisher.sent) - int(age * self.publisher.rate)
            if number >= 0 and run_name(number) in self.publisher.ledger.promised:
                with contextlib.suppress(aiohttp.ClientError, OSError, TimeoutError):
                    await self._replay(run_name(number))

    async def _replay(self, run: str) -> None:
        path = f"/api/v1/runs/{run}/webhook/replay"
        reply = await self.world.gateway.post(path, b'{"subscription": "steady"}')
        if reply.status != 200:
            self.answers[str(reply.status)] += 1
            return
        told = reply.json()
        self.answers[f"200, receiver {told['status_code']}"] += 1
        if told["status_code"] == 200:
            self.delivered.append((run, told["delivery_id"]))
