"""Definitions of custom resources on a cluster under test: ours, and those of others that the chart makes."""

import time
from pathlib import Path

import yaml

from tests.cluster.controlplane import ControlPlane
from tests.cluster.provision.third_party import third_party_crds

FOLDER = Path(__file__).resolve().parents[2] / "crds"
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
SERVED_WITHIN = 60.0
"""A server looks every five seconds whether the objects of a definition that is deleted are gone."""
POLL_SECONDS = 0.05


def install_crds(control_plane: ControlPlane) -> None:
    """Apply `crds/*.yaml` and come back when every version of them is served."""
    files = sorted(FOLDER.glob("*.yaml"))
    if not files:
        raise AssertionError(f"there is no CRD in {FOLDER} to install")
    _install(control_plane, files)


def install_third_party_crds(control_plane: ControlPlane) -> None:
    """The same with the definitions of ServiceMonitor, HTTPRoute, Certificate and their like."""
    _install(control_plane, third_party_crds())


def _install(control_plane: ControlPlane, files: list[Path]) -> None:
    named = [f"--filename={file}" for file in files]
    done = control_plane.kubectl().run("apply", "--server-side", "--force-conflicts", *named)
    assert done.code == 0, done.stderr
    for group_version, plural in (served for file in files for served in _served(file)):
        await_served(control_plane, f"{group_version}/{plural}")
        # kubectl asks for the schemas too; they are told later than the objects, and slowly at first.
        await_served(control_plane, f"/openapi/v3{group_version}")
    control_plane.admin.must("GET", "/openapi/v2")


def _served(file: Path) -> list[tuple[str, str]]:
    spec = yaml.safe_load(file.read_text())["spec"]
    plural = spec["names"]["plural"]
    return [(f"/apis/{spec['group']}/{version['name']}", plural) for version in spec["versions"]]


def await_served(control_plane: ControlPlane, path: str) -> None:
    """Come back when `path` answers."""
    deadline = time.monotonic() + SERVED_WITHIN
    while not control_plane.admin.request("GET", f"{path}?limit=1").ok:
        assert time.monotonic() < deadline, f"{path} is not served after {SERVED_WITHIN} s"
        time.sleep(POLL_SECONDS)


def remove_crd(control_plane: ControlPlane, name: str) -> None:
    """Delete a CRD with all its objects, and come back when it is gone."""
    path = f"{CRDS}/{name}"
    deadline = time.monotonic() + SERVED_WITHIN
    while control_plane.admin.request("DELETE", path).status != 404:
        assert time.monotonic() < deadline, f"{name} is still there after {SERVED_WITHIN} s"
        time.sleep(POLL_SECONDS)
