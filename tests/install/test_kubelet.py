"""The node itself: what a kubelet promises to pods, shown with small pods."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import aiohttp
import pytest

from tests.acceptance.harness import eventually
from tests.cluster.installation import listed
from tests.cluster.kubectl import Kubectl
from tests.install.kubelet import Node
from tests.install.seen import is_ready, restarts
from tests.install.small_pods import claim, seeing_pod

ROOT = Path(__file__).resolve().parents[2]


async def until_ready(kubectl: Kubectl, name: str = "seeing", within: float = 15.0) -> dict:
    return await kubectl.until("pod", name, is_ready, within=within)


async def seen(pod: dict, path: str = "/", method: str = "GET"):
    url = f"http://{pod['status']['podIP']}:8000{path}"
    async with aiohttp.ClientSession() as session, session.request(method, url) as answer:
        return json.loads(await answer.read() or b'""')


async def volume(node: Node, kubectl: Kubectl) -> Path:
    """Of the claim `kept`; an earlier test's may be still there."""
    found = await kubectl.get("pvc", "kept")
    return node.claims / str(found["metadata"]["uid"])


@pytest.fixture(name="words")
def _words(node: Node, kubectl: Kubectl) -> dict:
    node.serve(kubectl.namespace)
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "words"},
        "stringData": {"word": "you"},
    }


async def test_a_container_is_what_its_specification_says(node, kubectl, words):
    await kubectl.apply(listed(words, claim(), seeing_pod()))
    pod = await until_ready(kubectl)
    assert pod["spec"]["nodeName"], "bound"
    told = await seen(pod)
    assert (told["user"], told["group"], told["groups"]) == (65532, 0, [65532])
    assert told["process"] == {"CapEff": "0" * 16, "CapBnd": "0" * 16, "NoNewPrivs": "1"}
    assert told["arguments"] == ["hello you", "$(GREETING)", "$(NOBODY)"]
    assert told["environment"]["POD"] == told["host"] == "seeing"
    assert told["environment"]["PYTHONSAFEPATH"] == "1", "the image's own"
    assert told["pid"] == 1
    assert told["files"]["/secret/word"] == {"mode": "0o440", "group": 65532, "text": "you"}
    assert told["files"]["/about/labels/team"]["text"] == "shop"
    assert told["writable"] == {
        "/": False,
        "/tmp": False,
        "/secret": False,
        "/empty": True,
        "/claim": True,
    }
    assert told["account"]["username"] == f"system:serviceaccount:{kubectl.namespace}:default"
    assert told["account"]["extra"]["authentication.kubernetes.io/pod-name"] == ["seeing"]
    assert told["resolved"] == told["environment"]["KUBERNETES_SERVICE_HOST"]
    assert not [
        name for name in os.environ if name.startswith("HOOKGATE") and name in told["environment"]
    ]

    words["stringData"]["word"] = "all"
    await kubectl.apply(listed(words))

    async def renewed() -> bool:
        return await seen(pod, "/secret") == "all"

    await eventually(renewed, within=3)


async def test_probes_restarts_and_the_end(node, kubectl, words):
    await kubectl.apply(listed(words, claim(), seeing_pod()))
    pod = await until_ready(kubectl)
    await seen(pod, "/unready", "POST")
    await kubectl.until("pod", "seeing", lambda found: not is_ready(found))
    kept = await volume(node, kubectl)
    (kept / "unready").unlink()
    await until_ready(kubectl)

    await node.signal(kubectl.namespace, "seeing", "eyes", signal.SIGKILL)
    killed = await kubectl.until(
        "pod", "seeing", lambda found: restarts(found) == 1 and is_ready(found)
    )
    (container,) = killed["status"]["containerStatuses"]
    assert container["lastState"]["terminated"]["exitCode"] == 137

    await node.signal(kubectl.namespace, "seeing", "eyes", signal.SIGSTOP)
    await kubectl.until(
        "pod", "seeing", lambda found: restarts(found) == 2 and is_ready(found), within=25
    )
    assert await seen(pod, "/runs") == "started\n" * 3, "one volume for all"

    runs = kept / "runs"
    await kubectl.delete("pod", "seeing")
    assert runs.read_text() == "started\n" * 3 + "left in order\n"
    await kubectl.delete("pvc", "kept")
    await eventually(lambda: asyncio.sleep(0, not runs.exists()), what="the volume is gone")


async def test_what_is_missing_is_waited_for(node, kubectl, words):
    await kubectl.apply(listed(claim(), seeing_pod(automountServiceAccountToken=False)))

    def waits(found: dict | None) -> bool:
        states = (found or {}).get("status", {}).get("containerStatuses", ())
        return any('secret "words" not found' in str(each["state"]) for each in states)

    await kubectl.until("pod", "seeing", waits)
    await kubectl.apply(listed(words))
    await until_ready(kubectl)


async def test_what_is_not_known_is_refused(node, kubectl, words):
    root = seeing_pod(securityContext={"runAsNonRoot": True, "runAsUser": 0, "fsGroup": 1})
    await kubectl.apply(listed(words, claim(), root))

    def refused(found: dict | None) -> bool:
        states = (found or {}).get("status", {}).get("containerStatuses", ())
        return any("breaks non-root policy" in str(each["state"]) for each in states)

    await kubectl.until("pod", "seeing", refused)


KILLED = """
import asyncio, os, signal
from tests.install.sandbox import Sandbox

async def main():
    sandbox = Sandbox()
    await sandbox.start()
    await sandbox.add_pod("one")
    assert f"hg{os.getpid()}-0" in os.listdir("/sys/class/net")
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


@pytest.mark.usefixtures("node")
def test_nothing_of_a_killed_run_stays():
    """The machine's end of the cable goes with the process that had it."""
    with subprocess.Popen([sys.executable, "-c", KILLED], cwd=ROOT) as killed:
        assert killed.wait() == -signal.SIGKILL
    cable = Path(f"/sys/class/net/hg{killed.pid}-0")
    deadline = time.monotonic() + 5
    while cable.exists():
        assert time.monotonic() < deadline, f"{cable} is still there"
        time.sleep(0.02)
