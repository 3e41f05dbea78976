"""Installed by others than the cluster's admin, and by other means than `helm install`."""

import base64
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest_asyncio
import yaml

from tests.cluster.rbac import lease_rules, operator_rules
from tests.install.helm import Helm
from tests.install.release import WITHIN, Release, Used, used

OF_A_TEAM = {
    "crds": {"enabled": False},
    "rbac": {"scope": "Namespaced"},
    "gatewayClass": "team",
}
CLUSTER_SCOPED = {"ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition"}


@pytest_asyncio.fixture(name="theirs")
async def _theirs(node, standing, control_plane, kubectl, service_account) -> AsyncIterator[Used]:
    """A second release, of somebody who is the admin of one namespace and nothing else."""
    rules = [
        *operator_rules(),
        *lease_rules(),
        rule("coordination.k8s.io", "leases", "get", "update"),
    ]
    person = service_account("person", rules=rules)
    for part in ("view", "edit", "admin"):  # of which a controller makes the ClusterRole `admin`
        whom = f"--serviceaccount={kubectl.namespace}:person"
        role = f"--clusterrole=system:aggregate-to-{part}"
        await kubectl.must("create", "rolebinding", f"person-{part}", role, whom)
    node.serve(kubectl.namespace)
    release = Release(node, Helm("Helm 3", person.kubeconfig, kubectl.namespace), kubectl)
    release.upgrade(OF_A_TEAM)
    async with used(release) as it:
        yield it


def rule(group: str, resource: str, *verbs: str) -> dict[str, list[str]]:
    return {"apiGroups": [group], "resources": [resource], "verbs": list(verbs)}


async def test_a_namespace_of_its_own(theirs, hookgate, kubectl):
    """No object of it is the cluster's, and each of two releases looks after its own class."""
    objects = yaml.safe_load_all(theirs.release.helm.objects("hookgate"))
    assert not {each["kind"] for each in objects if each} & CLUSTER_SCOPED

    team = await theirs.settled(kubectl, gateway_class="team")
    accepted = await team.post()
    (received,) = await team.arrivals(team.path("invoices"), within=WITHIN)
    assert received.header("x-hookgate-event-id") == accepted["event_id"]

    await team.apply(team.subscription("of-the-cluster"))
    await team.ready("of-the-cluster", within=WITHIN)
    for gateway, known in ((theirs.gateway, "invoices"), (hookgate.gateway, "of-the-cluster")):
        statuses = {
            name: (await gateway.call("GET", f"/v1/subscriptions/{name}", key=team.key)).status
            for name in ("invoices", "of-the-cluster")
        }
        assert [name for name, status in statuses.items() if status == 200] == [known], statuses


async def test_template_and_apply_twice(standing, kubectl):
    """What a GitOps tool does: the key that opens the store stays, whatever is rendered anew."""
    helm = replace(standing.helm, namespace=kubectl.namespace)
    first = await kubectl("apply", "--filename=-", stdin=helm.template("hookgate", OF_A_TEAM))
    assert first.code == 0, first.stderr
    before = await secrets(kubectl)
    second = await kubectl("apply", "--filename=-", stdin=helm.template("hookgate", OF_A_TEAM))
    after = await secrets(kubectl)
    assert second.code != 0, "loudly"
    assert 'Secret "hookgate-encryption-keys" is invalid' in second.stderr
    assert after["hookgate-encryption-keys"] == before["hookgate-encryption-keys"]
    forced = await kubectl(
        "apply", "--server-side", "--force-conflicts", "--filename=-",
        stdin=helm.template("hookgate", OF_A_TEAM),
    )  # fmt: skip
    assert "immutable" in forced.stderr
    assert (await secrets(kubectl))["hookgate-encryption-keys"] == before[
        "hookgate-encryption-keys"
    ]


async def secrets(kubectl) -> dict[str, dict[str, bytes]]:
    return {
        each["metadata"]["name"]: {
            key: base64.b64decode(value) for key, value in each["data"].items()
        }
        for each in await kubectl.items("secrets")
    }
