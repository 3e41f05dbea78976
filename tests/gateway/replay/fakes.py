"""Bulk replays in memory, over the dispatcher's fakes: what the port promises, and nothing more."""

import asyncio
from collections import defaultdict
from contextlib import asynccontextmanager
from dataclasses import replace

from hookgate_gateway.ids import Ids
from hookgate_gateway.ports import Advanced, Cancelled, StoreUnavailable
from hookgate_gateway.replay.jobs import ReplayRunner
from hookgate_gateway.rules.delivery import Kind
from hookgate_gateway.rules.replay import (
    Counts,
    Replay,
    ReplayFilter,
    ReplayPlan,
    ReplayState,
)
from tests.gateway.dispatch.fakes import World


class FakeReplays:
    """Each replay is given its selection as a list of deliveries. ``down`` makes every call fail."""

    def __init__(self, world):
        self._world = world
        self._left = {}
        self._deferred = defaultdict(list)
        self._made = defaultdict(list)
        self._replays = {}
        self.calls = 0
        self.steps = []
        self.down = False
        self.pages = 10_000
        """Matches that a step looks at."""

    def add(self, replay, originals):
        self._replays[replay.plan.namespace, replay.plan.id] = replay
        self._left[replay.plan.id] = list(originals)

    def _call(self):
        self.calls += 1
        if self.down:
            raise StoreUnavailable("the store is down")

    def _now(self, key):
        replay = self._replays.get(key)
        if replay is None:
            return None
        made = self._made[key[1]]
        states = [self._world.backlog.state[id_] for id_ in made]
        counts = replace(
            replay.counts,
            made=len(made),
            delivered=states.count("delivered"),
            exhausted=states.count("exhausted"),
            cancelled=states.count("cancelled"),
        )
        replay = replace(replay, counts=counts)
        if replay.is_over and replay.state is not ReplayState.CANCELLED:
            replay = replace(replay, state=ReplayState.COMPLETED)
        return replay

    async def unfinished_replays(self):
        self._call()
        found = [self._now(key) for key in self._replays]
        return [replay for replay in found if not replay.is_over]

    async def replay(self, namespace, id_):
        self._call()
        return self._now((namespace, id_))

    async def advance_replay(self, namespace, id_, step, now):
        self._call()
        await asyncio.sleep(0)
        key = (namespace, id_)
        replay = self._replays[key]
        if replay.state is not ReplayState.RUNNING or not replay.selecting:
            return Advanced((), done=True)
        made, blocked, left = [], None, self._left[id_]
        looked = 0
        while left and len(made) < len(step.ids) and looked < self.pages:
            original = left[0]
            if original.lane in step.closed:
                self._deferred[id_].append(original)
            elif original.lane in step.full:
                blocked = original.lane
                break
            else:
                new = replace(
                    original,
                    id=step.ids[len(made)],
                    kind=Kind.REPLAY,
                    due=now,
                    accepted_at=now,
                )
                made.append(new)
            left.pop(0)
            looked += 1
        self._world.backlog.add(*made)
        self._world.backlog._changed.clear()
        self._made[id_] += [new.id for new in made]
        self.steps.append((id_, len(made)))
        pass_over = not left and bool(self._deferred[id_])
        if pass_over:
            self._left[id_] = self._deferred.pop(id_)
        done = not left and not pass_over
        if done:
            self._replays[key] = replace(replay, selecting=False)
        return Advanced(tuple(made), blocked, pass_over=pass_over, done=done)

    async def cancel_replay_rest(self, namespace, id_, limit, now):
        self._call()
        pending = [i for i in self._made[id_] if self._world.backlog.state[i] == "pending"][:limit]
        for one in pending:
            self._world.backlog.state[one] = "cancelled"
        return [Cancelled(one, None) for one in pending]

    def change(self, id_, state, namespace="shop"):
        key = (namespace, id_)
        changed = replace(self._replays[key], state=state)
        if state is ReplayState.CANCELLED:
            changed = replace(changed, selecting=False)
        self._replays[key] = changed


class ReplayWorld:
    """A dispatcher, and a runner that brings it what the fake store makes."""

    def __init__(self, world):
        self.world = world
        self.clock = world.clock
        self.sender = world.sender
        self.store = FakeReplays(world)
        self.runner = ReplayRunner(
            store=self.store,
            lanes=world.dispatcher,
            catalogue=world.catalogue,
            ids=Ids(world.clock.now),
            clock=world.clock,
            observer=world.observer,
        )

    def start(self, id_="rpl_1", *names, count=100, rate=None, state=ReplayState.RUNNING, **wanted):
        """A replay of so many deliveries to each of these subscriptions, one after the other."""
        names = names or ("invoices",)
        originals = [
            self.world.make(names[n % len(names)], run_id=f"{id_}_{n}")
            for n in range(count * len(names))
        ]
        if len(names) == 1:
            wanted.setdefault("subscription", names[0])
        plan = ReplayPlan(
            id=id_,
            namespace="shop",
            filter=ReplayFilter(**wanted),
            created_at=self.clock.now(),
            rate=rate,
        )
        counts = Counts(matched=len(originals))
        self.store.add(Replay(plan=plan, state=state, selecting=True, counts=counts), originals)
        self.runner.wake()

    def change(self, id_, state):
        self.store.change(id_, state)
        self.runner.wake()

    def sent(self, id_="rpl_1"):
        """When deliveries of this replay were sent, in seconds of the loop."""
        return [at for at, s in self.sender.sent if self._run(s).startswith(f"{id_}_")]

    def runs(self, id_="rpl_1"):
        return [self._run(s) for _, s in self.sender.sent if self._run(s).startswith(f"{id_}_")]

    def _run(self, shipment):
        return self.world.backlog.rows[shipment.delivery_id].run_id


@asynccontextmanager
async def replaying(*subscriptions, **options):
    world = World(*subscriptions, **options)
    async with world.dispatcher:
        replays = ReplayWorld(world)
        task = asyncio.create_task(replays.runner.run())
        try:
            yield replays
        finally:
            task.cancel()
            await asyncio.wait([task])
