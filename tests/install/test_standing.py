"""A release as it stands: what was installed, that it works, who may do what."""

import base64
import json
import re
import ssl
import subprocess
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest
import yaml

from tests.cluster import programs
from tests.cluster.installation import signs
from tests.cluster.rbac import lease_rules, rules
from tests.cluster.service_accounts import token_of
from tests.install import seen
from tests.install.release import WITHIN

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "kubernetes"


async def test_helm_waited_until_all_of_it_is_ready(standing):
    status = standing.helm.status(standing.name)
    assert status["info"]["status"] == "deployed"
    found = await standing.pods()
    names = sorted(pod["metadata"]["name"] for pod in found)
    assert names[0] == "hookgate-gateway-0"
    assert len(names) == 3, "a gateway, two operators"
    assert [
        (name, seen.is_ready(pod), seen.restarts(pod))
        for name, pod in zip(names, found, strict=True)
    ] == [(name, True, 0) for name in names]
    (claim,) = await standing.kubectl.items("pvc")
    assert (claim["metadata"]["name"], claim["status"]["phase"]) == (
        "store-hookgate-gateway-0",
        "Bound",
    )


async def test_the_logs_have_no_word_of_trouble(standing):
    """Nothing that a new user would take for a mistake of theirs."""
    for pod in [standing.gateway, *await standing.operators()]:
        assert "unknown_setting" not in standing.log(pod)
        assert '"level":"error"' not in standing.log(pod)


async def test_the_logs_say_that_they_listen_on_every_interface(standing):
    ports = {
        "gateway": {"api": 8080, "control": 8081, "metrics": 9090},
        "operator": {"metrics": 9090},
    }
    pods = {"gateway": standing.gateway, "operator": (await standing.operators())[0]}
    for component, pod in pods.items():
        lines = [
            json.loads(each) for each in standing.log(pod).splitlines() if '"listening"' in each
        ]
        for what, port in ports[component].items():
            assert lines[0][what] in (f"[::]:{port}", f"0.0.0.0:{port}")


async def test_from_apply_to_webhook(hookgate, kubectl):
    team = await hookgate.settled(kubectl)
    accepted = await team.post()
    (received,) = await team.arrivals(team.path("invoices"), within=WITHIN)
    assert received.header("x-hookgate-event-id") == accepted["event_id"]
    assert signs(team.signing, received)


async def test_the_examples_become_ready(standing, kubectl):
    for name in ("api-key", "subscription"):
        await kubectl.apply((EXAMPLES / f"{name}.yaml").read_text())
    await kubectl.must("wait", "--for=condition=Ready", "whsub/invoices", "--timeout=60s")


async def test_the_commands_of_the_notes(standing, control_plane, kubectl):
    """They are run as they stand, but for the namespace of the team."""
    notes = standing.helm.must("get", "notes", standing.name)
    commands = re.findall(r"^kubectl .*?(?=\n\n)", notes, flags=re.MULTILINE | re.DOTALL)
    assert len(commands) == 3, notes
    found = [_shell(each, control_plane, kubectl.namespace) for each in commands[:2]]
    key = await standing.secret("encryption-keys")
    assert len(found[0]) == 44, "a Fernet key, and no word of it is told here"
    assert key["immutable"]
    assert "webhooksubscription.hookgate.dev/every-run created" in found[1]
    await kubectl.condition("whsub", "every-run", "Ready", "True", within=WITHIN)
    assert "every-run" in _shell(
        commands[2].replace(" --watch", ""), control_plane, kubectl.namespace
    )


def _shell(command: str, control_plane, namespace: str) -> str:
    """What a command prints, whose team is in another namespace than the notes suppose."""
    tools = f"{programs.kubectl().parent}:/usr/bin:/bin"
    done = subprocess.run(
        [
            "bash",
            "-ec",
            command.replace("namespace default", f"namespace {namespace}").replace(
                "> encryption-keys", ""
            ),
        ],
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": tools, "KUBECONFIG": str(control_plane.kubeconfig), "HOME": "/nonexistent"},
    )
    return done.stdout


async def test_helm_test_passes(standing):
    said = standing.helm.must("test", standing.name, "--timeout=30s")
    assert "Phase:          Succeeded" in said


# ---- who may do what


async def test_the_operators_rules_are_the_documented_ones(standing):
    """Each of which is needed and none missing, as tests/cluster/test_rbac.py shows of exactly these."""
    everywhere = await standing.kubectl.get("clusterrole", "hookgate-operator-standing")
    here = await standing.kubectl.get("role", "hookgate-operator-lease")
    assert everywhere["rules"] == rules("cluster-wide")
    assert here["rules"] == lease_rules()


async def test_the_rules_in_one_namespace_are_the_documented_ones(standing):
    said = standing.helm.template(
        "hookgate", {"rbac": {"scope": "Namespaced"}}, "--show-only=templates/operator/rbac.yaml"
    )
    roles = [each for each in yaml.safe_load_all(said) if each and each["kind"] == "Role"]
    assert [role["rules"] for role in roles] == [rules("namespaced"), lease_rules()]


async def test_the_gateway_may_do_nothing(standing, control_plane):
    """Its ServiceAccount has the rights of one that nobody has given any, and its pod no token."""
    admin, namespace = control_plane.admin, standing.namespace
    mine = _rights(admin, namespace, "hookgate-gateway")
    assert mine == _rights(admin, namespace, "default")
    assert mine, "everybody may ask who they are"
    assert _rights(admin, namespace, "hookgate-operator") != mine
    pod = await standing.kubectl.get("pod", standing.gateway)
    sources = [volume.get("projected") for volume in pod["spec"]["volumes"]]
    assert not any(sources)
    assert pod["spec"]["automountServiceAccountToken"] is False


def _rights(admin, namespace: str, account: str) -> list:
    """What a ServiceAccount may do in its namespace, in its own words."""
    them = replace(admin, token=token_of(admin, namespace, account))
    path = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"
    review = them.must("POST", path, {"spec": {"namespace": namespace}})
    return sorted(map(str, review["status"]["resourceRules"]))


async def test_the_control_api_knows_who_is_asking(standing, hookgate):
    """Its certificate is for the Service's name and by the CA that the operator is given."""
    secret = await standing.secret("control-tls")
    authority = base64.b64decode(secret["data"]["ca.crt"]).decode()
    url = f"https://hookgate-control.{standing.namespace}.svc:8081/control/v1/resources"
    trusting = ssl.create_default_context(cadata=authority)
    assert (await hookgate.gateway.fetch("GET", url, ssl=trusting)).status == 401
    with pytest.raises(aiohttp.ClientConnectorCertificateError):
        await hookgate.gateway.fetch("GET", url, ssl=ssl.create_default_context())
