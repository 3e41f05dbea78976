"""Whatever is done to a backlog in whatever order: none is given twice, none is forgotten."""

import asyncio
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from hookgate_gateway.ports import NewReplay
from hookgate_gateway.rules.delivery import Kind, Target
from tests.gateway.stores import SHOP, START, acceptance, failure, ids, open_sqlite, success

LANE = "s/shop/invoices"


class BacklogMachine(RuleBasedStateMachine):
    """``owed`` is every pending delivery by id, ``parked`` those in the lane, ``hand`` those taken."""

    def __init__(self):
        super().__init__()
        self.runner = asyncio.Runner()
        self.stack = AsyncExitStack()
        self.folder = self.stack.enter_context(tempfile.TemporaryDirectory())
        self.now = START
        self.owed, self.parked, self.hand, self.events = {}, set(), {}, []
        self.runs = 0

    @initialize()
    def open(self):
        self.store_context = open_sqlite(Path(self.folder), now=lambda: self.now)
        self.store = self.runner.run(self.store_context.__aenter__())

    def close(self):
        self.runner.run(self.store_context.__aexit__(None, None, None))

    def item(self, parked=False):
        self.runs += 1
        item = acceptance(f"tsk_{self.runs}", at=self.now, parked=parked)
        self.events.append(item.event_id)
        return item

    async def accept(self, item, claim):
        (receipt,) = await self.store.accept([item])
        (new,) = item.deliveries
        self.owed[new.id] = self.now
        if new.parked:
            self.parked.add(new.id)
        elif claim:
            self.store.claim(receipt.deliveries)
            self.taken(receipt.deliveries)

    def taken(self, deliveries):
        for delivery in deliveries:
            assert delivery.id not in self.hand, "given twice"
            assert delivery.id in self.owed, "given after its end"
            self.hand[delivery.id] = delivery

    async def take(self, limit=100):
        taken = await self.store.take_due(self.now, limit)
        assert not {d.id for d in taken.deliveries} & self.parked
        self.taken(taken.deliveries)

    def one_in_hand(self, number):
        if not self.hand:
            return None
        return self.hand.pop(sorted(self.hand)[number % len(self.hand)])

    async def record(self, delivery, kind):
        self.parked.discard(delivery.id)
        if kind == "success":
            del self.owed[delivery.id]
            await self.store.record([success(delivery)])
            return
        due = self.now + (60 if kind == "later" else -5)
        self.owed[delivery.id] = due
        if kind == "parked":
            self.parked.add(delivery.id)
        await self.store.record([failure(delivery, due=due, parked=kind == "parked")])

    @rule(parked=st.booleans(), claim=st.booleans())
    def report(self, parked, claim):
        self.runner.run(self.accept(self.item(parked), claim))

    @rule(limit=st.integers(1, 4))
    def take_due(self, limit):
        self.runner.run(self.take(limit))

    @rule(limit=st.integers(1, 4))
    def take_parked(self, limit):
        taken = self.runner.run(self.store.take_parked(LANE, limit))
        assert {d.id for d in taken} <= self.parked
        self.taken(taken)

    @rule(number=st.integers(0, 99), kind=st.sampled_from(["success", "later", "now", "parked"]))
    def end_an_attempt(self, number, kind):
        if (delivery := self.one_in_hand(number)) is not None:
            self.runner.run(self.record(delivery, kind))

    @rule(number=st.integers(0, 99), kind=st.sampled_from(["success", "later", "now", "parked"]))
    def end_an_attempt_while_one_takes_and_one_reports(self, number, kind):
        delivery, item = self.one_in_hand(number), self.item()

        async def together():
            ending = [self.record(delivery, kind)] if delivery else []
            await asyncio.gather(self.take(), *ending, self.accept(item, True), self.take())

        self.runner.run(together())

    @rule(number=st.integers(0, 99))
    def release(self, number):
        if (delivery := self.one_in_hand(number)) is not None:
            self.runner.run(self.store.release([delivery.id]))

    @rule(number=st.integers(0, 99))
    def park(self, number):
        if (delivery := self.one_in_hand(number)) is not None:
            self.parked.add(delivery.id)
            self.runner.run(self.store.park([delivery.id]))

    @rule(number=st.integers(0, 99))
    def replay(self, number):
        if not self.events:
            return
        new = NewReplay(
            id=ids.delivery(),
            namespace=SHOP,
            event_id=self.events[number % len(self.events)],
            target=Target(subscription="invoices"),
            lane=LANE,
            kind=Kind.REPLAY,
            created_at=self.now,
            due=self.now,
        )
        assert self.runner.run(self.store.add(new)) is not None
        self.owed[new.id] = self.now

    @rule(seconds=st.integers(-30, 90))
    def the_clock_moves(self, seconds):
        self.now += seconds

    @rule()
    def restart(self):
        self.close()
        self.hand.clear()
        self.open()

    @invariant()
    def every_parked_one_is_owed(self):
        assert self.parked <= set(self.owed)

    def due(self):
        return {id_ for id_, at in self.owed.items() if at <= self.now} - self.parked

    async def find_all_due(self):
        """Nothing is forgotten without a restart either: what nobody claimed comes after its grace."""
        async with asyncio.timeout(30):
            while self.due() - set(self.hand):
                await self.take()
                await asyncio.sleep(0.01)

    def teardown(self):
        if hasattr(self, "store"):
            self.runner.run(self.find_all_due())
            self.restart()
            self.runner.run(self.take())
            assert set(self.hand) == self.due(), "forgotten"
            taken = self.runner.run(self.store.take_parked(LANE, 1000))
            assert {d.id for d in taken} == self.parked
            self.close()
        self.runner.run(self.stack.aclose())
        self.runner.close()


TestBacklogMachine = BacklogMachine.TestCase
TestBacklogMachine.settings = settings(
    max_examples=12,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
