"""The control plane of the tests is a real one, and can be stopped and started."""


import pytest
import yaml

from tests.cluster.controlplane import ControlPlane
from tests.cluster.kubectl import Kubectl, KubectlFailed


@pytest.fixture(name="widgets")
def _widgets(control_plane: ControlPlane):
    """A CRD of nobody else's; its REST path."""
    name = "widgets.tests.hookgate.dev"
    schema = {
        "type": "object",
        "properties": {
            "spec": {"type": "object", "properties": {"size": {"type": "integer", "maximum": 9}}}
        },
    }
    crd = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": name},
        "spec": {
            "group": "tests.hookgate.dev",
            "scope": "Namespaced",
            "names": {"plural": "widgets", "singular": "widget", "kind": "Widget"},
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": schema},
                }
            ],
        },
    }
    crds = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    control_plane.admin.must("POST", crds, crd)
    yield "/apis/tests.hookgate.dev/v1"
    control_plane.admin.request("DELETE", f"{crds}/{name}")


def widget(size: int) -> str:
    return yaml.safe_dump(
        {
            "apiVersion": "tests.hookgate.dev/v1",
            "kind": "Widget",
            "metadata": {"name": "one"},
            "spec": {"size": size},
        }
    )


async def test_a_custom_resource_is_served_and_its_schema_holds(
    kubectl: Kubectl, widgets: str
) -> None:
    await kubectl.must("wait", "--for=condition=Established", "crd/widgets.tests.hookgate.dev")
    await kubectl.apply(widget(3))
    assert (await kubectl.get("widget", "one"))["spec"] == {"size": 3}
    with pytest.raises(KubectlFailed, match="should be less than or equal to 9"):
        await kubectl.apply(widget(10))
    await kubectl.delete("widget", "one")
    assert await kubectl.find("widget", "one") is None
