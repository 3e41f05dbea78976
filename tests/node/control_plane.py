"""The tests' control plane with what a node needs of it: an address for pods, every controller, ServiceAccounts."""

from pathlib import Path

from tests.cluster.controlplane import OwnControlPlane

# The one that is left out publishes CAs, and the server's certificate is its own.
CONTROLLERS = "*,-kube-apiserver-serving-clustertrustbundle-publisher-controller"


class WholeControlPlane(OwnControlPlane):
    """As a cluster has it: pods reach the API server by its Service, and admission is what it is by default."""

    def _server_arguments(self, program: Path) -> list[str | Path]:
        return _but(
            super()._server_arguments(program),
            {
                "--endpoint-reconciler-type": "lease",
                "--kubelet-preferred-address-types": "InternalIP",
                "--disable-admission-plugins": "",
            },
        )

    def _manager_arguments(self, program: Path) -> list[str | Path]:
        return _but(super()._manager_arguments(program), {"--controllers": CONTROLLERS})


def _but(arguments: list[str | Path], instead: dict[str, str]) -> list[str | Path]:
    """The arguments with other values for some of them; an empty one leaves the argument out."""
    kept = [each for each in arguments if str(each).partition("=")[0] not in instead]
    return [*kept, *(f"{name}={value}" for name, value in instead.items() if value)]
