"""What the API server refuses at `kubectl apply` is what the models refuse, in their words."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from hookgate.resources import WebhookReplay, WebhookSubscription
from tests.cluster.controlplane import ControlPlane
from tests.cluster.kubectl import Kubectl, Result
from tests.manifest_cases import EDITED, REFUSED, TAKEN, Edited, Refused

pytestmark = pytest.mark.usefixtures("crds_installed")

MODELS = {"WebhookSubscription": WebhookSubscription, "WebhookReplay": WebhookReplay}
EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "kubernetes"


@pytest.fixture(name="shop", scope="module")
def _shop(control_plane: ControlPlane, crds_installed: None):
    """kubectl in one namespace for all of these tests: their objects differ in name."""
    name = "admission"
    control_plane.admin.must("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    yield control_plane.kubectl(name)
    control_plane.admin.request("DELETE", f"/api/v1/namespaces/{name}")


def named(manifest: dict[str, Any], name: str) -> dict[str, Any]:
    return manifest | {"metadata": {"name": name}}


def assert_refused(result: Result, where: str, words: str) -> None:
    assert result.code == 1, "the API server took it"
    assert any(
        where in line and words in line.partition(where)[2] for line in result.stderr.splitlines()
    ), result.stderr


@pytest.mark.parametrize("case", REFUSED, ids=str)
async def test_refused(case: Refused, shop: Kubectl):
    result = await shop("apply", "--filename=-", stdin=json.dumps(case.manifest))
    words = case.words if case.server is None else case.server
    assert_refused(result, case.server_path or f"{case.where}: ", words)


@pytest.mark.parametrize("number", range(len(TAKEN)))
async def test_taken_and_completed_as_the_models_do(number: int, shop: Kubectl):
    manifest = named(TAKEN[number], f"taken-{number}")
    await shop.apply(json.dumps(manifest))
    stored = await shop.get(manifest["kind"], f"taken-{number}")
    model = MODELS[manifest["kind"]]
    assert model.model_validate(stored).spec == model.model_validate(manifest).spec
    completed = model.model_validate(manifest).spec.model_dump(
        mode="json", by_alias=True, exclude_none=True
    )
    if url := completed.get("endpoint", {}).get("url"):
        assert stored["spec"]["endpoint"].pop("url").strip() == url  # only the models trim
        del completed["endpoint"]["url"]
    assert stored["spec"] == completed


@pytest.mark.parametrize("number", range(len(EDITED)))
async def test_edited(number: int, shop: Kubectl):
    case = EDITED[number]
    name = f"edited-{number}"
    await shop.apply(json.dumps(named(case.before, name)))
    patch = json.dumps({"spec": case.patch})
    result = await shop("patch", case.before["kind"], name, "--type=merge", f"--patch={patch}")
    if case.line is None:
        assert result.code == 0, result.stderr
    else:
        where, _, words = case.line.partition(": ")
        assert_refused(result, f"{where}: ", words)
