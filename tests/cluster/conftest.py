"""What only tests of this package stand on: resources of their own, an operator amid faults."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
import pytest_asyncio

from tests.cluster.controlplane import ControlPlane
from tests.cluster.crds import CRDS, await_served, remove_crd
from tests.cluster.faults_proxy import FaultsProxy
from tests.cluster.faulty import Faulty, Planes, faulty, gateway_behind_faults
from tests.cluster.installation import Installation, Team, installation
from tests.cluster.kubectl import Kubectl
from tests.cluster.rbac import lease_rules, operator_rules
from tests.cluster.service_accounts import ServiceAccount, ServiceAccounts
from tests.cluster.widgets import CRD_NAME, GROUP, crd


@pytest.fixture(name="widgets")
def _widgets(control_plane: ControlPlane, namespace: str) -> Iterator[str]:
    """A custom resource of our own, served; the path of its collection in `namespace`."""
    control_plane.admin.must("POST", CRDS, crd())
    await_served(control_plane, f"{GROUP}/widgets")
    yield f"{GROUP}/namespaces/{namespace}/widgets"
    remove_crd(control_plane, CRD_NAME)


@pytest.fixture(name="account")
def _account(service_account: ServiceAccounts, crds_installed: None) -> ServiceAccount:
    """Who may do what is documented, and nothing else."""
    return service_account(rules=[*operator_rules(), *lease_rules()])


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="planes")
async def _planes(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Planes]:
    """A gateway behind a proxy of faults, and a receiver, for the tests of a module."""
    async with gateway_behind_faults(tmp_path_factory.mktemp("planes")) as it:
        yield it


@pytest.fixture(name="operator_of")
def _operator_of(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    planes: Planes,
    faults: FaultsProxy,
    account: ServiceAccount,
) -> Callable[..., AbstractAsyncContextManager[Faulty]]:
    """Makes the operator of `namespace`, with settings, between two proxies of faults."""
    kubectl: Kubectl = request.getfixturevalue("kubectl")
    admin = request.getfixturevalue("control_plane").admin

    def make(**settings: str) -> AbstractAsyncContextManager[Faulty]:
        return faulty(
            tmp_path,
            planes=planes,
            cluster=faults,
            account=account,
            kubectl=kubectl,
            admin=admin,
            **settings,
        )

    return make


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="hookgate")
async def _hookgate(
    control_plane: ControlPlane, crds_installed: None, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Installation]:
    """A gateway, an operator of all the cluster and a receiver, for the tests of a module."""
    home = tmp_path_factory.mktemp("h")
    async with installation(home, control_plane.kubeconfig) as it:
        await it.start()
        yield it


@pytest_asyncio.fixture(loop_scope="module", name="team")
async def _team(hookgate: Installation, kubectl: Kubectl) -> Team:
    """The people of the test's namespace, who have an API key and a signing Secret."""
    team = hookgate.team(kubectl)
    await team.settle()
    return team
