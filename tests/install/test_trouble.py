"""What goes wrong in a cluster, done to the standing release: it comes back by itself, and nothing is lost."""

import base64
import json
import os
import secrets
import signal
from pathlib import Path

from cryptography.fernet import Fernet

from tests.acceptance.harness import eventually
from tests.install import seen
from tests.install.release import WITHIN, Release

KEYS = "hookgate-encryption-keys"


async def kill_gateway(release: Release) -> int:
    """SIGKILL; how often it will have been restarted then."""
    pod = await release.kubectl.get("pod", release.gateway)
    await release.node.signal(release.namespace, release.gateway, "gateway", signal.SIGKILL)
    return seen.restarts(pod) + 1


async def until_unready(release: Release) -> None:
    await release.kubectl.until(
        "pod", release.gateway, lambda found: not seen.is_ready(found), within=WITHIN
    )


async def test_a_kill_amid_deliveries_loses_nothing(standing, hookgate, kubectl):
    team = await hookgate.settled(kubectl)
    accepted = set()
    for number in range(60):
        accepted.add((await team.post())["event_id"])
        if number == 30:
            restarts = await kill_gateway(standing)
            await standing.until_ready(standing.gateway, restarts, within=WITHIN)
            await hookgate.gateway.answers(within=WITHIN)

    async def all_there() -> bool:
        return accepted <= {each.header("x-hookgate-event-id") for each in hookgate.receiver.log}

    await eventually(all_there, within=WITHIN, what="every event that was accepted arrives")


async def test_a_store_that_cannot_be_opened(standing, hookgate, kubectl):
    """The pod is not ready, and says why; once the store can be opened it comes back."""
    team = await hookgate.settled(kubectl)
    volume = await store(standing)
    volume.chmod(0o000)
    os.chown(volume, 0, 0)
    before = len(standing.log(standing.gateway))
    try:
        await kill_gateway(standing)
        await until_unready(standing)

        async def told() -> bool:
            return "hookgate.db" in standing.log(standing.gateway)[before:]

        await eventually(told, within=WITHIN, what="the log names the store")
    finally:
        os.chown(volume, 0, 65532)
        volume.chmod(0o2775)
    await comes_back(standing)
    await team.post()
    await team.arrivals(team.path("invoices"), within=WITHIN)


async def store(release: Release) -> Path:
    """The volume of the gateway, on this machine."""
    claim = await release.kubectl.get("pvc", f"store-{release.gateway}")
    return release.node.claims / str(claim["metadata"]["uid"])


async def comes_back(release: Release) -> None:
    await release.kubectl.until("pod", release.gateway, seen.is_ready, within=WITHIN)


async def test_another_encryption_key(standing, hookgate, kubectl):
    """The gateway does not start with a key that its store was not written with, and names no key."""
    team = await hookgate.settled(kubectl)
    right = await standing.secret("encryption-keys")
    wrong = Fernet.generate_key().decode()
    before = len(standing.log(standing.gateway))
    await put_keys(standing, base64.b64encode(wrong.encode()).decode())
    try:
        await kill_gateway(standing)
        await until_unready(standing)

        async def told() -> bool:
            return "key" in standing.log(standing.gateway)[before:].lower()

        await eventually(told, within=WITHIN, what="the log speaks of the key")
    finally:
        await put_keys(standing, right["data"]["keys"])
    written = standing.log(standing.gateway)[before:]
    assert wrong not in written
    await comes_back(standing)
    await team.post()
    await team.arrivals(team.path("invoices"), within=WITHIN)


async def put_keys(release: Release, encoded: str) -> None:
    """Another Secret in the place of the one that cannot be changed, mounted by now."""
    found = await release.secret("encryption-keys")
    kept = {name: found["metadata"][name] for name in ("name", "labels", "annotations")}
    made = {**found, "metadata": kept, "data": {"keys": encoded}}
    await release.kubectl.delete("secret", KEYS)
    await release.kubectl.must("create", "--filename=-", stdin=json.dumps(made))
    wanted = base64.b64decode(encoded)

    async def mounted() -> bool:
        return (
            release.node.mounted(release.namespace, release.gateway, "encryption-keys/keys")
            == wanted
        )

    await eventually(mounted, within=WITHIN, what="the kubelet has renewed the file")


async def test_a_control_token_that_was_deleted(standing, hookgate, kubectl):
    """The next upgrade makes another one, and both sides take it without a restart."""
    team = await hookgate.settled(kubectl)
    before = await standing.secret("control-token")
    uids = {pod["metadata"]["uid"] for pod in await standing.pods()}
    await standing.kubectl.delete("secret", "hookgate-control-token")
    standing.again()
    after = await standing.secret("control-token")
    assert after["data"] != before["data"]
    assert {pod["metadata"]["uid"] for pod in await standing.pods()} == uids

    name = f"later-{secrets.token_hex(2)}"
    await team.apply(team.subscription(name))
    await team.ready(name, within=WITHIN)
    await team.post()
    await team.arrivals(team.path(name), within=WITHIN)


async def test_a_leader_that_hangs(standing, hookgate, kubectl):
    """The other operator takes over; the one that hangs is restarted by its kubelet, and stands by."""
    team = await hookgate.settled(kubectl)
    leader = await leading(standing)
    pod = await standing.kubectl.get("pod", leader)
    await standing.node.signal(standing.namespace, leader, "operator", signal.SIGSTOP)

    async def another() -> bool:
        return await leading(standing) != leader

    await eventually(another, within=WITHIN, what="the other one leads")
    name = f"then-{secrets.token_hex(2)}"
    await team.apply(team.subscription(name))
    await team.ready(name, within=WITHIN)
    await standing.until_ready(leader, seen.restarts(pod) + 1, within=WITHIN)


async def leading(release: Release) -> str:
    """The pod that holds the Lease."""
    lease = await release.kubectl.get("lease", "hookgate-operator-default")
    return str(lease["spec"]["holderIdentity"]).partition("_")[0]
