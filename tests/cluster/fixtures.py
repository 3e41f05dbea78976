"""The fixtures that `tests.cluster` describes, for all tests."""

import os
import re
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster import programs
from tests.cluster.controlplane import ControlPlane, OwnControlPlane
from tests.cluster.crds import install_crds
from tests.cluster.faults_proxy import FaultsProxy
from tests.cluster.given import given
from tests.cluster.kubectl import Kubectl
from tests.cluster.provision.client_tools import FetchFailed
from tests.cluster.service_accounts import ServiceAccounts

_REASON = pytest.StashKey[str]()  # why there is no API server


def pytest_itemcollected(item: pytest.Item) -> None:
    """What uses the control plane carries the marker `cluster`."""
    if "control_plane" in getattr(item, "fixturenames", ()):
        item.add_marker(pytest.mark.cluster)


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> None:
    """Build what has to be built before the first test, where no test's time limit runs."""
    wanted = any(item.get_closest_marker("cluster") for item in session.items)
    if (
        not wanted
        or session.config.option.collectonly
        or os.environ.get("HOOKGATE_TEST_KUBECONFIG")
    ):
        return
    capture = session.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        try:
            programs.programs()
            programs.kubectl()
        except (programs.NoCluster, FetchFailed) as reason:
            session.config.stash[_REASON] = str(reason)


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """One loud line when the cluster tests did not run."""
    if reason := config.stash.get(_REASON, None):
        terminalreporter.write_line(f"CLUSTER TESTS DID NOT RUN: {reason}", yellow=True, bold=True)


@pytest.fixture(name="control_plane", scope="session")
def _control_plane(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ControlPlane]:
    if reason := request.config.stash.get(_REASON, None):
        if os.environ.get("CI") == "true":
            pytest.fail(reason, pytrace=False)
        pytest.skip("no Kubernetes API server")
    home = tmp_path_factory.mktemp("control-plane")
    kubectl = programs.kubectl()
    if kubeconfig := os.environ.get("HOOKGATE_TEST_KUBECONFIG"):
        theirs = given(Path(kubeconfig), kubectl, home)
        yield theirs
        theirs.close()
        return
    own = OwnControlPlane(programs.programs(), kubectl, home)
    try:
        own.start()
        yield own
    finally:
        own.stop()


@pytest.fixture(name="crds_installed", scope="session")
def _crds_installed(control_plane: ControlPlane) -> None:
    install_crds(control_plane)


@pytest.fixture(name="namespace")
def _namespace(control_plane: ControlPlane, request: pytest.FixtureRequest) -> Iterator[str]:
    """A fresh namespace, named after the test."""
    test = re.sub(r"[^a-z0-9]+", "-", request.node.name.removeprefix("test_").lower())
    name = f"{test[:40].strip('-')}-{secrets.token_hex(3)}"
    control_plane.admin.must("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    yield name
    control_plane.admin.request("DELETE", f"/api/v1/namespaces/{name}")


@pytest.fixture(name="kubectl")
def _kubectl(control_plane: ControlPlane, namespace: str) -> Kubectl:
    return control_plane.kubectl(namespace)


@pytest.fixture(name="service_account")
def _service_account(
    control_plane: ControlPlane, namespace: str, tmp_path: Path
) -> Iterator[ServiceAccounts]:
    key = control_plane.signing_key if isinstance(control_plane, OwnControlPlane) else None
    accounts = ServiceAccounts(control_plane.admin, namespace, tmp_path, key, [])
    yield accounts
    accounts.close()


@pytest.fixture(name="faults")
def _faults(
    control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[FaultsProxy]:
    proxy = FaultsProxy(control_plane.admin, tmp_path_factory.mktemp("faults"))
    proxy.start()
    yield proxy
    proxy.stop()
