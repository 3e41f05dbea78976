"""
The chart, installed by Helm on the API server of the tests, with its pods run for real.

Fixtures (of `conftest`):

node: Node (session; `tests.install.kubelet`)
    Runs the pods of namespaces that are named with `node.serve(namespace)`: each a network namespace with an
    address, each container a process under runc with the isolation, volumes, tokens and probes that its
    specification asks for. Services have addresses and names. `await node.signal(namespace, pod, container,
    number)`, `node.log(namespace, pod, container)`, `node.machine`: where pods find what tests serve.
standing: Release (session; `tests.install.release`)
    Helm 4's, in the namespace `standing`, with two operators and all of its monitoring; modules that harm it
    come last (`test_trouble`).
hookgate: Used
    `standing` in use: `.receiver`, which its pods reach, `.gateway`, a client of its public Service, and
    `await hookgate.settled(kubectl) -> Team` (`tests.cluster.installation`) with a subscription that is ready.
empty: (OwnControlPlane, Node) (module)
    A control plane that nobody has ever installed anything on.

What it plays and how: `sandbox` (the machine), `image`, `podspec` (what a specification says), `volumes` and
`mounted`, `containers` (runc), `probes`, `status`, `pods`, `claims` (the provisioner), `services` (kube-proxy
and DNS), `kubelet` (the node). Periods of probes and restarts are scaled to a tenth; nothing else is.
What is not shown: seccomp profiles, NetworkPolicies, volumes of a size.

It needs root, and Debian's iproute2, runc and util-linux; without them tests skip, or fail where CI=true.
Nothing of it stays, also when a test run is killed, and nothing of the machine's own network is touched.
"""
