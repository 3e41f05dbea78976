"""What the tests of the fixtures themselves stand on."""

from collections.abc import Iterator

import pytest

from tests.cluster.controlplane import ControlPlane
from tests.cluster.crds import CRDS, await_served, remove_crd
from tests.cluster.widgets import CRD_NAME, GROUP, crd


@pytest.fixture(name="widgets")
def _widgets(control_plane: ControlPlane, namespace: str) -> Iterator[str]:
    """A custom resource of our own, served; the path of its collection in `namespace`."""
    control_plane.admin.must("POST", CRDS, crd())
    await_served(control_plane, f"{GROUP}/widgets")
    yield f"{GROUP}/namespaces/{namespace}/widgets"
    remove_crd(control_plane, CRD_NAME)
