"""
The chart on a whole node: kubelet, containerd and runc, with an image made of the Dockerfile's stages.

`make node` (root, Linux, 15 minutes the first time and 4 later) shows what processes cannot: that the pods' security is enforced, that
a kubelet probes, mounts, rotates and ends them, and that Services and names lead to them. Nothing else collects
these tests.

`provision` gets everything ahead: the node's programs (`binaries`), a base and the image (`base`, `image`, `oci`). `enter` then starts
pytest in namespaces of its own, where the network has nothing but a loopback and /run and /var/log are empty; with
pytest they end, and nothing of the node stays on the machine. In there `cluster` starts the control plane,
`containerd` and `kubelet` the node, `dns` answers for Services, and `storage` gives claims a folder.
"""
