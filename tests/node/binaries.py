"""
The node's programs, built as those of the control plane are.

`python -m tests.node.binaries 1.37.2` pins another version of Kubernetes; it is the control plane's.
"""

import sys
from pathlib import Path

from tests.cluster.provision.binaries import Recipe, required
from tests.cluster.provision.pin import pin

SOURCES = Path(__file__).parent / "programs"
NAMES = ("kube-proxy", "kube-scheduler", "kubelet")


def node_recipe() -> Recipe:
    """kubelet, kube-scheduler and kube-proxy of the version that is pinned."""
    pins = (SOURCES / "go.mod", SOURCES / "go.sum")
    patch = required(pins[0])
    files = (*pins, *sorted(SOURCES.rglob("*.go")))
    return Recipe(patch.rpartition(".")[0], patch, files, SOURCES, NAMES)


if __name__ == "__main__":
    for wanted in sys.argv[1:]:
        sys.stdout.write(f"{pin(wanted, SOURCES, SOURCES)}\n")
