"""A real API server takes every object, strictly, and every pod under Pod Security "restricted".

Nothing is kept: all is a dry run. Installing it is the business of tests/install.
"""

import json
import time

import pytest

from tests.chart.combinations import COMBINATIONS, release_of
from tests.chart.releases import CLUSTER_SCOPED
from tests.chart.rendering import Object
from tests.cluster.crds import install_crds, install_third_party_crds

IN_FORCE_WITHIN = 30.0
REFUSED = 'violates PodSecurity "restricted'
DRY_RUN = ("apply", "--server-side", "--force-conflicts", "--dry-run=server", "--validate=strict")


@pytest.fixture(scope="module", autouse=True)
def _definitions(control_plane):
    install_crds(control_plane)
    install_third_party_crds(control_plane)


def test_every_object_is_taken(kubectl):
    done = kubectl.run(*DRY_RUN, "--filename=-", stdin=_stream(_objects(kubectl.namespace)))
    assert done.stderr == ""
    assert done.code == 0


def test_every_pod_is_restricted(restricted):
    kubectl = restricted
    pods = _pods(kubectl.namespace)
    done = kubectl.run("create", "--dry-run=server", "--filename=-", stdin=_stream(pods))
    assert done.stderr == ""
    assert done.code == 0


def test_a_pod_that_is_not_restricted_is_refused(restricted):
    """So that the test before says something: admission is on."""
    assert REFUSED in _unrestricted_pod(restricted)


@pytest.fixture(name="restricted")
def _restricted(kubectl):
    """Whoever makes pods in a namespace with the label, which the server learns from a watch, a moment later."""
    label = "pod-security.kubernetes.io/enforce=restricted"
    assert kubectl.run("label", "namespace", kubectl.namespace, label).code == 0
    deadline = time.monotonic() + IN_FORCE_WITHIN
    while REFUSED not in (said := _unrestricted_pod(kubectl)):
        assert time.monotonic() < deadline, f"such a pod is taken: {said}"
        time.sleep(0.1)
    return kubectl


def _unrestricted_pod(kubectl) -> str:
    """What is said to one with the network of its node."""
    pods = _pods(kubectl.namespace)[:1]
    pods[0]["spec"]["hostNetwork"] = True
    return kubectl.run("create", "--dry-run=server", "--filename=-", stdin=_stream(pods)).stderr


def _objects(namespace: str) -> list[Object]:
    """Of all combinations, each once, moved into a namespace that exists."""
    moved = (
        _moved(thing, namespace)
        for combination in COMBINATIONS
        for thing in release_of(combination).objects
    )
    return list({json.dumps(thing, sort_keys=True): thing for thing in moved}.values())


def _pods(namespace: str) -> list[Object]:
    found = {}
    for combination in COMBINATIONS:
        for pod in release_of(combination).every_pod:
            spec = json.loads(json.dumps(pod.spec))
            claims = pod.owner["spec"].get("volumeClaimTemplates", ())
            spec.setdefault("volumes", []).extend(
                {"name": name, "persistentVolumeClaim": {"claimName": name}}
                for name in (claim["metadata"]["name"] for claim in claims)
            )
            metadata = {"name": f"pod-{len(found)}", "namespace": namespace}
            whole = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
            found.setdefault(json.dumps(spec, sort_keys=True), whole)
    assert found
    return list(found.values())


def _moved(thing: Object, namespace: str) -> Object:
    if thing["kind"] in CLUSTER_SCOPED:
        return thing
    return thing | {"metadata": thing["metadata"] | {"namespace": namespace}}


def _stream(objects: list[Object]) -> str:
    return "\n---\n".join(map(json.dumps, objects))
