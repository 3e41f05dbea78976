"""The node's own programs: kubelet, and beside it the scheduler and kube-proxy of a one-node cluster."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.cluster.processes import Program
from tests.node import machine
from tests.node.containerd import POD_NETWORK, SOCKET

NODE = "node"
ALL = "0.0.0.0"


def kubelet_configuration(home: Path, group: str) -> dict[str, Any]:
    """What a kubelet of Kubernetes 1.37 asks for where the machine is not all its own."""
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "containerRuntimeEndpoint": f"unix://{SOCKET}",
        "clusterDNS": [machine.ADDRESS],
        "clusterDomain": "cluster.local",
        "resolvConf": "",
        # The API server asks for logs and exec without a certificate.
        "authentication": {"anonymous": {"enabled": True}, "webhook": {"enabled": False}},
        "authorization": {"mode": "AlwaysAllow"},
        # Its place among this machine's control groups, and none of its memory is promised to anybody.
        "failCgroupV1": False,
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{group}",
        "enforceNodeAllocatable": [],
        "localStorageCapacityIsolation": False,
        "evictionHard": {"memory.available": "100Mi"},
        "failSwapOn": False,
        "oomScoreAdj": 0,
        "makeIPTablesUtilChains": False,
        "volumePluginDir": str(home / "volume-plugins"),
        "healthzPort": 0,
        "logging": {"format": "text", "verbosity": 2},
    }


def proxy_configuration(kubeconfig: Path) -> dict[str, Any]:
    """Of a kube-proxy that touches nothing outside its network namespace."""
    as_it_is = {"maxPerCore": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"}
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "clientConnection": {"kubeconfig": str(kubeconfig)},
        "mode": "nftables",
        "clusterCIDR": POD_NETWORK,
        "hostnameOverride": NODE,
        "conntrack": as_it_is,
        "oomScoreAdj": 0,
        "healthzBindAddress": "127.0.0.1:10256",
        "metricsBindAddress": "127.0.0.1:10249",
    }


def programs(folder: Path, kubeconfig: Path, home: Path, group: str) -> list[Program]:
    """Scheduler, kube-proxy and kubelet, not started yet."""
    kubelet = _written(home / "kubelet.json", kubelet_configuration(home, group))
    proxy = _written(home / "kube-proxy.json", proxy_configuration(kubeconfig))
    return [
        Program(
            [
                folder / "kube-scheduler",
                f"--kubeconfig={kubeconfig}",
                "--leader-elect=false",
                "--bind-address=127.0.0.1",
            ],
            home / "kube-scheduler.log",
        ),
        Program([folder / "kube-proxy", f"--config={proxy}"], home / "kube-proxy.log"),
        Program(
            [
                folder / "kubelet",
                f"--config={kubelet}",
                f"--kubeconfig={kubeconfig}",
                f"--hostname-override={NODE}",
                f"--node-ip={machine.ADDRESS}",
            ],
            home / "kubelet.log",
        ),
    ]


def _written(path: Path, document: Mapping[str, Any]) -> Path:
    path.write_text(json.dumps(document))
    return path
