"""What stands at the intake's ports in its tests: a store one can hold up, a catalogue, a dispatcher."""

import asyncio
import json
from contextlib import asynccontextmanager

from prometheus_client import CollectorRegistry

from hookgate_gateway.catalogue.snapshot import Snapshot
from hookgate_gateway.contract import Subscription
from hookgate_gateway.ids import Ids
from hookgate_gateway.intake.accept import Acceptor
from hookgate_gateway.intake.waiting import IntakeLimits
from hookgate_gateway.observe import Observer
from hookgate_gateway.ports import Accepted, Duplicate, Stale
from hookgate_gateway.rules.delivery import Delivery, Kind, Target
from hookgate_gateway.rules.lane import LaneLimits
from hookgate_gateway.rules.matching import MatchRule
from hookgate_gateway.rules.retry import RetryPolicy


def subscription(name="invoices", **fields):
    return Subscription(
        namespace="shop",
        name=name,
        match=MatchRule(),
        endpoint=None,
        signing=None,
        retry=RetryPolicy(),
        limits=LaneLimits(),
        **fields,
    )


def payload(run_id="tsk_1", *, size=0, **fields):
    document = {"run_id": run_id, "run_type": "task_v2", "status": "completed", **fields}
    return json.dumps(document | {"output": "x" * size}).encode()


class LoopClock:
    """Both readings from the loop, so that virtual time moves them."""

    def now(self):
        return 1_700_000_000 + asyncio.get_running_loop().time()

    def monotonic(self):
        return asyncio.get_running_loop().time()


class Store:
    """Keeps the promises of ports.Intake in memory. A commit ends when ``disk`` is set."""

    def __init__(self):
        self.disk = asyncio.Event()
        self.disk.set()
        self.revision = 0
        self.failures = []
        self.batches = []
        self.events = {}

    async def accept(self, batch):
        self.batches.append(list(batch))
        await self.disk.wait()
        if self.failures:
            raise self.failures.pop(0)
        return [self._store(acceptance) for acceptance in batch]

    def _store(self, acceptance):
        if acceptance.revision < self.revision:
            return Stale(self.revision)
        report = acceptance.report
        key = (
            acceptance.namespace,
            report.run_id,
            report.attempt,
            report.retry_pending,
            acceptance.body_sha256,
        )
        if key in self.events:
            first = self.events[key]
            return Duplicate(first.event_id, len(first.deliveries))
        self.events[key] = acceptance
        return Accepted(
            acceptance.event_id,
            tuple(delivery(acceptance, new) for new in acceptance.deliveries if not new.parked),
            len(acceptance.deliveries),
            superseded=tuple(self._interim(report)),
        )

    def _interim(self, report):
        """What a report supersedes. Of the run ``tsk_interim_before`` something was stored earlier."""
        if report.run_id == "tsk_interim_before":
            yield "dlv_interim"
        for earlier in self.events.values():
            of_run = earlier.report.run_id == report.run_id
            if of_run and report.final and not earlier.report.final:
                yield from (new.id for new in earlier.deliveries)


def delivery(acceptance, new):
    return Delivery(
        id=new.id,
        namespace=acceptance.namespace,
        event_id=acceptance.event_id,
        run_id=acceptance.report.run_id,
        target=Target(subscription=new.subscription),
        lane=new.lane,
        kind=Kind.EVENT,
        attempts=0,
        due=acceptance.received_at,
        accepted_at=acceptance.received_at,
        body=acceptance.body,
        body_size=len(acceptance.body),
    )


class Catalogue:
    """A catalogue that sees a new revision when it is told to."""

    def __init__(self):
        self.snapshot = Snapshot()
        self.subscriptions = (subscription(),)
        self.waited_for = []
        self._changed = asyncio.Condition()

    def matching(self, snapshot, namespace, report):
        return self.subscriptions if namespace == "shop" else ()

    async def wait_for(self, revision):
        self.waited_for.append(revision)
        async with self._changed:
            await self._changed.wait_for(lambda: self.snapshot.revision >= revision)

    async def see(self, revision):
        async with self._changed:
            self.snapshot = Snapshot(revision=revision)
            self._changed.notify_all()


class Dispatcher:
    """Remembers what it was given."""

    def __init__(self):
        self.parked = set()
        self.offered = []
        self.forgotten = []

    def parks(self, lane):
        return lane in self.parked

    def offer(self, deliveries):
        self.offered.append(list(deliveries))

    def superseded(self, ids):
        self.forgotten.extend(ids)


class Gateway:
    """An acceptor and everything around it."""

    def __init__(self, limits, quota=None):
        self.store = Store()
        self.catalogue = Catalogue()
        self.dispatcher = Dispatcher()
        self.registry = CollectorRegistry()
        self.observer = Observer(self.registry)
        clock = LoopClock()
        self.acceptor = Acceptor(
            store=self.store,
            catalogue=self.catalogue,
            matching=self.catalogue.matching,
            handover=self.dispatcher,
            ids=Ids(clock.now),
            clock=clock,
            observer=self.observer,
            limits=limits,
            quota=quota,
        )

    def accept(self, body, namespace="shop"):
        return self.acceptor.accept(namespace, body, "api-key:checkout")

    def received(self, result, *, run_type="task_v2", status="completed", namespace="shop"):
        labels = {"namespace": namespace, "run_type": run_type, "status": status, "result": result}
        return self.registry.get_sample_value("hookgate_webhooks_received_total", labels) or 0

    def signatures_failed(self):
        """How many webhooks had no signature that is right, by namespace and source."""
        name = "hookgate_signature_failures_total"
        samples = [s for family in self.registry.collect() for s in family.samples]
        found = {
            (s.labels["namespace"], s.labels["source"]): s.value for s in samples if s.name == name
        }
        return {source: count for source, count in found.items() if count}

    async def arrive(self, *bodies, namespace="shop"):
        """Callers with these bodies, all of them waiting for their answers now."""
        callers = [asyncio.create_task(self.accept(body, namespace)) for body in bodies]
        await settle()
        return callers


@asynccontextmanager
async def gateway(quota=None, **limits):
    made = Gateway(IntakeLimits(**limits), quota)
    async with made.acceptor:
        yield made


async def settle():
    """Let everybody run who can."""
    for _ in range(10):
        await asyncio.sleep(0)
