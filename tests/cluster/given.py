"""A cluster that somebody gave to the tests by HOOKGATE_TEST_KUBECONFIG."""

import base64
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cluster.access import Access
from tests.cluster.kubectl import Kubectl

NOT_OURS = "needs a control plane of its own: HOOKGATE_TEST_KUBECONFIG names a cluster of yours"
ADMIN = "hookgate-tests-admin"


@dataclass(frozen=True, slots=True)
class GivenControlPlane:
    """Used as it is; what would stop it skips the test instead."""

    admin: Access
    kubeconfig: Path
    version: str
    program: Path
    theirs: Kubectl

    def kubectl(self, namespace: str = "default", access: Access | None = None) -> Kubectl:
        admin = Kubectl(self.program, self.kubeconfig, namespace)
        return admin.speaking_as(access) if access else admin

    def stop_server(self) -> None:
        pytest.skip(NOT_OURS)

    def start_server(self) -> None:
        pytest.skip(NOT_OURS)

    async def restart_server(self) -> None:
        pytest.skip(NOT_OURS)

    def require_controllers(self) -> None:
        """A whole cluster has them."""

    def close(self) -> None:
        """Take away what `given` made."""
        self.theirs.run("delete", "serviceaccount", ADMIN)
        self.theirs.run("delete", "clusterrolebinding", ADMIN)


def given(kubeconfig: Path, program: Path, home: Path) -> GivenControlPlane:
    """The cluster that `kubeconfig` names by its current context.

    However its user logs in (certificate, plugin), the tests speak with the token of a
    ServiceAccount in `kube-system` that is bound to `cluster-admin`.
    """
    copy = shutil.copy(kubeconfig, home / "kubeconfig-given")
    theirs = Kubectl(program, Path(copy), "kube-system")
    shown = theirs.run("config", "view", "--raw", "--minify", "--flatten", "--output=json")
    cluster = json.loads(shown.stdout)["clusters"][0]["cluster"]
    ca_file = home / "ca.crt"
    ca_file.write_bytes(base64.b64decode(cluster["certificate-authority-data"]))
    theirs.run("create", "serviceaccount", ADMIN)
    theirs.run(
        "create",
        "clusterrolebinding",
        ADMIN,
        "--clusterrole=cluster-admin",
        f"--serviceaccount=kube-system:{ADMIN}",
    )
    made = theirs.run("create", "token", ADMIN, "--duration=6h")
    assert made.code == 0, made.stderr
    admin = Access(cluster["server"], ca_file, made.stdout.strip())
    version = str(admin.must("GET", "/version")["gitVersion"])
    return GivenControlPlane(admin, admin.kubeconfig(home / "kubeconfig"), version, program, theirs)
