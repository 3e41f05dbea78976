"""The cache of values, in virtual time."""

import asyncio
import base64
from collections import Counter

import pytest

from hookgate_operator.cluster.values import Ref, ValueCache
from hookgate_operator.ports import NotFound, NotReadable, Unavailable
from tests.controlplane.worlds import Recorder, found

pytestmark = pytest.mark.looptime

BILLING = Ref("shop", "billing")


class Source:
    """Secrets that can be read, or not."""

    def __init__(self):
        self.secrets = {}
        self.reads = Counter()
        self.down = None
        self.seconds = 0.0
        self.at_once = 0
        self.most_at_once = 0

    async def read(self, ref):
        self.reads[ref] += 1
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        values = self.secrets.get(ref, NotFound())
        await asyncio.sleep(self.seconds)
        self.at_once -= 1
        if self.down:
            raise self.down
        return values


class LoopClock:
    def now(self):
        return 1_000_000 + self.monotonic()

    def monotonic(self):
        return asyncio.get_running_loop().time()


def secret(**values):
    data = {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}
    return {"kind": "Secret", "data": data}


class World:
    def __init__(self):
        self.source = Source()
        self.observer = Recorder()
        self.cache = ValueCache(
            self.source, clock=LoopClock(), observer=self.observer, max_age=60.0
        )
        self.needed = {}
        self.told = set()
        self.changed = []

    async def get(self, name="billing"):
        return (await self.cache.get("shop", [name]))[name]

    async def begin(self):
        """In the test's own time, which is not its fixtures'."""
        noticing = self.cache.run(
            needed=lambda: self.needed,
            is_told=lambda ref: ref in self.told,
            changed=lambda *name: self.changed.append(name),
        )
        self.running = asyncio.create_task(noticing)
        await asyncio.sleep(0)


@pytest.fixture(name="world")
async def _world():
    world = World()
    yield world
    world.running.cancel()
    await world.cache.close()


async def test_many_who_ask_share_one_read(world):
    await world.begin()
    world.source.secrets[BILLING] = found(secret="one")
    world.source.seconds = 1.0
    assert set(map(str, await asyncio.gather(*(world.get() for _ in range(50))))) == {"Found()"}
    assert world.source.reads == {BILLING: 1}


async def test_what_is_not_told_is_read_again_after_a_minute(world):
    await world.begin()
    world.source.secrets[BILLING] = found(secret="one")
    await world.get()
    await asyncio.sleep(59)
    await world.get()
    assert world.source.reads[BILLING] == 1
    await asyncio.sleep(2)
    await world.get()
    assert world.source.reads[BILLING] == 2


async def test_what_is_told_is_not(world):
    await world.begin()
    world.source.secrets[BILLING] = found(secret="one")
    world.told.add(BILLING)
    world.needed = {"shop": {"billing"}}
    await world.get()
    world.cache.told(BILLING, secret(secret="two"))
    await asyncio.sleep(3600)
    assert await world.get() == found(secret="two")
    assert world.source.reads[BILLING] == 1
    assert world.changed == [("shop", "billing")]


async def test_what_nobody_asked_for_is_not_kept(world):
    await world.begin()
    world.cache.told(BILLING, secret(secret="one"))
    world.cache.doubt(BILLING)
    assert world.cache._entries == {}
    assert world.source.reads == {}


async def test_what_is_needed_is_looked_at_within_the_minute(world):
    await world.begin()
    world.needed = {"shop": {"billing"}}
    world.source.secrets[BILLING] = found(secret="one")
    assert await world.get() == found(secret="one")
    world.source.secrets[BILLING] = found(secret="two")
    await asyncio.sleep(60)
    assert world.changed == [("shop", "billing")]
    await asyncio.sleep(600)
    assert world.changed == [("shop", "billing")]
    assert world.source.reads[BILLING] == 1 + 660 // 45


async def test_what_is_missing_is_looked_for_soon_and_ever_more_seldom(world):
    await world.begin()
    world.needed = {"shop": {"billing"}}
    assert await world.get() == NotFound()
    reads = []
    for _ in range(60):
        await asyncio.sleep(1)
        reads.append(world.source.reads[BILLING])
    assert [reads[at] for at in (1, 3, 7, 15, 31, 59)] == [1, 2, 3, 4, 5, 7]
    await asyncio.sleep(3600)
    assert world.source.reads[BILLING] == 7 + 3600 // 45


async def test_what_comes_a_moment_later_is_found_within_three_seconds(world):
    await world.begin()
    assert await world.get() == NotFound()
    world.source.secrets[BILLING] = found(secret="one")
    await asyncio.sleep(3)
    assert world.changed == [("shop", "billing")]
    assert await world.get() == found(secret="one")


async def test_what_is_missing_is_not_hunted_while_nobody_can_be_asked(world):
    await world.begin()
    assert await world.get() == NotFound()
    world.source.down = Unavailable("away")
    await asyncio.sleep(45)
    assert world.source.reads[BILLING] <= 5


async def test_what_is_not_needed_any_more_is_forgotten(world):
    await world.begin()
    world.needed = {"shop": {"billing"}}
    await world.get()
    world.needed = {}
    await asyncio.sleep(300)
    assert world.cache._entries == {}


async def test_what_went_is_read_at_once(world):
    await world.begin()
    world.source.secrets[BILLING] = found(secret="one")
    await world.get()
    del world.source.secrets[BILLING]
    world.cache.doubt(BILLING)
    await asyncio.sleep(0.1)
    assert world.changed == [("shop", "billing")]
    assert await world.get() == NotFound()


@pytest.mark.parametrize("how", ["told", "doubt"])
async def test_what_is_told_during_a_read_is_newer_than_the_read(world, how):
    await world.begin()
    world.source.secrets[BILLING] = found(secret="one")
    world.source.seconds = 1.0
    reading = asyncio.create_task(world.get())
    await asyncio.sleep(0.5)
    world.source.secrets[BILLING] = found(secret="two")
    if how == "told":
        world.cache.told(BILLING, secret(secret="two"))
    else:
        world.cache.doubt(BILLING)
    assert await reading == found(secret="two")
    assert world.source.reads[BILLING] == 2


async def test_one_that_may_no_more_be_read_is_looked_at_twice(world):
    await world.begin()
    world.source.secrets[BILLING] = found(secret="one")
    await world.get()
    world.source.secrets[BILLING] = NotReadable()
    world.cache.doubt(BILLING)
    await asyncio.sleep(1)
    world.source.secrets[BILLING] = found(secret="one")
    await asyncio.sleep(5)
    assert world.changed == []
    world.source.secrets[BILLING] = NotReadable()
    world.cache.doubt(BILLING)
    await asyncio.sleep(5)
    assert await world.get() == NotReadable()
    assert world.changed == [("shop", "billing")]


async def test_one_that_never_could_be_read_is_looked_at_once(world):
    await world.begin()
    world.source.secrets[BILLING] = NotReadable()
    assert await world.get() == NotReadable()
    assert world.source.reads[BILLING] == 1


async def test_what_cannot_be_read_is_an_error_for_who_asks(world):
    await world.begin()
    world.source.down = Unavailable("away")
    with pytest.raises(Unavailable):
        await world.get()
    world.source.down = None
    assert await world.get() == NotFound()


async def test_what_cannot_be_read_again_stays_and_one_is_told_for_all(world):
    await world.begin()
    names = {f"secret-{number}" for number in range(20)}
    world.needed = {"shop": names}
    await world.cache.get("shop", names)
    world.source.down = Unavailable("away")
    await asyncio.sleep(46)
    assert len(world.observer.of("values_unread")) == 1
    assert len(world.cache._entries) == 20
    assert world.changed == []


async def test_few_are_read_at_once(world):
    await world.begin()
    world.source.seconds = 1.0
    await world.cache.get("shop", {f"secret-{number}" for number in range(50)})
    assert world.source.most_at_once == 8


async def test_who_gives_up_waiting_takes_nobody_along(world):
    await world.begin()
    world.source.seconds = 1.0
    first, second = asyncio.create_task(world.get()), asyncio.create_task(world.get())
    await asyncio.sleep(0.5)
    first.cancel()
    assert await second == NotFound()
    assert world.source.reads[BILLING] == 1


async def test_closing_ends_what_is_being_read(world):
    await world.begin()
    world.source.seconds = 3600
    reading = asyncio.create_task(world.get())
    await asyncio.sleep(0.1)
    await world.cache.close()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert world.cache._reads == {}
