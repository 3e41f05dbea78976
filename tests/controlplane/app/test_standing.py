"""How a process stands by its role, and what a standby says of the outside."""

import asyncio
import json

import aiohttp
import pytest
from prometheus_client import CollectorRegistry, Counter
from structlog.testing import capture_logs

from hookgate_operator.app.probes import serve_probes
from hookgate_operator.app.standing import OperatorStanding
from hookgate_operator.observe import OperatorObserver
from hookgate_operator.ports import GatewayAwaited, GatewayUnavailable, Unavailable
from hookgate_process.addresses import ListenAddress
from hookgate_process.listening import bind, bound_address


class Leading:
    """Whether this replica leads, as the test has it."""

    def __init__(self):
        self.leads = False
        self.lease_trouble = None

    async def run(self, work, asked_to_stop):
        raise AssertionError

    def trouble(self):
        return self.lease_trouble


class Outside:
    """Something outside; how often it was asked."""

    def __init__(self, error=None):
        self.error = error
        self.asked = 0

    async def reachable(self):
        self.asked += 1
        if self.error is not None:
            raise self.error


class Watching:
    def __init__(self):
        self.silent, self.troubles = (), ()

    def stale(self):
        return self.silent

    def unready(self):
        return self.troubles


@pytest.fixture(name="leading")
def _leading():
    return Leading()


@pytest.fixture(name="cluster")
def _cluster():
    return Outside()


@pytest.fixture(name="gateway")
def _gateway():
    return Outside()


@pytest.fixture(name="standing")
def _standing(leading, cluster, gateway):
    observer = OperatorObserver(CollectorRegistry())
    return OperatorStanding(leading, cluster=cluster, gateway=gateway, observer=observer)


async def looked(standing, seconds=0.5):
    """Let a standby look out for a while."""
    task = asyncio.create_task(standing.look_out())
    await asyncio.sleep(seconds)
    task.cancel()
    await asyncio.wait([task])


def wrong(standing):
    return {name: trouble for name, trouble in standing.readiness().items() if trouble}


@pytest.mark.looptime
class TestStandby:
    async def test_nothing_is_known_before_it_looked(self, standing):
        assert set(wrong(standing)) == {"cluster", "gateway"}
        assert standing.role == "standby"

    async def test_it_is_ready_when_it_could_take_over(self, standing):
        await looked(standing)
        assert wrong(standing) == {}

    async def test_it_says_what_is_in_the_way(self, standing, cluster, gateway, leading):
        cluster.error, gateway.error = Unavailable("no CRD"), GatewayUnavailable("no token")
        leading.lease_trouble = "no rule"
        await looked(standing)
        assert wrong(standing) == {"cluster": "no CRD", "gateway": "no token", "lease": "no rule"}

    async def test_each_change_is_told_once(self, standing, gateway):
        gateway.error = GatewayAwaited("it is not there yet")
        with capture_logs() as lines:
            await looked(standing, 60)
            gateway.error = GatewayUnavailable("it is away")
            await looked(standing, 120)
            gateway.error = None
            await looked(standing, 60)
        assert [(line["event"], line["log_level"], line.get("message")) for line in lines] == [
            ("outside_trouble", "info", "it is not there yet"),
            ("outside_trouble", "warning", "it is away"),
            ("outside_reachable", "info", None),
        ]

    async def test_it_looks_less_often_while_something_is_wrong(self, standing, cluster):
        cluster.error = Unavailable("away")
        await looked(standing, 120)
        assert 8 <= cluster.asked <= 12

    async def test_a_leader_looks_no_more(self, standing, leading, gateway):
        leading.leads = True
        await asyncio.wait_for(standing.look_out(), 1)
        assert gateway.asked == 0


class TestLeader:
    async def test_the_watches_and_the_feed_say_whether_it_is_ready(self, standing, leading):
        leading.leads, watches = True, Watching()
        assert set(wrong(standing)) == {"cluster", "gateway"}
        standing.watching(watches)
        standing.gateway_reachable(True)
        assert wrong(standing) == {}
        assert standing.role == "leader"
        watches.troubles = ("no rule", "no CRD")
        standing.gateway_reachable(False)
        assert wrong(standing) == {
            "cluster": "no rule; no CRD",
            "gateway": "the gateway does not answer; the log says why",
        }

    async def test_a_silent_watch_is_no_life(self, standing):
        watches = Watching()
        assert standing.stale() == ()
        standing.watching(watches)
        watches.silent = ("secrets/watch",)
        assert standing.stale() == ("secrets/watch",)

    async def test_a_stopping_process_is_not_ready(self, standing):
        await looked(standing)
        standing.stopping()
        assert standing.role == "stopping"
        assert wrong(standing) == {"process": "the operator is stopping"}


class TestProbes:
    @pytest.fixture(name="fetch")
    async def _fetch(self, standing):
        registry = CollectorRegistry()
        Counter("things", "Things.", registry=registry).inc()
        listener = bind(ListenAddress("127.0.0.1", 0), "X")
        base = f"http://{bound_address(listener)}"
        async with serve_probes(listener, standing, registry), aiohttp.ClientSession() as session:

            async def fetch(path):
                async with session.get(base + path) as answer:
                    return answer.status, await answer.text()

            yield fetch

    async def test_ready_shows_every_check(self, fetch, standing, leading):
        leading.leads = True
        standing.watching(Watching())
        standing.gateway_reachable(True)
        status, body = await fetch("/readyz")
        assert status == 200
        assert json.loads(body) == {
            "status": "ready",
            "role": "leader",
            "checks": {"cluster": "ok", "gateway": "ok", "lease": "ok"},
        }
        standing.stopping()
        status, body = await fetch("/readyz")
        assert status == 503
        assert json.loads(body)["checks"]["process"] == "the operator is stopping"

    async def test_alive_fails_with_a_silent_watch(self, fetch, standing):
        assert (await fetch("/healthz"))[0] == 200
        watches = Watching()
        watches.silent = ("secrets/watch",)
        standing.watching(watches)
        status, body = await fetch("/healthz")
        assert status == 503
        assert json.loads(body)["watches"] == ["secrets/watch"]

    async def test_metrics_are_there(self, fetch):
        status, body = await fetch("/metrics")
        assert status == 200
        assert "things_total 1.0" in body

    async def test_nothing_else_is(self, fetch):
        assert (await fetch("/"))[0] == 404
