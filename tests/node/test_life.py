"""
The life of a release on a whole node: what a kubelet, containerd and the kernel make of the chart and the image.

The tests are the stages of one life, in order.
"""

import asyncio
import base64
import contextlib
import json
import secrets
import ssl
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from tests.acceptance.harness import eventually
from tests.cluster.installation import Team, signs
from tests.install import seen
from tests.install.helm import Helm
from tests.install.release import Release, in_cluster, used
from tests.node.cluster import Cluster
from tests.node.inside import MEBIBYTE, Inside

KEY, SIGNING = "key-of-the-shop-0123456789abcdef", "secret-of-the-shop-0123456789abcdef"
WITHIN = 60.0  # seconds; a busy machine starts a pod in ten
SECRET_WITHIN = 180.0  # a kubelet looks every minute or so
PORT = 18080  # of the receiver, over all stages
USER = "65532"


@dataclass
class Life:
    """What the stages know of each other."""

    release: Release
    cluster: Cluster
    event: str = ""
    volume: str = ""
    deliveries: set[str] = field(default_factory=set)

    async def upgrade(self, **values: Any) -> float:
        """Install or upgrade with Helm, which waits; the seconds that took."""
        began = time.monotonic()
        await asyncio.to_thread(self.release.upgrade, values)
        return time.monotonic() - began

    async def containers(self) -> list[Inside]:
        """The gateway's and the operator's."""
        (operator,) = await self.release.operators()
        kubectl = self.release.kubectl
        return [
            Inside(kubectl, self.release.gateway, "gateway"),
            Inside(kubectl, operator, "operator"),
        ]


@pytest.fixture(name="life", scope="module")
def _life(cluster: Cluster) -> Life:
    plane = cluster.plane
    for name in ("hookgate", "shop"):
        # What is not allowed by the strictest of Kubernetes' levels is not let in.
        labels = {"pod-security.kubernetes.io/enforce": "restricted"}
        metadata = {"name": name, "labels": labels}
        plane.admin.must("POST", "/api/v1/namespaces", {"metadata": metadata})
    helm = Helm("Helm 4", plane.kubeconfig, "hookgate")
    return Life(Release(cluster, helm, plane.kubectl("hookgate")), cluster)  # type: ignore[arg-type]


@pytest_asyncio.fixture(name="shop")
async def _shop(life: Life) -> AsyncIterator[Team]:
    """The people of the namespace `shop`, who stay the same."""
    async with used(life.release, PORT) as it:
        yield Team(it, life.cluster.plane.kubectl("shop"), KEY, SIGNING)


# ----------------------------------------------------------------------------------- installed


async def test_helm_waits_until_it_is_ready(life, told):
    seconds = await life.upgrade()
    told.append(f"helm install --wait: {seconds:.1f} s")
    for pod in await life.release.pods():
        assert (seen.is_ready(pod), seen.restarts(pod)) == (True, 0)
        assert pod["status"]["qosClass"] == "Burstable"
        told.append(f"{pod['metadata']['name']}: {_story(pod)}")
    claim = await life.release.kubectl.get("pvc", "store-hookgate-gateway-0")
    assert claim["status"]["phase"] == "Bound"
    life.volume = claim["spec"]["volumeName"]


async def test_the_kernel_gives_the_processes_no_rights(life):
    for container in await life.containers():
        status = await container.status()
        assert status["Uid"] == status["Gid"] == " ".join([USER] * 4)
        assert status["Groups"] == USER
        assert {status[f"Cap{each}"] for each in ("Inh", "Prm", "Eff", "Bnd", "Amb")} == {"0" * 16}
        assert status["NoNewPrivs"] == "1"
        assert status["Seccomp"] == "2", "the runtime's filter"


async def test_nothing_can_be_written_but_the_store(life):
    gateway, operator = await life.containers()
    for container, folder in ((gateway, "/tmp"), (operator, "/var/lib/hookgate")):
        refused = await container.try_("touch", f"{folder}/written")
        assert refused.code != 0
        assert "Read-only file system" in refused.stderr
    assert await gateway.owner("/var/lib/hookgate") == f"2770 0:{USER}"
    assert await gateway.owner("/var/lib/hookgate/hookgate.db") == f"600 {USER}:{USER}"


async def test_secrets_are_files_of_the_groups(life):
    gateway, operator = await life.containers()
    of_both = "/etc/hookgate/control-token/token"
    of_the_gateway = ("/etc/hookgate/encryption-keys/keys", "/etc/hookgate/control-tls/tls.key")
    for path in (of_both, *of_the_gateway):
        assert await gateway.owner(path) == f"440 0:{USER}"
    assert await operator.owner(of_both) == f"440 0:{USER}"
    for path in of_the_gateway:
        assert (await operator.try_("stat", path)).code != 0


async def test_only_the_operator_speaks_to_the_api_server(life):
    gateway, operator = await life.containers()
    token = "/var/run/secrets/kubernetes.io/serviceaccount/token"
    assert (await gateway.try_("stat", token)).code != 0
    claims = (await operator.run("cat", token)).split(".")[1]
    told = json.loads(base64.urlsafe_b64decode(claims + "=="))
    assert told["sub"] == "system:serviceaccount:hookgate:hookgate-operator"
    assert told["exp"] - told["iat"] == 3600, "an hour; 3607 would be taken for a year"


async def test_only_the_start_warns_a_reader_of_describe(life, told):
    """A probe that came too early, and an operator that was there before its gateway."""
    ready = max(_since_ready(pod) for pod in await life.release.pods())
    text = await life.release.kubectl.must("get", "events", "--output=json")
    warnings = [each for each in json.loads(text)["items"] if each["type"] != "Normal"]
    told.extend(f"warned: {each['reason']}: {each['message']}" for each in warnings)
    assert {each["reason"] for each in warnings} <= {"Unhealthy"}
    assert [each for each in warnings if (each["lastTimestamp"] or "") > ready] == []


async def test_logs_are_json_and_of_no_trouble(life, told):
    gateway, operator = await life.containers()
    found = {}
    for container in (gateway, operator):
        text = await container.kubectl.must("logs", container.pod)
        lines = [json.loads(line) for line in text.splitlines()]
        found[container] = [line for line in lines if line["level"] not in ("debug", "info")]
        told.extend(f"{container.container} logged {line['event']}" for line in found[container])
    assert found[gateway] == []
    assert {line["level"] for line in found[operator]} <= {"warning"}


# ------------------------------------------------------------------------------------- in use


async def test_from_apply_to_webhook(life, shop):
    await shop.settle()
    await shop.apply(shop.subscription())
    await shop.ready()
    accepted = await shop.post()
    (received,) = await shop.arrivals(shop.path("invoices"))
    assert received.header("x-hookgate-event-id") == accepted["event_id"]
    assert signs(SIGNING, received)
    life.event = accepted["event_id"]


async def test_helm_test_succeeds(life):
    await asyncio.to_thread(life.release.helm.must, "test", "hookgate", "--timeout=60s")


async def test_memory_stays_far_below_its_limit(life, shop, told):
    runs = 500
    await asyncio.gather(*(shop.post() for _ in range(runs)))
    await shop.arrivals(shop.path("invoices"), runs, within=WITHIN)
    for container in await life.containers():
        used_, limit = await container.memory()
        told.append(f"{container.container}: {used_ / MEBIBYTE:.0f} of {limit / MEBIBYTE:.0f} MiB")
        assert used_ < limit / 2


@pytest.mark.timeout(4 * SECRET_WITHIN)
async def test_a_token_is_rotated_without_a_restart(life, shop, told):
    """As the chart's page says: a second line, in front, and the old one out."""
    old = base64.b64decode((await life.release.secret("control-token"))["data"]["token"]).decode()
    new = secrets.token_urlsafe(32)
    for step, lines in enumerate((f"{old}\n{new}", f"{new}\n{old}", new), start=1):
        began = time.monotonic()
        text = {"stringData": {"token": lines}}
        await life.release.kubectl.patch("secret", "hookgate-control-token", text)
        for container in await life.containers():
            await _shows(container, "/etc/hookgate/control-token/token", lines)
            seconds = time.monotonic() - began
            told.append(f"rotation, step {step}: {container.container} has it in {seconds:.0f} s")
        await shop.apply(shop.subscription(f"step-{step}"))
        await shop.ready(f"step-{step}")
    await eventually(lambda: _refuses(life, old), within=WITHIN, what="the old token is refused")
    assert await _control_status(life, new) == 200
    assert [seen.restarts(pod) for pod in await life.release.pods()] == [0, 0]
    for step in (1, 2, 3):
        await shop.kubectl.delete("whsub", f"step-{step}")


# ----------------------------------------------------------------------------- ends and begins


async def test_a_deleted_pod_ends_what_it_began_and_its_store_stays(life, shop, told):
    slow = {"url": f"{shop.url('slow', 'slow')}?seconds=4"}
    await shop.apply(shop.subscription("slow", endpoint=slow))
    await shop.ready("slow")
    before = await life.release.kubectl.get("pod", life.release.gateway)
    events = {(await shop.post())["event_id"] for _ in range(5)}
    await shop.arrivals(shop.path("slow", "slow"), 5)
    began, over = time.monotonic(), asyncio.Event()
    away = asyncio.create_task(_longest_silence(shop, over))
    await life.release.kubectl.delete("pod", life.release.gateway)
    told.append(f"kubectl delete pod: {time.monotonic() - began:.1f} s")

    def another(found: seen.Pod) -> bool:
        return seen.is_ready(found) and found["metadata"]["uid"] != before["metadata"]["uid"]

    await life.release.kubectl.until("pod", life.release.gateway, another, within=WITHIN)
    told.append(f"and the next one is ready: {time.monotonic() - began:.1f} s")
    await shop.on.gateway.answers(within=WITHIN)
    over.set()
    told.append(f"no client was answered for {await away:.1f} s")
    for event in events:
        (delivery,) = [
            each
            for each in await shop.on.gateway.deliveries(f"?event_id={event}", key=KEY)
            if each["subscription"] == "slow"
        ]
        assert (delivery["state"], delivery["attempts"]) == ("delivered", 1)
    assert len(shop.arrived(shop.path("slow", "slow"))) == 5
    claim = await life.release.kubectl.get("pvc", "store-hookgate-gateway-0")
    assert claim["spec"]["volumeName"] == life.volume


async def test_an_upgrade_goes_to_another_image(life, shop, told):
    seconds = await life.upgrade(image={"tag": "next"})
    told.append(f"helm upgrade --wait to another image: {seconds:.1f} s")
    images = {
        container["image"]
        for pod in await life.release.pods()
        for container in pod["spec"]["containers"]
        if "deletionTimestamp" not in pod["metadata"]
    }
    assert images == {"ghcr.io/hookgate/hookgate:next"}
    await shop.on.gateway.answers(within=WITHIN)
    assert await shop.on.gateway.deliveries(f"?event_id={life.event}", key=KEY)


async def test_what_goes_and_what_stays(life, told):
    began = time.monotonic()
    await asyncio.to_thread(life.release.helm.uninstall, "hookgate")
    told.append(f"helm uninstall --wait: {time.monotonic() - began:.1f} s")
    kubectl = life.release.kubectl
    await kubectl.must("wait", "--for=delete", "pods", "--all", "--timeout=60s")
    assert await kubectl.find("pvc", "store-hookgate-gateway-0")
    assert [each["metadata"]["name"] for each in await kubectl.items("secrets")] == [
        "hookgate-encryption-keys"
    ]
    assert await life.cluster.kubectl.within("shop").find("whsub", "invoices")


async def test_a_second_life_has_the_store_of_the_first(life, shop):
    await life.upgrade()
    await shop.on.gateway.answers(within=WITHIN)
    await shop.logs_in(KEY, within=WITHIN)
    assert await shop.on.gateway.deliveries(f"?event_id={life.event}", key=KEY)
    await shop.ready(within=WITHIN)
    await shop.post()
    (received,) = await shop.arrivals(shop.path("invoices"), within=WITHIN)
    assert signs(SIGNING, received)


# ----------------------------------------------------------------------------------- questions


def _story(pod: dict[str, Any]) -> str:
    """When a pod became what."""
    (container,) = pod["status"]["containerStatuses"]
    started = container["state"]["running"]["startedAt"]
    created = pod["metadata"]["creationTimestamp"]
    return f"created {created}, started {started}, ready {_since_ready(pod)}"


def _since_ready(pod: dict[str, Any]) -> str:
    conditions = {each["type"]: each for each in pod["status"]["conditions"]}
    return str(conditions["Ready"]["lastTransitionTime"])


async def _longest_silence(shop: Team, over: asyncio.Event) -> float:
    """Seconds without an answer, to a client that asks all the time."""
    answered, longest = time.monotonic(), 0.0
    while not over.is_set():
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            await shop.on.gateway.get("/v1/runs", key=KEY)
            longest = max(longest, time.monotonic() - answered)
            answered = time.monotonic()
        await asyncio.sleep(0.02)
    return max(longest, time.monotonic() - answered)


async def _shows(container: Inside, path: str, text: str) -> None:
    async def question() -> bool:
        return await container.run("cat", path) == text.strip()

    await eventually(question, within=SECRET_WITHIN, what=f"{path} of {container.pod} is new")


async def _refuses(life: Life, token: str) -> bool:
    return await _control_status(life, token) == 401


async def _control_status(life: Life, token: str) -> int:
    """What the control API answers to somebody with a token who checks its certificate."""
    data = (await life.release.secret("control-tls"))["data"]["ca.crt"]
    context = ssl.create_default_context(cadata=base64.b64decode(data).decode())
    url = "https://hookgate-control.hookgate.svc:8081/control/v1/resources?limit=1"
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        aiohttp.ClientSession(connector=in_cluster(life.release.node)) as session,
        session.get(url, headers=headers, ssl=context) as answer,
    ):
        return answer.status
