"""A node for the session: pods of the namespaces that tests name run for real."""

import os
from collections.abc import Iterator

import pytest

from tests.cluster.controlplane import ControlPlane
from tests.install.kubelet import Node
from tests.install.sandbox import NoNode


@pytest.fixture(name="node", scope="session")
def _node(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """Skips, or fails where CI=true, on a machine that cannot run containers."""
    control_plane.require_controllers()
    node = Node(control_plane.admin, tmp_path_factory.mktemp("node"))
    try:
        node.start()
    except NoNode as reason:
        if os.environ.get("CI") == "true":
            pytest.fail(str(reason), pytrace=False)
        pytest.skip(f"PODS CANNOT RUN HERE: {reason}")
    yield node
    node.stop()
