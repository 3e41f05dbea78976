"""
The chart on a whole node: kubelet, containerd and runc, with an image made of the Dockerfile's stages.

`make node` (root on Debian; seven minutes, and ten more the first time) shows what processes cannot: that the
kernel gives the pods no rights, that a kubelet probes, mounts, renews and ends them, and that Services and names
lead to them. Nothing else collects these tests.

`provision` gets everything ahead: the node's programs (`binaries`), and the image (`base`, `image`, `oci`).
`machine` then starts pytest in namespaces of its own, where the network has no way out and /run, /var/log and
/var/lib are empty; with pytest they end, and nothing of the node stays. In there `cluster` starts the control
plane (`control_plane`), `containerd`, `kubelet` with scheduler and kube-proxy, and the DNS (`names`); `storage`
gives claims a volume, and `inside` looks into containers.

What is not shown: NetworkPolicies, which this network does not enforce, more than one node, and control groups of
version 2 where the machine has version 1.
"""
