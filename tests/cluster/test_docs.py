"""The README's Kubernetes part and the commands of the docs, as they stand, with kubectl on a real API server."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest

from hookgate_operator.subscriptions.values import shown_fingerprint
from tests.acceptance.harness import free_port
from tests.chart.rendering import render
from tests.cluster.controlplane import ControlPlane
from tests.cluster.installation import installation
from tests.cluster.kubectl import Kubectl
from tests.cluster.programs import kubectl as kubectl_program
from tests.readme import README, ROOT, block, started, until

pytestmark = pytest.mark.usefixtures("crds_installed")

VALUE = "a signing key that the receiver has, too"
PLACES = ("shop", "hookgate")
"""The namespaces that the docs' commands name."""


@pytest.fixture(name="environment")
def _environment(control_plane: ControlPlane, tmp_path: Path) -> Mapping[str, str]:
    """What a newcomer's shell has: kubectl and hookgate on its path, a KUBECONFIG."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "kubectl").symlink_to(kubectl_program())
    hookgate = programs / "hookgate"
    hookgate.write_text(f'#!/bin/sh\nexec {sys.executable} -m hookgate "$@"\n')
    hookgate.chmod(0o755)
    rest = {k: v for k, v in os.environ.items() if not k.startswith("HOOKGATE_")}
    return rest | {
        "PATH": f"{programs}:{rest['PATH']}",
        "KUBECONFIG": str(control_plane.kubeconfig),
        "HOME": str(tmp_path),
    }


def shell(script: str, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", f"set -eo pipefail\n{script}"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def ran(script: str, environment: Mapping[str, str]) -> str:
    done = shell(script, environment)
    assert done.returncode == 0, f"{script}\n{done.stdout}{done.stderr}"
    return done.stdout


# ------------------------------------------------------------------------------- the README's part


def require_default(control_plane: ControlPlane) -> None:
    """Skip where the namespace `default` of somebody's cluster is in use."""
    if control_plane.kubectl("default").run("get", "whsub", "--output=name").stdout:
        pytest.skip("the namespace default has WebhookSubscriptions")


def test_the_readme_as_a_newcomer_reads_it(
    control_plane: ControlPlane, environment: Mapping[str, str], tmp_path: Path
) -> None:
    require_default(control_plane)
    ports = {port: str(free_port()) for port in ("8080", "8081", "8090", "9090", "9091")}
    folder = tmp_path / "quickstart"
    shutil.copytree(ROOT / "examples/quickstart", folder)
    for file in folder.iterdir():
        file.write_text(file.read_text().replace(":8090", f":{ports['8090']}"))

    def script(marker: str) -> str:
        """Its words, with ports and files of our own."""
        text = block(marker)
        for theirs, ours in ports.items():
            text = text.replace(f":{theirs}", f":{ours}")
        text = text.replace(".venv/bin/python", sys.executable)
        text = text.replace(".venv/bin/hookgate", f"exec {sys.executable} -m hookgate")
        for name in ("kubernetes.db", "control-token"):
            text = text.replace(name, f"{tmp_path}/{name}")
        return text.replace("examples/quickstart/", f"{folder}/")

    beside = {
        "HOOKGATE_LISTEN": f"127.0.0.1:{ports['8080']}",
        "HOOKGATE_METRICS_LISTEN": f"127.0.0.1:{ports['9090']}",
        "HOOKGATE_SHUTDOWN_DRAIN_SECONDS": "0",
    }
    receiver = f"exec {script('run: receiver').strip()} {ports['8090']}"

    def has(name: str, words: str) -> bool:
        return words in (tmp_path / f"{name}.log").read_text()

    with ExitStack() as stack:
        stack.callback(shell, f"kubectl delete --wait=false -f {folder}", environment)
        ran(script("run: definitions"), environment)
        stack.enter_context(started(receiver, environment, tmp_path, "receiver"))
        gateway = script("run: kubernetes gateway")
        stack.enter_context(started(gateway, {**environment, **beside}, tmp_path, "gateway"))
        until(lambda: has("gateway", "listening"), "the gateway listens")
        operator = script("run: kubernetes operator")
        stack.enter_context(started(operator, environment, tmp_path, "operator"))
        assert "every-run condition met" in ran(script("run: apply"), environment)

        call = script("run: event").replace("curl ", "curl --silent --fail --max-time 10 ")
        # Ready is said of the subscription; the API key beside it may take a moment more.
        answer = json.loads(until(lambda: shell(call, environment).stdout, "the key logs in"))
        assert answer["deliveries"] == 1
        line = f"{answer['event_id']}: run tsk_1 is completed"
        until(lambda: has("receiver", line), "the receiver prints a line")

        shown = until(lambda: seen(script("run: see"), environment), "the cluster knows")
    table, events = shown.split("LAST SEEN", 1)
    assert table.splitlines()[0].split() == sample_table()[0].split()
    assert [row.split()[:3] for row in table.splitlines()[1:]] == [
        row.split()[:3] for row in sample_table()[1:]
    ]
    assert "Ready" in events


def seen(script: str, environment: Mapping[str, str]) -> str:
    """What the last block prints, once a delivery is in it."""
    output = ran(script, environment)
    return output if "Delivering" in output else ""


def sample_table() -> list[str]:
    """What the README shows below that block."""
    after = README.partition("<!-- run: see -->")[2]
    found = re.search(r"```\n(NAME .*?)```", after, re.DOTALL)
    assert found
    return found[1].splitlines()


# --------------------------------------------------------------------------- the docs' commands


def documents(page: str) -> str:
    """The manifests that a page shows."""
    blocks = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    return "\n---\n".join(blocks)


def commands(page: str) -> list[str]:
    """Every block and every inline piece of a page that calls kubectl with more than a bare word."""
    found = re.findall(r"```bash\n(.*?)```|`((?:hookgate crd \| )?kubectl [^`]+)`", page, re.DOTALL)
    texts = [block or inline for block, inline in found]
    return [text for text in texts if "kubectl" in text and len(text.split()) > 2]


@pytest.fixture(name="places")
def _places(control_plane: ControlPlane) -> Iterator[None]:
    """The docs' namespaces, if nobody else has them."""
    kubectl = control_plane.kubectl()
    if kubectl.run("get", "namespace", *PLACES, "--ignore-not-found", "--output=name").stdout:
        pytest.skip(f"the cluster has one of the namespaces {PLACES}")
    kubectl.run("create", "namespace", "shop")
    yield
    for kind in ("clusterrolebinding", "clusterrole"):
        kubectl.run("delete", kind, "hookgate-operator", "--ignore-not-found")
    kubectl.run("delete", "namespace", *PLACES, "--wait=false")


async def test_every_command_of_the_docs_works(
    control_plane: ControlPlane, places: None, environment: Mapping[str, str], tmp_path: Path
) -> None:
    kubernetes, troubleshooting = (
        (ROOT / f"docs/{name}.md").read_text() for name in ("kubernetes", "troubleshooting")
    )
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "invoices-webhook"},
        "stringData": {"secret": VALUE},
    }
    kubectl = control_plane.kubectl("shop")
    async with installation(tmp_path / "h", control_plane.kubeconfig, namespaces="shop") as it:
        await it.start()
        await kubectl.apply(json.dumps(secret))
        await kubectl.apply(documents(kubernetes))
        environment = {**environment, "KEY_OF_THE_RECEIVER": VALUE}
        told = {
            script: ran(script, environment)
            for script in [*commands(kubernetes), *commands(troubleshooting)]
            if "port-forward" not in script  # no pod runs here; its words are looked at below
        }
    assert len(told) > 15
    (compared,) = (output for script, output in told.items() if "sha256sum" in script)
    fingerprint = shown_fingerprint(VALUE.encode())
    shown, computed = compared.splitlines()
    assert shown == f"invoices-webhook/secret {fingerprint} signs=true"
    assert computed == fingerprint
    (may,) = (output for script, output in told.items() if "can-i" in script)
    assert may == "yes\n"


@pytest.fixture(name="by_hand")
def _by_hand(control_plane: ControlPlane) -> Iterator[Kubectl]:
    """The admin's kubectl, if nobody else runs an operator of that name; its role goes at the end."""
    kubectl = control_plane.kubectl()
    role = ("clusterrole,clusterrolebinding", "hookgate-operator", "--ignore-not-found")
    if kubectl.run("get", *role, "--output=name").stdout:
        pytest.skip("the cluster has a ClusterRole hookgate-operator")
    kubectl.run("create", "namespace", "shop-by-hand")
    yield kubectl
    kubectl.run("delete", *role)
    kubectl.run("delete", "namespace", "hookgate-by-hand", "shop-by-hand", "--wait=false")


def test_the_operators_service_account_gets_its_rules(
    by_hand: Kubectl, environment: Mapping[str, str]
) -> None:
    page = (ROOT / "docs/operator.md").read_text()
    section = page.partition("## Its ServiceAccount\n")[2].partition("\n## ")[0]
    place = r"((?:namespace|serviceaccount) (?:hookgate|shop))(?=[\s:])"
    whole, some = (re.sub(place, r"\1-by-hand", text) for text in commands(section))

    def may(verb: str, what: str, *where: str) -> bool:
        who = "--as=system:serviceaccount:hookgate-by-hand:hookgate-operator"
        return by_hand.run("auth", "can-i", verb, what, who, *where).stdout.startswith("yes")

    ran(whole, environment)
    # The server judges by what its own watches told it of roles, a moment later.
    watched = ("watch", "webhooksubscriptions.hookgate.dev", "--all-namespaces")
    until(lambda: may(*watched), "the ClusterRole is bound")
    leased = ("create", "leases.coordination.k8s.io", "--namespace=hookgate-by-hand")
    until(lambda: may(*leased), "the Lease's Role is bound")
    assert not may("create", "leases.coordination.k8s.io", "--namespace=shop-by-hand")
    by_hand.run("delete", "clusterrolebinding", "hookgate-operator")
    until(lambda: not may("list", "secrets", "--namespace=shop-by-hand"), "the right is gone")
    ran(some, environment)
    until(lambda: may("list", "secrets", "--namespace=shop-by-hand"), "the Role is bound")
    assert not may("list", "secrets", "--namespace=hookgate-by-hand")


def test_ports_are_forwarded_to_what_the_chart_makes(environment: Mapping[str, str]) -> None:
    """Without a kubelet nothing more than the words can be looked at."""
    page = (ROOT / "docs/troubleshooting.md").read_text()
    found = re.search(r"kubectl -n hookgate port-forward deployment/([\w-]+) (\d+) &", page)
    assert found
    (made,) = (each for each in render() if each["kind"] == "Deployment")
    assert (made["metadata"]["name"], made["metadata"]["namespace"]) == (found[1], "hookgate")
    ports = [
        port["containerPort"]
        for container in made["spec"]["template"]["spec"]["containers"]
        for port in container["ports"]
    ]
    assert int(found[2]) in ports
    assert "kubectl port-forward TYPE/NAME" in ran("kubectl port-forward --help", environment)
