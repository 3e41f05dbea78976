"""The metrics: well formed to Prometheus' own tool, and equal to what receivers counted."""

import os
import resource
import shutil
import subprocess

import pytest

from tests.acceptance.harness import Gateway, arrivals, at, eventually, report
from tests.receivers import Receiver


def _promtool() -> str:
    """The tool, or a skip: without it a developer's run is worth less, a CI run is worth nothing."""
    found = shutil.which("promtool")
    if found is None:
        if os.environ.get("CI"):
            pytest.fail("promtool is missing: install Debian's package prometheus")
        pytest.skip("promtool is missing: install Debian's package prometheus")
    return found


def _check(tool: str, page: bytes) -> tuple[int, str]:
    done = subprocess.run([tool, "check", "metrics"], input=page, capture_output=True, check=False)
    return done.returncode, (done.stdout + done.stderr).decode().strip()


async def test_counters_equal_what_receivers_counted(idle: Gateway, receiver: Receiver) -> None:
    idle.manifests.subscription("good", receiver.url("ok200/good"))
    idle.manifests.subscription("second", receiver.url("fail-then-ok/second?times=2"))
    idle.manifests.subscription("never", receiver.url("ok200/never?status=500"), retry=(1,))
    await idle.start()
    count = 12
    bodies = [report() for _ in range(count)]
    for body in bodies:
        await idle.accepted(body)
    assert (await idle.report(bodies[0])).status == 200
    assert (await idle.report(b"[]")).status >= 400
    await arrivals(receiver, count, "/ok200/good")

    async def all_ended() -> bool:
        return await idle.total("hookgate_webhooks_delivered_total") == 3 * count

    await eventually(all_ended, within=60)
    for name, path in (
        ("good", "/ok200/good"),
        ("second", "/fail-then-ok/second"),
        ("never", "/ok200/never"),
    ):
        arrived = len(at(receiver, path))
        attempts = await idle.total("hookgate_delivery_attempts_total", subscription=name)
        assert attempts == arrived, name
    total = idle.total
    received = "hookgate_webhooks_received_total"
    assert await total(received, result="accepted") == count
    assert await total(received, result="duplicate") == 1
    assert await total(received, result="rejected") == 1
    ended = "hookgate_webhooks_delivered_total"
    assert await total(ended, subscription="good", result="delivered") == count
    assert await total(ended, subscription="second", result="delivered") == count
    assert await total(ended, subscription="never", result="exhausted") == count
    assert await total("hookgate_delivery_latency_seconds_count") == 2 * count
    assert await total("hookgate_inflight_attempts") == 0
    assert await total("hookgate_build_info") == 1
    assert await total("process_resident_memory_bytes") > 10_000_000


async def test_promtool_finds_nothing_to_complain_about(
    hooked: Gateway, receiver: Receiver
) -> None:
    tool = _promtool()
    await hooked.accepted(report())
    await arrivals(receiver, 1)
    page = await hooked.fetch("GET", hooked.metrics_url())
    code, told = _check(tool, page.body)
    assert (code, told) == (0, "")


async def test_pending_and_hold_are_shown_and_go_away(hooked: Gateway, receiver: Receiver) -> None:
    url = receiver.url("switch/hook")
    hooked.manifests.subscription("hook", url, suspend=True)
    await hooked.held("hook", "Suspended")
    for _ in range(3):
        await hooked.accepted(report())

    async def shown(pending: float, hold: float) -> bool:
        found = await hooked.total("hookgate_deliveries_pending", subscription="hook")
        holds = await hooked.total("hookgate_subscription_hold", reason="Suspended")
        return (found, holds) == (pending, hold)

    await eventually(lambda: shown(3, 1), within=70, what="3 pending, held")
    hooked.manifests.subscription("hook", url)
    await eventually(lambda: shown(0, 0), within=70, what="none pending, not held")
    hooked.manifests.remove("sub-hook")


async def test_how_full_the_store_is(idle: Gateway) -> None:
    await idle.start()

    async def measured() -> bool:
        return await idle.total("hookgate_store_size_bytes") > 0

    await eventually(measured, within=45)
    page = await idle.fetch("GET", idle.metrics_url())
    assert b"\nhookgate_store_reusable_bytes " in page.body
    available = await idle.total("hookgate_store_available_bytes")
    left = shutil.disk_usage(idle.home).free
    assert abs(available - left) < 0.2 * left


async def test_health_and_readiness(idle: Gateway) -> None:
    await idle.start()
    for path in ("/healthz", "/readyz"):
        assert (await idle.fetch("GET", idle.metrics_url(path))).status == 200
    assert await readiness(idle) == {"stopping": 1, "store": 1, "manifests": 1}
    assert (await idle.call("GET", "/api/v1/heartbeat", key=None)).status == 200
    assert (await idle.call("GET", "/v1/version", key=None)).status == 200


async def test_a_gateway_that_cannot_write_says_so_to_prometheus(idle: Gateway) -> None:
    """It is not ready, so no request reaches it that could be refused and counted: the gauge has to tell it."""
    await idle.start()
    [writer, *_] = idle.writer_pids()
    resource.prlimit(writer, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    assert await readiness(idle) == {"stopping": 1, "store": 0, "manifests": 1}
    assert (await idle.fetch("GET", idle.metrics_url("/readyz"))).status == 503
    assert (await idle.fetch("GET", idle.metrics_url("/healthz"))).status == 200
    unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    resource.prlimit(writer, resource.RLIMIT_FSIZE, unlimited)
    assert await readiness(idle) == {"stopping": 1, "store": 1, "manifests": 1}


async def readiness(gateway: Gateway) -> dict[str, float]:
    """The gauge, by check."""
    return {
        dict(labels)["check"]: value
        for (name, labels), value in (await gateway.samples()).items()
        if name == "hookgate_ready"
    }
