"""Looking at everything once more, in virtual time."""

import asyncio

import pytest

from hookgate_operator.declarations import Handed, Ledger, Place, key_of
from hookgate_operator.keys.plan import declared
from hookgate_operator.ports import (
    Forbidden,
    GatewayAwaited,
    Held,
    HeldKind,
    Kind,
    Standing,
    Unavailable,
)
from hookgate_operator.work.drift import HeldDrift
from hookgate_operator.work.resync import Resync
from tests.controlplane.worlds import MemoryCluster, Recorder, key, spec

pytestmark = pytest.mark.looptime


class Watches:
    """Missed what they are told to have."""

    def __init__(self, *missed):
        self.missed_keys = missed

    async def missed(self, kind, listed):
        return [which for which in self.missed_keys if which.kind is kind]


class Compared:
    def __init__(self, *differing):
        self.answer = differing
        self.seen = []

    async def differing(self, listed):
        self.seen.append((asyncio.get_running_loop().time(), set(listed)))
        if self.answer and isinstance(self.answer[0], Exception):
            raise self.answer[0]
        return self.answer


def names(queue):
    return [which.name for (which,) in queue.of("add")]


def resync(cluster=None, watches=None, *comparisons, queue=None, observer=None, **settings):
    return Resync(
        cluster or MemoryCluster(),
        watches or Watches(),
        comparisons,
        queue=queue or Recorder(),
        observer=observer or Recorder(),
        **settings,
    )


async def test_what_watches_missed_and_what_differs_is_woken_once():
    queue, seen = Recorder(), Recorder()
    looked = resync(
        None,
        Watches(key("a"), key("b")),
        Compared(key("b")),
        Compared(key("c")),
        queue=queue,
        observer=seen,
    )
    assert await looked.once()
    assert names(queue) == ["a", "b", "c"]
    assert seen.of("event") == [("resync_found_differences", {"objects": 3})]


async def test_nothing_new_wakes_nobody_and_says_nothing():
    queue, seen, cluster = Recorder(), Recorder(), MemoryCluster()
    assert await resync(cluster, None, Compared(), queue=queue, observer=seen).once()
    assert names(queue) == []
    assert seen.told == []
    assert cluster.asked == {"every": len(Kind)}


async def test_what_cannot_be_read_does_not_keep_the_rest_from_being_compared():
    class Partial(MemoryCluster):
        async def every(self, kind):
            if kind is Kind.REPLAY:
                raise Forbidden("may not list webhookreplays")
            return await super().every(kind)

    queue, seen = Recorder(), Recorder()
    compared = Compared(key("a"))
    looked = resync(
        Partial(),
        None,
        Compared(Unavailable("no answer")),
        compared,
        queue=queue,
        observer=seen,
    )
    assert not await looked.once()
    assert not await looked.once()
    assert names(queue) == ["a", "a"]
    assert compared.seen[0][1] == {Kind.SUBSCRIPTION, Kind.KEY_SECRET}
    reasons = ["WebhookReplay: may not list webhookreplays", "no answer"]
    assert seen.of("warning") == [("resync_incomplete", {"reasons": reasons})]


@pytest.mark.parametrize(
    ("troubles", "level"),
    [
        ([GatewayAwaited("not yet")], "event"),
        ([GatewayAwaited("not yet"), GatewayAwaited("not yet")], "event"),
        ([GatewayAwaited("not yet"), Unavailable("no answer")], "warning"),
    ],
)
async def test_only_a_gateway_that_may_be_starting_is_nothing_to_warn_of(troubles, level):
    seen = Recorder()
    looked = resync(None, None, *(Compared(each) for each in troubles), observer=seen)
    assert not await looked.once()
    told = [name for name, *_ in seen.of(level)]
    assert told == ["resync_incomplete"]
    assert len(seen.told) == 1


async def test_its_times():
    compared = Compared()
    looked = resync(None, None, compared, every=300)
    task = asyncio.create_task(looked.run())
    await asyncio.sleep(400)
    looked.ask()
    await asyncio.sleep(400)
    compared.answer = (Unavailable("no answer"),)
    looked.ask()
    await asyncio.sleep(10)
    compared.answer = ()
    await asyncio.sleep(400)
    task.cancel()
    assert [round(at) for at, _ in compared.seen] == [
        0,
        300,
        400,
        700,
        800,
        801,
        803,
        807,
        815,
        1115,
    ]


async def test_asked_while_it_looks_it_looks_once_more():
    began = []

    class Slow:
        async def differing(self, listed):
            began.append(asyncio.get_running_loop().time())
            await asyncio.sleep(10)
            return ()

    looked = resync(None, None, Slow())
    task = asyncio.create_task(looked.run())
    await asyncio.sleep(5)
    looked.ask()
    looked.ask()
    await asyncio.sleep(100)
    task.cancel()
    assert began == [0, 10]


async def test_that_it_works_again_is_told():
    seen, compared = Recorder(), Compared(Unavailable("no answer"))
    looked = resync(None, None, compared, observer=seen)
    await looked.once()
    compared.answer = ()
    await looked.once()
    await looked.once()
    assert [name for name, *_ in seen.of("event")] == ["resync_recovered"]


# ------------------------------------------------------------------------------------- drift


class Holds:
    """A gateway's list; ``meanwhile`` happens while it is read."""

    def __init__(self, held, meanwhile=lambda: None):
        self._held = held
        self._meanwhile = meanwhile

    async def held(self):
        self._meanwhile()
        return self._held


def place(name, kind=HeldKind.SUBSCRIPTION):
    return Place(kind, "shop", name)


def record(ledger, where, fingerprint="f", *, version="1", uid="uid-1"):
    ledger.record(
        where,
        Handed(
            key=key_of(where),
            uid=uid,
            version=version,
            fingerprint=fingerprint,
            standing=Standing(fingerprint=fingerprint, resolved=True),
        ),
    )


def held(name, fingerprint="f", kind=HeldKind.SUBSCRIPTION):
    return Held(kind, "shop", name, "operator/default", fingerprint)


async def differing(ledger, gateway, cluster=None):
    listed = {}
    if cluster is not None:
        listed = {kind: await cluster.every(kind) for kind in Kind}
    drift = HeldDrift(gateway, ledger, declared=declared)
    return {which.name for which in await drift.differing(listed)}


async def test_what_all_three_say_alike_wakes_nobody():
    ledger, cluster = Ledger(), MemoryCluster()
    cluster.apply("a", spec=spec())
    record(ledger, place("a"))
    assert await differing(ledger, Holds([held("a")]), cluster) == set()
    assert ledger.is_informed


@pytest.mark.parametrize(
    ("at_the_gateway", "is_kept"), [([], False), ([held("a", "other")], True)]
)  # fmt: skip
async def test_what_the_gateway_lost_or_has_differently_is_put_again(at_the_gateway, is_kept):
    ledger = Ledger()
    record(ledger, place("a"))
    assert await differing(ledger, Holds(at_the_gateway)) == {"a"}
    handed = ledger.get(place("a"))
    assert handed is None or not handed.is_current
    assert (handed is not None) == is_kept


async def test_what_was_put_or_removed_while_the_gateway_was_asked_is_no_drift():
    ledger = Ledger()
    record(ledger, place("put"), "old")
    record(ledger, place("gone"))

    def meanwhile():
        record(ledger, place("put"), "new")
        ledger.forget(place("gone"))

    assert await differing(ledger, Holds([held("put", "old")], meanwhile)) == set()
    assert ledger.get(place("put")).is_current


async def test_strays_are_looked_at_by_their_objects():
    ledger = Ledger()
    gateway = Holds([held("a"), held("k", kind=HeldKind.API_KEY), held("s", kind=HeldKind.SOURCE)])
    assert await differing(ledger, gateway) == {"a", "k", "source/s"}
    assert ledger.holds(place("s", HeldKind.SOURCE))


async def test_a_stray_source_is_looked_at_by_the_secret_that_declares_it():
    """A look by its name lists every key Secret: after a restart all sources are strays."""
    ledger, cluster = Ledger(), MemoryCluster()
    which = cluster.apply_key(
        "secret", {"hookgate.dev/source": "s", "hookgate.dev/api-key": "true"}, {}
    )
    ledger.record(
        place("secret", HeldKind.API_KEY),
        Handed(
            key=which,
            uid=cluster.objects[which]["metadata"]["uid"],
            version=cluster.objects[which]["metadata"]["resourceVersion"],
            fingerprint="f",
            standing=Standing(fingerprint="f", resolved=True),
        ),
    )
    kinds = {"secret": HeldKind.API_KEY, "s": HeldKind.SOURCE, "nobodys": HeldKind.SOURCE}
    gateway = Holds([held(name, kind=kind) for name, kind in kinds.items()])
    assert await differing(ledger, gateway, cluster) == {"secret", "source/nobodys"}


async def test_what_was_deleted_changed_or_made_unheard():
    ledger, cluster = Ledger(), MemoryCluster()
    for name in ("same", "edited", "new"):
        cluster.apply(name, spec=spec())
    cluster.apply("foreign", spec=spec(gatewayClass="other"))
    uid = cluster.objects[key("same")]["metadata"]["uid"]
    record(ledger, place("same"), uid=uid)
    record(ledger, place("edited"), version="0")
    record(ledger, place("deleted"))
    cluster.apply_key("secret", {"hookgate.dev/api-key": "true"}, {})
    gateway = Holds([held(name) for name in ("same", "edited", "deleted")])
    assert await differing(ledger, gateway, cluster) == {"edited", "new", "deleted", "secret"}


async def test_what_could_not_be_listed_counts_as_unknown():
    ledger = Ledger()
    record(ledger, place("a"))
    assert await differing(ledger, Holds([held("a")])) == set()
