"""WebhookReplays against a real gateway; the cluster is the port's, in memory."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from hookgate_operator.gateway_client.client import GatewayClient
from hookgate_operator.ports import GatewayUnavailable, Key, Kind, ReplayProgress, Unavailable
from hookgate_operator.replays.drift import ReplayDrift
from hookgate_operator.replays.ledger import ReplayLedger
from hookgate_operator.replays.reconcile import ReplayReconciler
from tests.acceptance.harness import free_port
from tests.controlplane.gateway_client.world import Watcher, client_of
from tests.controlplane.worlds import MemoryCluster, Recorder, StillClock
from tests.gateway.api.control.test_replays import exhausted
from tests.gateway.api.control.world import Control, open_control_world, subscription

pytestmark = pytest.mark.asyncio(loop_scope="module")

LONG = 30
UNHURRIED = {"ratePerSecond": 2}
"""Three take a second: what is begun still runs when it is looked at next."""
FAILED = {"subscription": "invoices", "state": "exhausted"}


@dataclass
class Stage:
    """An operator's part in replays, its cluster and its gateway; ``restart`` forgets what it remembers."""

    control: Control
    client: GatewayClient
    cluster: MemoryCluster
    clock: StillClock
    namespace: str
    watcher: Watcher
    reconciler: ReplayReconciler
    drift: ReplayDrift

    def restart(self, client: GatewayClient | None = None) -> None:
        ledger = ReplayLedger()
        gateway = client or self.client
        self.reconciler = ReplayReconciler(
            self.cluster,
            gateway,
            ledger=ledger,
            observer=Recorder(),
            clock=self.clock,
        )
        self.drift = ReplayDrift(gateway, ledger)

    def apply(self, **spec: Any) -> Key:
        return self.cluster.apply(
            "again",
            namespace=self.namespace,
            kind=Kind.REPLAY,
            spec={"filter": FAILED, **spec},
        )

    async def look(self, key: Key) -> float | None:
        return await self.reconciler.reconcile(key)

    async def resync(self) -> set[Key]:
        """As the resync does: compare, and reconcile what differs."""
        differing = set(
            await self.drift.differing({Kind.REPLAY: await self.cluster.every(Kind.REPLAY)})
        )
        for key in differing:
            await self.look(key)
        return differing

    def id_of(self, key: Key) -> str:
        return f"{key.name}.{self.cluster.objects[key]['metadata']['uid']}"

    async def at_the_gateway(self, id_: str) -> ReplayProgress | None:
        return await self.client.replay(self.namespace, id_)

    async def until(self, id_: str, question: Callable[[ReplayProgress], bool]) -> ReplayProgress:
        """The gateway's replay, as soon as that is so of it."""

        async def answer() -> ReplayProgress | None:
            found = await self.at_the_gateway(id_)
            return found if found is not None and question(found) else None

        return await self.control.world.eventually(answer)

    def said(self, key: Key) -> dict[str, str]:
        """The reasons of an object's conditions."""
        return {c["type"]: c["reason"] for c in self.cluster.status(key)["conditions"]}

    def figures(self, key: Key) -> tuple[int, int, int]:
        status = self.cluster.status(key)
        return status["matched"], status["delivered"], status["remaining"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def control(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Control]:
    async with open_control_world(tmp_path_factory.mktemp("store")) as made:
        yield made


@asynccontextmanager
async def staged(control: Control, folder: Path) -> AsyncIterator[Stage]:
    namespace, watcher = control.namespace(), Watcher()
    owner = f"operator/{namespace}"
    async with client_of(control, folder, owner=owner, observer=watcher) as client:
        cluster, clock = MemoryCluster(), StillClock()
        nobody: Any = None
        stage = Stage(control, client, cluster, clock, namespace, watcher, nobody, nobody)
        stage.restart()
        yield stage


@pytest_asyncio.fixture(loop_scope="module")
async def stage(control: Control, tmp_path: Path) -> AsyncIterator[Stage]:
    """Three deliveries failed, and their receiver is well again."""
    async with staged(control, tmp_path) as it:
        await exhausted(control, it.namespace)
        yield it


@pytest_asyncio.fixture(loop_scope="module")
async def long_stage(control: Control, tmp_path: Path) -> AsyncIterator[Stage]:
    """The same with thirty: one a second are long enough to be seen between the first and the last."""
    async with staged(control, tmp_path) as it:
        await exhausted(control, it.namespace, LONG)
        yield it


async def test_from_its_creation_to_its_end(stage: Stage) -> None:
    key = stage.apply(**UNHURRIED)
    assert await stage.look(key) == 2.0
    assert stage.said(key) == {"Complete": "Running"}
    started = stage.cluster.status(key)["startTime"]
    await stage.until(stage.id_of(key), lambda it: it.state == "completed")
    stage.clock.seconds += 7
    assert await stage.look(key) is None
    assert stage.said(key) == {"Complete": "Completed"}
    assert stage.figures(key) == (3, 3, 0)
    status = stage.cluster.status(key)
    assert status["startTime"] == started < status["completionTime"]
    reasons = [reason for _, _, reason in stage.cluster.announced]
    assert reasons == ["Running", "Completed"]


async def test_what_is_over_is_not_asked_about(stage: Stage) -> None:
    key = stage.apply(dryRun=True)
    assert await stage.look(key) is None
    requests, writes = stage.watcher.codes.total(), stage.cluster.asked["write_status"]
    for _ in range(3):
        stage.restart()
        assert await stage.look(key) is None
    assert stage.watcher.codes.total() == requests
    assert stage.cluster.asked["write_status"] == writes
    stage.apply(dryRun=True, ttlSecondsAfterFinished=60)
    assert await stage.look(key) == 60
    assert stage.cluster.status(key)["observedGeneration"] == 2


async def test_a_dry_run_counts_and_sends_nothing(stage: Stage) -> None:
    key = stage.apply(dryRun=True, suspend=True)
    assert await stage.look(key) is None
    assert stage.said(key) == {"Complete": "Counted"}
    assert stage.cluster.status(key)["matched"] == 3
    assert await stage.at_the_gateway(stage.id_of(key)) is None


async def test_suspended_from_the_start_and_resumed(stage: Stage) -> None:
    key = stage.apply(suspend=True, **UNHURRIED)
    assert await stage.look(key) == 30.0
    assert stage.said(key) == {"Complete": "Suspended", "Suspended": "Suspended"}
    assert stage.figures(key) == (3, 0, 3)
    stage.apply(**UNHURRIED)
    assert await stage.look(key) == 2.0
    assert stage.said(key) == {"Complete": "Running", "Suspended": "Resumed"}
    await stage.until(stage.id_of(key), lambda it: it.state == "completed")
    await stage.look(key)
    assert stage.said(key) == {"Complete": "Completed", "Suspended": "Resumed"}


async def test_suspended_while_it_runs(long_stage: Stage) -> None:
    key = long_stage.apply(ratePerSecond=1)
    await long_stage.look(key)
    await long_stage.until(long_stage.id_of(key), lambda it: it.delivered >= 1)
    long_stage.apply(ratePerSecond=1, suspend=True)
    assert await long_stage.look(key) == 30.0
    assert long_stage.said(key)["Complete"] == "Suspended"
    found = await long_stage.at_the_gateway(long_stage.id_of(key))
    assert found is not None
    assert (found.state, found.matched) == ("paused", LONG)


async def test_figures_are_written_every_five_seconds(long_stage: Stage) -> None:
    key = long_stage.apply(ratePerSecond=1)
    await long_stage.look(key)
    writes = long_stage.cluster.asked["write_status"]
    told = long_stage.cluster.status(key)["delivered"]
    await long_stage.until(long_stage.id_of(key), lambda it: it.delivered > told)
    long_stage.clock.seconds += 2
    await long_stage.look(key)
    assert long_stage.cluster.asked["write_status"] == writes
    long_stage.clock.seconds += 3
    await long_stage.look(key)
    assert long_stage.cluster.asked["write_status"] == writes + 1


class TestDeleted:
    async def test_it_is_cancelled_with_its_object(self, stage: Stage) -> None:
        key = stage.apply(suspend=True)
        await stage.look(key)
        id_ = stage.id_of(key)
        del stage.cluster.objects[key]
        assert await stage.look(key) is None
        await stage.until(id_, lambda it: it.state == "cancelled")
        requests = stage.watcher.codes.total()
        assert await stage.look(key) is None
        assert stage.watcher.codes.total() == requests

    async def test_also_when_the_operator_was_away(self, stage: Stage) -> None:
        key = stage.apply(suspend=True)
        await stage.look(key)
        id_ = stage.id_of(key)
        del stage.cluster.objects[key]
        stage.restart()
        assert await stage.resync() == {key}
        await stage.until(id_, lambda it: it.state == "cancelled")
        assert await stage.resync() == set()

    async def test_one_of_the_same_name_is_another_replay(self, stage: Stage) -> None:
        key = stage.apply(suspend=True)
        await stage.look(key)
        first = stage.id_of(key)
        del stage.cluster.objects[key]
        stage.apply(suspend=True)
        stage.restart()
        await stage.resync()
        await stage.look(key)
        await stage.until(first, lambda it: it.state == "cancelled")
        found = await stage.at_the_gateway(stage.id_of(key))
        assert found is not None
        assert found.state == "paused"

    async def test_a_finalizer_does_not_keep_it_going(self, stage: Stage) -> None:
        key = stage.apply(suspend=True)
        await stage.look(key)
        stage.cluster.objects[key]["metadata"]["deletionTimestamp"] = "2026-03-01T10:00:00Z"
        status = dict(stage.cluster.status(key))
        assert await stage.look(key) is None
        await stage.until(stage.id_of(key), lambda it: it.state == "cancelled")
        assert stage.cluster.status(key) == status

    async def test_when_the_gateway_is_away_it_is_tried_again(
        self, stage: Stage, tmp_path: Path
    ) -> None:
        key = stage.apply(suspend=True)
        await stage.look(key)
        id_ = stage.id_of(key)
        del stage.cluster.objects[key]
        async with nowhere(tmp_path) as away:
            stage.restart(away)
            with pytest.raises(GatewayUnavailable):
                await stage.resync()
        stage.restart()
        await stage.resync()
        await stage.until(id_, lambda it: it.state == "cancelled")

    async def test_a_finished_one_goes_when_its_time_has_come(self, stage: Stage) -> None:
        key = stage.apply(dryRun=True, ttlSecondsAfterFinished=30)
        assert await stage.look(key) == 30
        stage.clock.seconds += 12
        assert await stage.look(key) == 18
        stage.clock.seconds += 18
        assert await stage.look(key) is None
        assert key not in stage.cluster.objects


class TestFailed:
    @pytest.mark.parametrize(
        ("spec", "message"),
        [
            ({"toSubscription": "nobody"}, "to_subscription: there is no such subscription"),
            ({"filter": {"subscription": "no"}}, "filter.subscription: there is no such"),
            ({"filter": {"subscription": "no"}, "dryRun": True}, "there is no such subscription"),
        ],
    )
    async def test_an_unknown_subscription(self, stage: Stage, spec: Any, message: str) -> None:
        key = stage.apply(**spec)
        assert await stage.look(key) is None
        assert stage.said(key) == {"Complete": "GatewayRefused", "Failed": "GatewayRefused"}
        assert message in stage.cluster.status(key)["conditions"][0]["message"]
        assert "startTime" not in stage.cluster.status(key)
        assert stage.cluster.announced == [("again", "Warning", "GatewayRefused")]

    async def test_one_that_was_applied_together_is_waited_for(self, stage: Stage) -> None:
        key = stage.apply(toSubscription="archive", **UNHURRIED)
        created = "2026-03-01T10:13:00Z"
        stage.cluster.objects[key]["metadata"]["creationTimestamp"] = created
        archive = stage.cluster.apply("archive", namespace=stage.namespace, spec={})
        assert archive.kind is Kind.SUBSCRIPTION
        assert await stage.look(key) == 1.0
        assert stage.said(key) == {"Complete": "SubscriptionNotReady"}
        url = stage.control.world.receiver.url("ok200")
        body = subscription(stage.namespace, "archive", url)
        await stage.control.put(f"{stage.namespace}/subscriptions/archive", body)
        assert await stage.look(key) == 2.0
        assert stage.said(key) == {"Complete": "Running"}

    async def test_but_not_for_ever(self, stage: Stage) -> None:
        key = stage.apply(toSubscription="archive")
        stage.cluster.objects[key]["metadata"]["creationTimestamp"] = "2026-03-01T10:00:00Z"
        stage.cluster.apply("archive", namespace=stage.namespace, spec={})
        assert await stage.look(key) is None
        assert stage.said(key)["Failed"] == "GatewayRefused"

    async def test_a_spec_that_cannot_be_read_stops_what_was_begun(self, stage: Stage) -> None:
        key = stage.apply(suspend=True)
        await stage.look(key)
        stage.apply(suspend=True, hurry=True)
        stage.restart()
        assert await stage.look(key) is None
        assert stage.said(key)["Failed"] == "InvalidSpec"
        await stage.until(stage.id_of(key), lambda it: it.state == "cancelled")

    async def test_a_spec_that_never_could_be_read(self, stage: Stage) -> None:
        key = stage.apply(filter={})
        requests = stage.watcher.codes.total()
        assert await stage.look(key) is None
        assert stage.said(key)["Failed"] == "InvalidSpec"
        assert stage.watcher.codes.total() == requests

    async def test_cancelled_through_the_gateways_own_api(self, stage: Stage) -> None:
        key = stage.apply(suspend=True)
        await stage.look(key)
        await stage.client.cancel_replay(stage.namespace, stage.id_of(key))
        await stage.until(stage.id_of(key), lambda it: it.state == "cancelled")
        stage.apply()
        assert await stage.look(key) is None
        assert stage.said(key)["Failed"] == "Cancelled"
        assert stage.figures(key) == (3, 0, 0)
        assert stage.cluster.status(key)["skipped"] == 3

    async def test_another_wish_under_its_uid(self, stage: Stage) -> None:
        """A CRD without its rules lets a spec be edited."""
        key = stage.apply(suspend=True)
        await stage.look(key)
        stage.apply(ratePerSecond=7)
        assert await stage.look(key) is None
        assert stage.said(key)["Failed"] == "GatewayRefused"
        await stage.until(stage.id_of(key), lambda it: it.state == "cancelled")

    async def test_what_the_gateway_has_lost_is_not_begun_again(
        self, stage: Stage, tmp_path: Path
    ) -> None:
        key = stage.apply(suspend=True)
        await stage.look(key)
        home = tmp_path / "new-store"
        home.mkdir()
        async with open_control_world(home) as emptied, client_of(emptied, home) as client:
            stage.restart(client)
            assert await stage.resync() == {key}
            assert stage.said(key)["Failed"] == "Lost"
            assert stage.figures(key) == (3, 0, 3)
            assert await client.replay(stage.namespace, stage.id_of(key)) is None


class TestAway:
    async def test_one_that_was_never_handed_over_says_so_once(
        self, stage: Stage, tmp_path: Path
    ) -> None:
        key = stage.apply(**UNHURRIED)
        async with nowhere(tmp_path) as away:
            stage.restart(away)
            for _ in range(3):
                with pytest.raises(GatewayUnavailable):
                    await stage.look(key)
        assert stage.said(key) == {"Complete": "GatewayUnreachable"}
        assert stage.cluster.asked["write_status"] == 1
        assert stage.cluster.announced == [("again", "Warning", "GatewayUnreachable")]
        stage.restart()
        await stage.look(key)
        assert stage.said(key) == {"Complete": "Running"}

    async def test_one_that_runs_keeps_its_status(self, stage: Stage, tmp_path: Path) -> None:
        key = stage.apply(**UNHURRIED)
        await stage.look(key)
        before = stage.cluster.status(key)
        async with nowhere(tmp_path) as away:
            stage.restart(away)
            with pytest.raises(GatewayUnavailable):
                await stage.look(key)
        assert stage.cluster.status(key) == before

    async def test_begun_once_although_nobody_wrote_it_down(self, stage: Stage) -> None:
        key = stage.apply()
        stage.cluster.down = Unavailable("it is restarted")
        real = stage.cluster.find
        found = stage.cluster.objects[key]

        async def find(which: Key) -> Any:
            stage.cluster.down = None
            observed = await real(which)
            stage.cluster.down = Unavailable("it is restarted")
            return observed

        stage.cluster.find = find
        with pytest.raises(Unavailable):
            await stage.look(key)
        stage.cluster.find, stage.cluster.down = real, None
        assert "status" not in found
        await stage.until(stage.id_of(key), lambda it: it.state == "completed")
        stage.restart()
        assert await stage.look(key) is None
        assert stage.said(key) == {"Complete": "Completed"}
        assert stage.figures(key) == (3, 3, 0)


class TestOfOthers:
    async def test_another_class_is_not_touched(self, stage: Stage) -> None:
        key = stage.apply(gatewayClass="blue")
        requests = stage.watcher.codes.total()
        assert await stage.look(key) is None
        assert stage.cluster.asked["write_status"] == 0
        assert stage.watcher.codes.total() == requests

    async def test_another_operators_waits(
        self, stage: Stage, control: Control, tmp_path: Path
    ) -> None:
        key = stage.apply(suspend=True)
        await stage.look(key)
        stage.cluster.objects[key].pop("status")
        async with client_of(control, tmp_path, owner="operator/blue") as other:
            stage.restart(other)
            assert await stage.look(key) == 60.0
            assert stage.said(key) == {"Complete": "OwnedByAnother"}
            del stage.cluster.objects[key]
            assert await stage.look(key) is None

    async def test_somebody_elses_orphan_is_left_alone(
        self, stage: Stage, control: Control, tmp_path: Path
    ) -> None:
        key = stage.apply(suspend=True)
        await stage.look(key)
        id_ = stage.id_of(key)
        del stage.cluster.objects[key]
        async with client_of(control, tmp_path, owner="operator/blue") as other:
            stage.restart(other)
            assert await stage.resync() == set()
        found = await stage.at_the_gateway(id_)
        assert found is not None
        assert found.state == "paused"


async def test_made_anew_before_its_status_was_written(stage: Stage) -> None:
    key = stage.apply(suspend=True)
    real = stage.cluster.find

    async def find(which: Key) -> Any:
        observed = await real(which)
        stage.cluster.objects[key]["metadata"]["uid"] = "another"
        return observed

    stage.cluster.find = find
    assert await stage.look(key) == 1.0
    stage.cluster.find = real
    assert "status" not in stage.cluster.objects[key]
    await stage.look(key)
    assert await stage.client.replays() == [(stage.namespace, "again.another")]


@asynccontextmanager
async def nowhere(folder: Path) -> AsyncIterator[GatewayClient]:
    """A client whose gateway is not there."""
    async with client_of(f"http://127.0.0.1:{free_port()}", folder) as client:
        yield client
