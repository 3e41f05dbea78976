"""Where the programs of a control plane and its clients come from."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.provision.binaries import DEFAULT_VERSION, BuildFailed, build, built, recipe
from tests.cluster.provision.client_tools import HELM_3, client_tools

HOW_TO = (
    "no Kubernetes API server to run them on: install Go 1.26 or newer (it is then built once, "
    "six minutes), or set KUBEBUILDER_ASSETS (setup-envtest), or HOOKGATE_TEST_KUBECONFIG (kind)"
)


class NoCluster(Exception):
    """There is nothing to run an API server from; the message says how to get one."""


@dataclass(frozen=True, slots=True)
class Programs:
    """The server's programs; setup-envtest has no controller manager."""

    etcd: Path
    kube_apiserver: Path
    kube_controller_manager: Path | None


def minor_version() -> str:
    """The version to build, as "1.37"."""
    return os.environ.get("HOOKGATE_TEST_KUBERNETES") or DEFAULT_VERSION


def programs() -> Programs:
    """The server's programs, built now if need be. Minutes, once; NoCluster."""
    if assets := os.environ.get("KUBEBUILDER_ASSETS"):
        return _in(Path(assets))
    try:
        wanted = recipe(minor_version())
    except ValueError as unknown:
        raise NoCluster(str(unknown)) from unknown
    if folder := built(wanted):
        return _in(folder)
    if shutil.which("go") is None:
        raise NoCluster(HOW_TO)
    try:
        return _in(build(wanted))
    except BuildFailed as failure:
        raise NoCluster(f"{HOW_TO}; {failure}") from failure


def kubectl() -> Path:
    """kubectl: named, among the assets, or fetched once; FetchFailed."""
    return _client("kubectl")


def helm() -> Path:
    """Helm, fetched once; FetchFailed."""
    return _client("helm")


def helm3() -> Path:
    """Helm's major version before, fetched once; FetchFailed."""
    if named := os.environ.get("HOOKGATE_TEST_HELM3"):
        return Path(named)
    return client_tools(HELM_3) / "helm"


def _client(name: str) -> Path:
    if named := os.environ.get(f"HOOKGATE_TEST_{name.upper()}"):
        return Path(named)
    found = Path(os.environ.get("KUBEBUILDER_ASSETS", ""), name)
    if found.is_absolute() and found.is_file():
        return found
    return client_tools() / name


def _in(folder: Path) -> Programs:
    for needed in ("etcd", "kube-apiserver"):
        if not (folder / needed).is_file():
            raise NoCluster(f"{folder} holds no {needed}; {HOW_TO}")
    manager = folder / "kube-controller-manager"
    return Programs(
        folder / "etcd", folder / "kube-apiserver", manager if manager.is_file() else None
    )
