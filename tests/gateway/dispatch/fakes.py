"""Fakes at the ports, and a world that puts a dispatcher between them."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from math import inf

from prometheus_client import CollectorRegistry

from hookgate.deliveries import Outcome
from hookgate.signing import SigningScheme
from hookgate_gateway.catalogue.snapshot import Snapshot
from hookgate_gateway.contract import ApiKey, Endpoint, Signing, Subscription
from hookgate_gateway.dispatch.dispatcher import Dispatcher
from hookgate_gateway.observe import Observer
from hookgate_gateway.ports import Ended, Ownership, Recorded, StoreUnavailable, Taken
from hookgate_gateway.rules.delivery import (
    Attempt,
    Delivery,
    Ending,
    Hold,
    HoldReason,
    KeyRef,
    Kind,
    Target,
)
from hookgate_gateway.rules.lane import LaneLimits, run_lane, shard, subscription_lane
from hookgate_gateway.rules.matching import MatchRule
from hookgate_gateway.rules.retry import GiveUp, RetryAt, RetryPolicy, Succeed

EPOCH = 1_700_000_000.0
NO_RETRY = RetryPolicy(delays=(), jitter_percent=0.0)


class LoopClock:
    """Both readings come from the loop; ``jump`` moves the wall clock alone."""

    def __init__(self):
        self.jump = 0.0

    def now(self):
        return EPOCH + self.jump + asyncio.get_running_loop().time()

    def monotonic(self):
        return asyncio.get_running_loop().time()


def subscription(namespace="shop", name="invoices", **changes):
    made = Subscription(
        namespace=namespace,
        name=name,
        match=MatchRule(),
        endpoint=Endpoint(url=f"https://{name}.example/", fingerprint="e1"),
        signing=Signing(scheme=SigningScheme.SKYVERN, keys=(b"k" * 24,)),
        retry=RetryPolicy(jitter_percent=0.0),
        limits=LaneLimits(),
    )
    return replace(made, **changes)


def held(subscription_, reason):
    return replace(subscription_, hold=Hold(reason, EPOCH))


def snapshot(*subscriptions, keys=()):
    return Snapshot(
        subscriptions={(s.namespace, s.name): s for s in subscriptions},
        api_keys={(k.namespace, k.secret): k for k in keys},
    )


def api_key(namespace="shop", secret="app", **values):
    values = values or {"f1": b"v" * 24}
    return ApiKey(namespace=namespace, secret=secret, values=tuple(values.items()))


class FakeCatalogue:
    def __init__(self, snapshot_):
        self.snapshot = snapshot_
        self.refreshes = 0
        self._callbacks = []
        self.on_refresh = lambda: None

    def listen(self, callback):
        self._callbacks.append(callback)

    def swap(self, *subscriptions, keys=()):
        old, self.snapshot = self.snapshot, snapshot(*subscriptions, keys=keys)
        for callback in self._callbacks:
            callback(old, self.snapshot)

    async def refresh(self):
        self.refreshes += 1
        self.on_refresh()


def answered(status, **more):
    outcome = {
        410: Outcome.GONE,
        429: Outcome.RATE_LIMITED,
        302: Outcome.REDIRECT,
        404: Outcome.CLIENT_ERROR,
    }.get(status, Outcome.SUCCESS if 200 <= status < 300 else Outcome.SERVER_ERROR)
    return Attempt(outcome=outcome, status=status, started_at=0.0, duration=0.0, **more)


def ok(_shipment):
    return answered(200)


class FakeSender:
    """Answers by script: a function of the shipment, by lane, that gives an Attempt or awaits one."""

    def __init__(self, clock):
        self._clock = clock
        self.script = defaultdict(lambda: ok)
        self.sent = []
        self.forgotten = []
        self.in_flight = defaultdict(int)
        self.most_in_flight = defaultdict(int)

    def at(self, lane):
        """When attempts on this lane were started, in seconds of the loop."""
        return [time for time, shipment in self.sent if shipment.lane == lane]

    async def send(self, shipment):
        started = self._clock.monotonic()
        self.sent.append((started, shipment))
        for key in (shipment.lane, shipment.namespace, ""):
            self.in_flight[key] += 1
            self.most_in_flight[key] = max(self.most_in_flight[key], self.in_flight[key])
        try:
            answer = self.script[shipment.lane](shipment)
            if isinstance(answer, Awaitable):
                answer = await answer
        finally:
            for key in (shipment.lane, shipment.namespace, ""):
                self.in_flight[key] -= 1
        return replace(
            answer,
            started_at=self._clock.now() - (self._clock.monotonic() - started),
            duration=self._clock.monotonic() - started,
        )

    async def forget(self, lane):
        self.forgotten.append(lane)


def takes(seconds, then=ok):
    """A receiver that needs so long."""

    async def answer(shipment):
        await asyncio.sleep(seconds)
        return then(shipment)

    return answer


def hangs(seconds=30.0):
    timeout = Attempt(outcome=Outcome.TIMEOUT, started_at=0.0, duration=seconds)
    return takes(seconds, lambda _: timeout)


def in_turn(*answers):
    """A receiver that gives these answers, the last one for ever."""
    left = list(answers)

    def answer(shipment):
        return (left.pop(0) if len(left) > 1 else left[0])(shipment)

    return answer


def status(code, **more):
    return lambda _: answered(code, **more)


class FakeBacklog:
    """Keeps the promises of the port over a dictionary. ``down`` makes every call fail."""

    def __init__(self, clock):
        self._clock = clock
        self.rows = {}
        self.taken = set()
        self.state = {}
        self.ending = {}
        self.parked = set()
        self.attempts = defaultdict(list)
        self.down = False
        self.marked_gone = []
        self.ownership = Ownership(epoch=1, shards=frozenset(range(64)), until=inf)
        self.bodies = {}
        self.calls = defaultdict(int)
        self.delay = 0.0
        self.answer_delay = 0.0
        self._changed = asyncio.Event()

    def add(self, *deliveries, parked=False):
        """Store deliveries that this process is not handed."""
        for delivery in deliveries:
            self.rows[delivery.id] = delivery
            self.state[delivery.id] = "pending"
            if parked:
                self.parked.add(delivery.id)
        self._changed.set()

    def of(self, state):
        return [id_ for id_, s in self.state.items() if s == state]

    def _free(self, *, parked, lane=None):
        return sorted(
            (
                d
                for d in self.rows.values()
                if self.state[d.id] == "pending"
                and d.id not in self.taken
                and (d.id in self.parked) is parked
                and (lane is None or d.lane == lane)
                and shard(d.lane) in self.ownership.shards
            ),
            key=lambda d: (d.due, d.id),
        )

    async def _call(self, name):
        self.calls[name] += 1
        if self.delay:
            await asyncio.sleep(self.delay)
        if self.down:
            raise StoreUnavailable("the store is down")

    async def _answer(self):
        """What was read takes its time to arrive."""
        if self.answer_delay:
            await asyncio.sleep(self.answer_delay)

    async def owned(self):
        return self.ownership

    def claim(self, deliveries):
        assert not self.taken & {d.id for d in deliveries}
        self.taken |= {d.id for d in deliveries}

    async def take_due(self, now, limit):
        await self._call("take_due")
        free = self._free(parked=False)
        due = [d for d in free if d.due <= now][:limit]
        self.taken |= {d.id for d in due}
        await self._answer()
        later = [d.due for d in free if d.id not in self.taken]
        return Taken(tuple(due), min(later, default=None))

    async def park(self, ids):
        await self._call("park")
        assert set(ids) <= self.taken
        self.taken -= set(ids)
        self.parked |= {id_ for id_ in ids if self.state[id_] == "pending"}

    async def take_parked(self, lane, limit, after=None):
        await self._call("take_parked")
        free = self._free(parked=True, lane=lane)
        found = [d for d in free if after is None or (d.due, d.id) > after][:limit]
        self.taken |= {d.id for d in found}
        self.parked -= {d.id for d in found}
        await self._answer()
        return found

    async def parked_lanes(self):
        await self._call("parked_lanes")
        return sorted({self.rows[id_].lane for id_ in self.parked})

    async def record(self, results):
        await self._call("record")
        return [self._record(result) for result in results]

    def _record(self, result):
        id_ = result.delivery.id
        numbers = [number for number, _ in self.attempts[id_]]
        self.taken.discard(id_)
        if result.number in numbers:
            return Recorded.STORED
        self.attempts[id_].append((result.number, result.attempt))
        if result.marks_gone:
            self.marked_gone.append(result.delivery.target.subscription)
        row = self.rows[id_]
        if self.state[id_] == "cancelled" and not isinstance(result.verdict, Succeed):
            return Recorded.CANCELLED
        match result.verdict:
            case Succeed():
                self.state[id_] = "delivered"
            case GiveUp(ending):
                self.state[id_] = "exhausted"
                self.ending[id_] = ending
            case RetryAt(due):
                self.rows[id_] = replace(row, attempts=result.number, due=due)
        return Recorded.STORED

    async def expire(self, ids, now):
        await self._call("expire")
        assert set(ids) <= self.taken
        self.taken -= set(ids)
        return self._expire(ids)

    async def expire_parked(self, before, limit, now):
        await self._call("expire_parked")
        free = (d for lane in before for d in self._free(parked=True, lane=lane))
        return self._expire([d.id for d in free if d.accepted_at < before[d.lane]][:limit])

    def _expire(self, ids):
        ended = [self.rows[id_] for id_ in ids if self.state[id_] == "pending"]
        for row in ended:
            self.state[row.id], self.ending[row.id] = "exhausted", Ending.EXPIRED
            self.parked.discard(row.id)
        return [
            Ended(
                id=row.id,
                namespace=row.namespace,
                event_id=row.event_id,
                subscription=row.target.subscription,
            )
            for row in ended
        ]

    async def release(self, ids):
        await self._call("release")
        self.taken -= set(ids)
        self._changed.set()

    async def wait(self, until):
        try:
            async with asyncio.timeout(max(0.0, until - self._clock.now())):
                await self._changed.wait()
        except TimeoutError:
            return
        self._changed.clear()

    async def body(self, namespace, event_id):
        await self._call("body")
        return self.bodies.get((namespace, event_id))


class World:
    """A dispatcher with its neighbours."""

    def __init__(self, *subscriptions, keys=(), jitter=0.0, **options):
        self.clock = LoopClock()
        self.backlog = options.pop("backlog", None) or FakeBacklog(self.clock)
        self.sender = FakeSender(self.clock)
        self.catalogue = FakeCatalogue(snapshot(*subscriptions, keys=keys))
        self.registry = CollectorRegistry()
        self.observer = options.pop("observer", Observer)(self.registry)
        self.dispatcher = Dispatcher(
            self.backlog,
            self.sender,
            self.catalogue,
            self.observer,
            self.clock,
            jitter=jitter if callable(jitter) else lambda: jitter,
            **options,
        )
        self._count = 0

    def make(self, lane_or_name="invoices", namespace="shop", **changes):
        """A delivery to a subscription (by name) or a URL."""
        self._count += 1
        now = self.clock.now()
        if "://" in lane_or_name:
            target = Target(url=lane_or_name, key=KeyRef("app", "f1"))
            lane = run_lane(namespace, lane_or_name)
        else:
            target = Target(subscription=lane_or_name)
            lane = subscription_lane(namespace, lane_or_name)
        delivery = Delivery(
            id=f"dlv_{self._count:06}",
            namespace=namespace,
            event_id=f"evt_{self._count:06}",
            run_id=f"tsk_{self._count:06}",
            target=target,
            lane=lane,
            kind=Kind.EVENT,
            attempts=0,
            due=now,
            accepted_at=now,
            body=b"{}",
            body_size=2,
        )
        return replace(delivery, **changes)

    def accept(self, *deliveries):
        """What intake does: ask the lane, store, hand over what is not parked."""
        offered = []
        for delivery in deliveries:
            parked = self.dispatcher.parks(delivery.lane)
            self.backlog.add(delivery, parked=parked)
            self.backlog._changed.clear()
            if not parked:
                offered.append(delivery)
        self.dispatcher.offer(offered)

    def metric(self, name, **labels):
        return self.registry.get_sample_value(f"hookgate_{name}", labels) or 0.0


@asynccontextmanager
async def running(*subscriptions, **options):
    world = World(*subscriptions, **options)
    async with world.dispatcher:
        yield world


LANE = subscription_lane("shop", "invoices")
GONE, SUSPENDED, DELETED = HoldReason.GONE, HoldReason.SUSPENDED, HoldReason.DELETED
Script = Callable[[object], Attempt]
