"""Nodes that run pods, and a release that stands for the tests of this package, and not for those after it.

Its operator looks after all of the session's cluster: left standing, it would judge the subscriptions of other tests.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.cluster import programs
from tests.cluster.controlplane import ControlPlane, OwnControlPlane
from tests.cluster.crds import install_third_party_crds
from tests.install import image
from tests.install.helm import Helm
from tests.install.image import Image
from tests.install.kubelet import Node
from tests.install.release import Release, Used, used
from tests.install.sandbox import NoNode, check_machine

STANDING = {
    "crds": {
        "enabled": False
    },  # the session's are there, as somebody applied them who had the rights
    "operator": {
        "replicaCount": 2,
        "leaderElection": {"leaseSeconds": 9},
        "terminationGracePeriodSeconds": 5,  # for one that does not listen
        "livenessProbe": {"failureThreshold": 3},
    },
    "metrics": {
        "serviceMonitor": {"enabled": True},
        "prometheusRule": {"enabled": True},
        "dashboards": {"enabled": True},
    },
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What is installed for several tests counts to the time of the first one."""
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.timeout(300))


@pytest.fixture(name="image", scope="session")
def _image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    """Skips, or fails where CI=true, on a machine that cannot run containers."""
    try:
        check_machine()
    except NoNode as reason:
        if os.environ.get("CI") == "true":
            pytest.fail(str(reason), pytrace=False)
        pytest.skip(f"PODS CANNOT RUN HERE: {reason}")
    return asyncio.run(image.build(tmp_path_factory.mktemp("image")))


@pytest.fixture(name="node", scope="package")
def _node(
    control_plane: ControlPlane, image: Image, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Node]:
    """A node of the session's control plane."""
    if not isinstance(control_plane, OwnControlPlane):
        pytest.skip("somebody's own cluster has kubelets of its own")
    control_plane.require_controllers()
    node = Node(control_plane.admin, image, tmp_path_factory.mktemp("node"))
    node.start()
    yield node
    node.stop()


@pytest.fixture(name="standing", scope="package")
def _standing(control_plane: ControlPlane, crds_installed: None, node: Node) -> Iterator[Release]:
    """A release of Helm 4 that stands for all the package, with two operators and all of its monitoring."""
    install_third_party_crds(control_plane)
    namespace = "standing"
    control_plane.admin.must("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}})
    node.serve(namespace)
    release = Release(
        node,
        Helm("Helm 4", control_plane.kubeconfig, namespace),
        control_plane.kubectl(namespace),
    )
    release.upgrade(STANDING)
    yield release
    control_plane.admin.request("DELETE", f"/api/v1/namespaces/{namespace}")


@pytest.fixture(name="empty", scope="module")
def _empty(
    node: Node, image: Image, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[OwnControlPlane, Node]]:
    """A control plane that nobody has ever installed anything on, with a node; for the tests of a module."""
    home = tmp_path_factory.mktemp("empty")
    (home / "control-plane").mkdir()
    plane = OwnControlPlane(programs.programs(), programs.kubectl(), home / "control-plane")
    its_node = Node(plane.admin, image, home / "node")
    try:
        plane.start()
        its_node.start()
        yield plane, its_node
        its_node.stop()
    finally:
        plane.stop()


@pytest_asyncio.fixture(name="hookgate")
async def _hookgate(standing: Release) -> AsyncIterator[Used]:
    """The standing release in use."""
    async with used(standing) as it:
        yield it
