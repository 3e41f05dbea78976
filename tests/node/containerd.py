"""The node's containerd: Debian's, with runc, overlayfs and a route to each pod."""

import json
import subprocess
from pathlib import Path

from tests.cluster.processes import Program
from tests.node.oci import PAUSE

POD_NETWORK = "10.211.0.0/24"
SOCKET = "/run/containerd/containerd.sock"
READY_WITHIN = 20.0
# A container in which root may not raise its own standing with the kernel's out-of-memory killer can still be a node.
_CONFIG = """\
version = 2
disabled_plugins = [
    "io.containerd.internal.v1.opt",
    "io.containerd.snapshotter.v1.aufs",
    "io.containerd.snapshotter.v1.btrfs",
    "io.containerd.snapshotter.v1.devmapper",
    "io.containerd.snapshotter.v1.zfs",
]

[plugins."io.containerd.grpc.v1.cri"]
disable_apparmor = true
restrict_oom_score_adj = true
sandbox_image = "{pause}"

[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "/usr/lib/cni"
conf_dir = "{networks}"
"""


def containerd(home: Path) -> Program:
    """containerd, not started yet."""
    networks = home / "networks"
    networks.mkdir()
    (networks / "10-pods.conflist").write_text(json.dumps(_network()))
    config = home / "containerd.toml"
    config.write_text(_CONFIG.format(pause=PAUSE, networks=networks))
    return Program(["containerd", f"--config={config}"], home / "containerd.log")


def load(archive: Path) -> None:
    """Give it the images of an archive."""
    command = ["ctr", "--namespace=k8s.io", "images", "import", "--all-platforms", archive]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def _network() -> dict[str, object]:
    """Each pod has a wire to the node and a route over it: nothing between pods passes the node by."""
    addresses = {
        "type": "host-local",
        "dataDir": "/run/pod-addresses",
        "ranges": [[{"subnet": POD_NETWORK}]],
        "routes": [{"dst": "0.0.0.0/0"}],
    }
    plugin = {"type": "ptp", "ipMasq": False, "ipam": addresses}
    return {"cniVersion": "1.0.0", "name": "pods", "plugins": [plugin]}
