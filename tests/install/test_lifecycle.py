"""
The life of a release on a cluster that was empty before: released chart, upgrades, rollback, end, a second life.

The tests are the stages of one life, in order.
"""

import base64
import json
import re
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import yaml

from tests.acceptance.harness import eventually
from tests.chart.rendering import CHART
from tests.cluster.controlplane import OwnControlPlane
from tests.cluster.installation import API_KEY, WATCHED, Team, conditions, listed, signs
from tests.cluster.kubectl import Kubectl
from tests.install.helm import Helm
from tests.install.kubelet import Node
from tests.install.release import WITHIN, Release, used

RELEASED = max(
    Path(__file__).with_name("released").glob("hookgate-*.tgz"),
    key=lambda file: [int(part) for part in file.stem.removeprefix("hookgate-").split(".")],
)
"""The latest chart that its users have; CONTRIBUTING.md says how one gets there."""
KEY, SIGNING = "key-of-the-shop-0123456789abcdef", "secret-of-the-shop-0123456789abcdef"
PORT = 18080  # of the receiver, over all stages
KEPT = {"encryption-keys", "control-token", "control-tls"}

QUICK = {"gateway": {"shutdownDrainSeconds": 0}}  # no balancer waits for a gateway that goes
CHANGED = {
    "operator": {"log": {"level": "debug"}},
    "gateway": {**QUICK["gateway"], "retentionDays": 7},
}
KINDS = "all,pvc,secret,configmap,serviceaccount,role,rolebinding,networkpolicy,lease,endpointslice"
LEFT = {
    "Secret/hookgate-encryption-keys",
    "PersistentVolumeClaim/store-hookgate-gateway-0",
    "Lease/hookgate-operator-default",  # the operator's, not the chart's
    "ServiceAccount/default",  # Kubernetes' own, as the next
    "ConfigMap/kube-root-ca.crt",
}


@dataclass
class Life:
    """What the stages know of each other."""

    plane: OwnControlPlane
    three: Release
    four: Release
    secrets: dict[str, Any] = field(default_factory=dict)
    run: str = ""
    event: str = ""


@pytest.fixture(name="life", scope="module")
def _life(empty: tuple[OwnControlPlane, Node]) -> Life:
    plane, node = empty
    for name in ("hookgate", "shop"):
        plane.admin.must("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    node.serve("hookgate")
    kubectl = plane.kubectl("hookgate")
    three, four = (
        Release(node, Helm(each, plane.kubeconfig, "hookgate"), kubectl)
        for each in ("Helm 3", "Helm 4")
    )
    return Life(plane, three, four)


@pytest_asyncio.fixture(name="shop")
async def _shop(life: Life) -> AsyncIterator[Team]:
    """The people of the namespace `shop`, who stay the same."""
    async with used(life.four, PORT) as it:
        yield Team(it, life.plane.kubectl("shop"), KEY, SIGNING)


async def works(shop: Team) -> None:
    """The subscription is ready, and what is posted arrives."""
    await shop.logs_in(KEY, within=WITHIN)
    await shop.ready(within=WITHIN)
    accepted = await shop.post()
    (received,) = await shop.arrivals(shop.path("invoices"), within=WITHIN)
    assert received.header("x-hookgate-event-id") == accepted["event_id"]
    assert signs(SIGNING, received)
    shop.on.receiver.log.clear()


async def generated(kubectl: Kubectl) -> dict[str, Any]:
    """The data of the Secrets that the chart makes."""
    return {name: (await kubectl.get("secret", f"hookgate-{name}"))["data"] for name in KEPT}


async def uids(release: Release, component: str) -> set[str]:
    """Which pods there are, but for those that are going."""
    found = await release.pods(component)
    return {pod["metadata"]["uid"] for pod in found if "deletionTimestamp" not in pod["metadata"]}


# ---- the stages


async def test_install_what_is_released_with_helm_3(life, shop):
    """And no log has a word of trouble, although the operator may be there before the gateway is."""
    life.three.upgrade(QUICK, chart=RELEASED)
    for pod in [life.three.gateway, *await life.three.operators()]:
        assert not re.findall(r'.*"level":"(?:warning|error|critical)".*', life.three.log(pod))
    client = shop.secret("client", API_KEY, **{"api-key": KEY})
    signing = shop.secret("signing", WATCHED, secret=SIGNING)
    await shop.apply(client, signing, shop.subscription())
    await works(shop)
    life.secrets = await generated(life.three.kubectl)
    key = base64.b64decode(life.secrets["encryption-keys"]["keys"])
    assert len(base64.urlsafe_b64decode(key)) == 32

    accepted = await shop.post()
    life.run, life.event = accepted["run_id"], accepted["event_id"]
    await shop.arrivals(shop.path("invoices"), within=WITHIN)


async def test_upgrade_to_the_working_tree_with_helm_4(life, shop):
    life.four.upgrade(QUICK)
    assert life.four.helm.status("hookgate")["version"] == 2
    assert await generated(life.four.kubectl) == life.secrets
    await works(shop)


async def test_an_upgrade_restarts_only_whom_it_concerns(life, shop):
    release = life.four
    gateways, operators = await uids(release, "gateway"), await uids(release, "operator")

    release.upgrade(QUICK)
    assert await uids(release, "gateway") == gateways
    assert await uids(release, "operator") == operators

    release.upgrade({**QUICK, "operator": {"log": {"level": "debug"}}})
    assert await uids(release, "gateway") == gateways
    assert not await uids(release, "operator") & operators

    release.upgrade(CHANGED)
    assert not await uids(release, "gateway") & gateways
    await release.until_ready(release.gateway)
    assert await generated(release.kubectl) == life.secrets
    await works(shop)


async def test_upgrade_with_a_changed_definition(life, shop, tmp_path):
    chart = tmp_path / "hookgate"
    shutil.copytree(CHART, chart)
    add_field(chart / "files/crds")
    assert "note" not in await shop.kubectl.must("explain", "whsub.spec")
    life.four.upgrade(CHANGED, chart=chart)

    async def known() -> bool:
        return "note" in await shop.kubectl.must("explain", "whsub.spec")

    await eventually(known, what="the field is served")
    await shop.kubectl.patch("whsub", "invoices", {"spec": {"note": "of a later version"}})
    found = await shop.stands("invoices", "InvalidSpec", within=WITHIN)
    assert found["spec"]["note"] == "of a later version"
    message = conditions(found)["Ready"]["message"]
    assert "spec.note: is not a known field" in message, (
        "this operator is older than the definition"
    )
    await shop.post()
    await shop.arrivals(shop.path("invoices"), within=WITHIN)
    shop.on.receiver.log.clear()
    await shop.kubectl.patch("whsub", "invoices", {"spec": {"note": None}})
    await shop.ready(within=WITHIN)


def add_field(folder: Path) -> None:
    """One more optional field of a subscription's spec."""
    (file,) = folder.glob("*webhooksubscriptions*.yaml")
    definition = yaml.safe_load(file.read_text())
    for version in definition["spec"]["versions"]:
        spec = version["schema"]["openAPIV3Schema"]["properties"]["spec"]
        spec["properties"]["note"] = {"type": "string", "maxLength": 100}
    file.write_text(yaml.safe_dump(definition))


async def test_rollback(life, shop):
    release = life.four
    release.helm.must("rollback", "hookgate", "5", "--wait", "--timeout=60s")
    assert await generated(release.kubectl) == life.secrets

    async def unknown() -> (
        bool
    ):  # the server publishes a definition's schema a moment after it has it
        return "note" not in await shop.kubectl.must("explain", "whsub.spec")

    await eventually(unknown, what="the field is not served any more")
    await works(shop)


async def test_uninstall_leaves_what_is_worth_something(life, shop):
    kubectl = life.four.kubectl
    life.four.helm.uninstall("hookgate")

    async def left() -> bool:
        found = json.loads(await kubectl.must("get", KINDS, "--output=json"))["items"]
        return {f"{each['kind']}/{each['metadata']['name']}" for each in found} == LEFT

    await eventually(left, within=WITHIN, what="pods end in order, and nothing else is left")
    ours = "app.kubernetes.io/instance=hookgate"
    wide = await kubectl.must(
        "get", "clusterrole,clusterrolebinding", f"--selector={ours}", "--output=name"
    )
    assert wide == ""
    assert await kubectl.find("crd", "webhooksubscriptions.hookgate.dev")
    assert await shop.kubectl.find("whsub", "invoices")


async def test_a_second_install_takes_up_store_and_key(life, shop):
    life.four.upgrade(QUICK)
    now = await generated(life.four.kubectl)
    assert now["encryption-keys"] == life.secrets["encryption-keys"]
    await shop.logs_in(KEY, within=WITHIN)
    await shop.ready(within=WITHIN)
    (delivery,) = await shop.on.gateway.deliveries(f"?run_id={life.run}", key=KEY)
    assert delivery["state"] == "delivered"

    replay = {
        "apiVersion": "hookgate.dev/v1alpha1",
        "kind": "WebhookReplay",
        "metadata": {"name": "once-more", "namespace": "shop"},
        "spec": {"filter": {"subscription": "invoices", "runIds": [life.run]}},
    }
    await shop.kubectl.apply(listed(replay))
    (received,) = await shop.arrivals(shop.path("invoices"), within=WITHIN)
    assert received.header("x-hookgate-event-id") == life.event
    assert signs(SIGNING, received)
