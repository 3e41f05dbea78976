"""
docs/install.md from its first command to its last, as it stands, on a cluster of its own.

With HOOKGATE_TEST_KUBECONFIG it is that cluster, which must have neither hookgate nor the page's namespaces;
HOOKGATE_TEST_IMAGE names an image that its nodes have, HOOKGATE_TEST_MACHINE an address of this machine that
its pods reach.
"""

import asyncio
import base64
import json
import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from tests.acceptance.harness import eventually
from tests.cluster import programs
from tests.cluster.controlplane import ControlPlane
from tests.install.kubelet import Node
from tests.pages import ROOT, marked
from tests.receivers import Receiver

PAGE = marked("docs/install.md", "run")
PUBLISHED = "oci://ghcr.io/hookgate/charts/hookgate"
NAMESPACES = ("hookgate", "shop", "billing")
GATEWAY, RESTORING = "hookgate-gateway-0", "hookgate-restore"
STORE = "store-hookgate-gateway-0"
LISTENED_TO_WITHIN = 60.0
CLASS = {
    "apiVersion": "storage.k8s.io/v1",
    "kind": "StorageClass",
    "metadata": {
        "name": "local",
        "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
    },
    "provisioner": "example.com/local",
    "allowVolumeExpansion": True,
}


@dataclass(frozen=True)
class Place:
    """Where the page is followed: a cluster, and a shell that reaches it."""

    control_plane: ControlPlane
    node: Node | None
    """The node of the tests; none where the cluster has nodes of its own."""
    home: Path

    @property
    def machine(self) -> str:
        """Where pods find what this machine serves."""
        return self.node.machine if self.node else os.environ["HOOKGATE_TEST_MACHINE"]

    def values(self) -> Path:
        """What is given beside the page's own: where the image is, and where receivers are."""
        gateway = {"egressAllow": [f"{self.machine}/32"], "shutdownDrainSeconds": 0}
        found: dict[str, object] = {"gateway": gateway}
        if named := os.environ.get("HOOKGATE_TEST_IMAGE"):
            repository, _, tag = named.rpartition(":")
            found["image"] = {"registry": "", "repository": repository, "tag": tag}
        file = self.home / "ours.yaml"
        file.write_text(json.dumps(found))
        return file

    def shell(self, script: str, kubeconfig: Path | None = None) -> str:
        """What a script prints, which has to end well; as admin unless said."""
        script = script.replace(PUBLISHED, f"{ROOT}/charts/hookgate --values {self.values()}")
        done = subprocess.run(
            ["bash", "-c", f"set -eo pipefail\n{script}"],
            cwd=self.home,
            env=self._environment(kubeconfig or self.control_plane.kubeconfig),
            capture_output=True,
            text=True,
            timeout=110,
            check=False,
        )
        assert done.returncode == 0, f"{script}\n{done.stdout}{done.stderr}\n{self._story()}"
        return done.stdout

    async def run(self, name: str, **instead: str) -> str:
        """A block of the page, with what stands for something replaced."""
        script = PAGE[name]
        for words, ours in instead.items():
            assert words in script, words
            script = script.replace(words, ours)
        return await asyncio.to_thread(self.shell, script)

    def _environment(self, kubeconfig: Path) -> Mapping[str, str]:
        rest = {k: v for k, v in os.environ.items() if not k.startswith(("HOOKGATE_", "HELM_"))}
        return rest | {
            "PATH": f"{self.home / 'bin'}:{rest['PATH']}",
            "KUBECONFIG": str(kubeconfig),
            "HOME": str(self.home),
        }

    def _story(self) -> str:
        return self.node.story("hookgate") if self.node else ""


# -------------------------------------------------------------------------------------- the place


@pytest.fixture(name="place", scope="module")
def _place(
    control_plane: ControlPlane,
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
) -> Place:
    home = tmp_path_factory.mktemp("page")
    (home / "crds").symlink_to(ROOT / "crds")
    (home / "bin").mkdir()
    (home / "bin/helm").symlink_to(programs.helm())
    if os.environ.get("HOOKGATE_TEST_KUBECONFIG"):
        (home / "bin/kubectl").symlink_to(programs.kubectl())
        return Place(control_plane, None, home)
    plane, node = request.getfixturevalue("empty")
    plane.admin.must("POST", "/apis/storage.k8s.io/v1/storageclasses", CLASS)
    for namespace in NAMESPACES:
        node.serve(namespace)
    _write_kubectl(home / "bin/kubectl", node)
    return Place(plane, node, home)


def _write_kubectl(file: Path, node: Node) -> None:
    """kubectl, and what of it asks a kubelet: `exec` enters the container, `port-forward` does not end.

    What is forwarded is reached by its Service instead, see `reached`.
    """
    inside = shlex.join(node.sandbox.inside("runc", "--root", "/run/runc"))
    file.write_text(
        f"""#!/bin/bash
case "$1" in
exec)
    while [ "$1" != -- ]; do pod=$1; shift; done; shift
    name=${{pod#hookgate-}}
    container=$({inside} list --quiet | grep -e "-${{name%-0}}-")
    exec {inside} exec "$container" "$@" ;;
port-forward) exec sleep 60 ;;
*) exec {programs.kubectl()} "$@" ;;
esac
"""
    )
    file.chmod(0o755)


def reached(place: Place) -> dict[str, str]:
    """Where the node of the tests plays a cluster, its Services are reached from inside."""
    if place.node is None:
        return {}
    address = place.shell("kubectl get service hookgate -n hookgate -o jsonpath={.spec.clusterIP}")
    _until_listened_to(place.node, (address, 8080))
    curl = shlex.join(place.node.sandbox.inside("curl"))
    return {"curl ": f"{curl} --silent ", "127.0.0.1:8080": f"{address}:8080"}


def _until_listened_to(node: Node, address: tuple[str, int]) -> None:
    """A Service leads to a pod a moment after that is ready."""
    deadline = time.monotonic() + LISTENED_TO_WITHIN
    while True:
        with node.socket() as tried:
            tried.settimeout(LISTENED_TO_WITHIN)
            if tried.connect_ex(address) == 0:
                return
        assert time.monotonic() < deadline, f"nothing listens at {address}"
        time.sleep(0.05)


# ---------------------------------------------------------------------------------------- the page


@pytest.mark.timeout(600)
async def test_the_page_from_its_beginning_to_its_end(place: Place) -> None:
    kubectl = place.control_plane.kubectl("hookgate")
    await place.run("install")
    async with Receiver(host=place.machine) as receiver:
        url = {"https://receiver.example/webhooks": receiver.url("ok200/webhooks")}
        assert "every-run condition met" in await place.run("first subscription", **url)
        told = await place.run("first event", **reached(place))
        answer = told[told.index("{") :]  # behind what port-forward says
        assert json.JSONDecoder().raw_decode(answer)[0]["deliveries"] == 1

        async def arrived() -> bool:
            return any(each.path == "/ok200/webhooks" for each in receiver.log)

        await eventually(arrived, what="the webhook")

    await _a_second_release_has_a_class_of_its_own(place)
    key = (await place.run("key")) or (place.home / "hookgate-encryption-keys").read_text()
    Fernet(key.strip())
    secrets = await _secrets(place)
    (place.home / "values.yaml").write_text(
        "operator: {replicaCount: 2}\ngateway:\n  retentionDays: 7\n"
    )
    await place.run("upgrade")
    (container,) = (await kubectl.get("pod", GATEWAY))["spec"]["containers"]
    assert {"name": "HOOKGATE_RETENTION_DAYS", "value": "7"} in container["env"]
    assert await _secrets(place) == secrets

    if place.node:  # elsewhere it is for the storage class to say
        await _a_larger_volume_is_that_of_the_same_pod(place)
    await place.run("backup")
    backup = place.home / "hookgate-backup.db"
    assert backup.read_bytes().startswith(b"SQLite format 3\0")
    await _the_stores_commands_work_in_the_pod(place)
    check = f"{shlex.join(_hookgate())} store check --store sqlite:///{backup}"
    keys = f"--encryption-keys-file {place.home}/hookgate-encryption-keys"
    await asyncio.to_thread(place.shell, f"{check} {keys}")

    await _a_restored_store_is_that_of_the_backup(place)
    if place.node:
        await _another_volume_has_the_store(place)

    await _own_secrets_are_what_the_chart_takes(place)
    await place.run("uninstall")
    await _what_stays_stays(place, secrets)
    await place.run("remove everything")
    await asyncio.to_thread(place.shell, "kubectl delete namespace shop")
    assert not await kubectl.find("crd", "webhooksubscriptions.hookgate.dev")
    assert not await kubectl.find("namespace", "hookgate")


async def _the_stores_commands_work_in_the_pod(place: Place) -> None:
    """As docs/operations.md says, with the settings and the read-only root that a pod has."""
    page = (ROOT / "docs/operations.md").read_text()
    found = re.search(r"put `(kubectl exec [^`]+ --)` in front", page)
    assert found
    for words, told in (("store check", "all is well"), ("gateway rotate-keys", "the first key")):
        assert told in await asyncio.to_thread(place.shell, f"{found[1]} hookgate {words}")


async def _a_second_release_has_a_class_of_its_own(place: Place) -> None:
    kubectl = place.control_plane.kubectl("webhooks-internal")
    await place.run("second")
    (container,) = (await kubectl.get("deployment", "internal-hookgate-operator"))["spec"][
        "template"
    ]["spec"]["containers"]
    told = {each["name"]: each.get("value") for each in container["env"]}
    assert told["HOOKGATE_OPERATOR_GATEWAY_CLASS"] == "internal"
    assert told["HOOKGATE_OPERATOR_LEASE_NAME"] == "internal-hookgate-operator-internal"
    script = "helm uninstall internal -n {0}\nkubectl delete namespace {0} --wait=false"
    await asyncio.to_thread(place.shell, script.format("webhooks-internal"))


async def _a_restored_store_is_that_of_the_backup(place: Place) -> None:
    """And the one that was there before lies beside it."""
    await place.run("stop")
    assert "all is well" in await place.run("restore")
    inside = f"kubectl exec --namespace hookgate {RESTORING} -- "
    assert "hookgate.db" in await asyncio.to_thread(
        place.shell, f"{inside}ls /var/lib/hookgate/before"
    )
    sums = await asyncio.to_thread(
        place.shell,
        f"{inside}sha256sum /var/lib/hookgate/hookgate.db; sha256sum hookgate-backup.db",
    )
    assert len({line.split()[0] for line in sums.splitlines()}) == 1
    await place.run("start again")


async def _a_larger_volume_is_that_of_the_same_pod(place: Place) -> None:
    """Which goes on meanwhile; the StatefulSet made anew takes it up."""
    kubectl = place.control_plane.kubectl("hookgate")
    before = (await kubectl.get("pod", GATEWAY))["metadata"]["uid"]
    with (place.home / "values.yaml").open("a") as values:
        values.write("  persistence: {size: 20Gi}\n")
    await place.run("larger volume")
    pod, claim = await kubectl.get("pod", GATEWAY), await kubectl.get("pvc", STORE)
    assert claim["spec"]["resources"]["requests"]["storage"] == "20Gi"
    assert pod["metadata"]["uid"] == before
    found = await kubectl.get("sts", "hookgate-gateway")
    (owner,) = pod["metadata"]["ownerReferences"]
    assert owner["uid"] == found["metadata"]["uid"]
    (template,) = found["spec"]["volumeClaimTemplates"]
    assert template["spec"]["resources"]["requests"]["storage"] == "20Gi"


async def _another_volume_has_the_store(place: Place) -> None:
    kubectl = place.control_plane.kubectl("hookgate")
    before = (await kubectl.get("pvc", STORE))["metadata"]["uid"]
    await place.run("stop")
    values = place.home / "values.yaml"
    values.write_text(values.read_text().replace("{size:", "{storageClass: fast, size:"))
    sums = await place.run("another volume")
    assert len(set(re.findall(r"\b[0-9a-f]{64}\b", sums))) == 1
    await place.run("stop")
    assert "all is well" in await place.run("restore")
    await place.run("start again")
    claim = await kubectl.get("pvc", STORE)
    assert claim["spec"]["storageClassName"] == "fast"
    assert claim["metadata"]["uid"] != before


async def _own_secrets_are_what_the_chart_takes(place: Place) -> None:
    """As named by the values of tests/chart/test_documented_values.py, under the keys of the chart's default."""
    kubectl = place.control_plane.kubectl("hookgate")
    await place.run("own secrets")
    for name, key in {"hookgate-encryption": "keys", "hookgate-control": "token"}.items():
        data = (await kubectl.get("secret", name))["data"]
        assert data.keys() == {key}
        await kubectl.delete("secret", name)
        if key == "keys":
            Fernet(base64.b64decode(data[key]))


async def _what_stays_stays(place: Place, secrets: Mapping[str, str]) -> None:
    """And an installation of the same name takes it up."""
    kubectl = place.control_plane.kubectl("hookgate")
    assert await kubectl.find("pvc", STORE)
    assert await kubectl.within("shop").find("whsub", "every-run")
    assert list(await _secrets(place)) == ["hookgate-encryption-keys"]
    (_, again) = PAGE["install"].split("helm install", 1)
    await asyncio.to_thread(place.shell, f"helm install{again}")
    name = "hookgate-encryption-keys"
    assert (await _secrets(place))[name] == secrets[name]
    await kubectl.within("shop").condition("whsub", "every-run", "Ready", "True")
    await place.run("uninstall")


async def _secrets(place: Place) -> dict[str, str]:
    """The Secrets of the release, without Helm's own, and what is in them."""
    found = await place.control_plane.kubectl("hookgate").items("secrets")
    return {
        each["metadata"]["name"]: json.dumps(each["data"])
        for each in found
        if not each["type"].startswith("helm.sh/")
    }


def _hookgate() -> list[str]:
    return [sys.executable, "-m", "hookgate"]


# ------------------------------------------------------------------------- without rights in the cluster

# `admin` is the sum of these, which the control plane of the tests runs no controller to build.
INSTALLER = """
kubectl create serviceaccount installer --namespace hookgate
for namespace in hookgate shop billing; do
  for part in admin edit view; do
    kubectl create rolebinding installer-$part --namespace $namespace \\
      --clusterrole system:aggregate-to-$part --serviceaccount hookgate:installer
  done
done
for namespace in shop billing; do
  kubectl apply --namespace $namespace --filename {rules}
  kubectl create rolebinding rules --namespace $namespace --role hookgate-operator --serviceaccount hookgate:installer
done
"""


@pytest.mark.timeout(300)
async def test_with_the_definitions_there_no_right_in_the_cluster_is_needed(place: Place) -> None:
    """Whoever installs is an admin of the three namespaces and has the operator's rights in two of them."""
    await place.run("definitions")
    rules = ROOT / "operator/hookgate_operator/rbac/namespaced.yaml"
    made = "".join(f"kubectl create namespace {each}\n" for each in NAMESPACES)
    await asyncio.to_thread(place.shell, made + INSTALLER.format(rules=rules))
    installer = await asyncio.to_thread(_installer, place)
    await asyncio.to_thread(place.shell, PAGE["namespaced"], installer)
    kubectl = place.control_plane.kubectl("shop")
    async with Receiver(host=place.machine) as receiver:
        url = {"https://receiver.example/webhooks": receiver.url("ok200/webhooks")}
        script = {"kubectl create namespace shop\n": ""} | url
        assert "every-run condition met" in await place.run("first subscription", **script)
    for kind in ("clusterrole", "clusterrolebinding"):
        found = await kubectl.items(kind, "app.kubernetes.io/instance=hookgate")
        assert not found
    await asyncio.to_thread(place.shell, PAGE["uninstall"], installer)
    await place.run("remove everything")
    await asyncio.to_thread(place.shell, "kubectl delete namespace shop billing")


def _installer(place: Place) -> Path:
    """The kubeconfig of the ServiceAccount that installs."""
    token = place.shell("kubectl create token installer --namespace hookgate").strip()
    access = replace(place.control_plane.admin, token=token)
    return access.kubeconfig(place.home / "installer.kubeconfig", "hookgate")
