"""A storage class without a provisioner, and local volumes on the node for it: what claims bind to."""

from pathlib import Path
from typing import Any

from tests.cluster.installation import listed
from tests.cluster.kubectl import Kubectl
from tests.node.kubelet import NODE

CLASS = "local"


def storage_class() -> dict[str, Any]:
    """The cluster's default."""
    default = {"storageclass.kubernetes.io/is-default-class": "true"}
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": CLASS, "annotations": default},
        "provisioner": "kubernetes.io/no-provisioner",
        "volumeBindingMode": "WaitForFirstConsumer",
    }


def volume(name: str, folder: Path) -> dict[str, Any]:
    """A folder of the node; unlike a `hostPath` it is given to the pod's group."""
    here = {"key": "kubernetes.io/hostname", "operator": "In", "values": [NODE]}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name},
        "spec": {
            "capacity": {"storage": "10Gi"},
            "accessModes": ["ReadWriteOnce"],
            "persistentVolumeReclaimPolicy": "Retain",
            "storageClassName": CLASS,
            "local": {"path": str(folder)},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [here]}]}},
        },
    }


async def offer(kubectl: Kubectl, folders: list[Path]) -> None:
    """Make the class, and a volume of each folder, which belongs to root and to nobody else."""
    for folder in folders:
        folder.mkdir(mode=0o700)
    await kubectl.apply(listed(storage_class(), *(volume(each.name, each) for each in folders)))
