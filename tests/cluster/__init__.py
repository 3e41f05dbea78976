"""A real Kubernetes API server for tests: what the fixtures are called and what they give.

Fixtures (of `tests.cluster.fixtures`, known everywhere below `tests/`; each brings the marker `cluster`):

control_plane: ControlPlane (session)
    A running cluster, started at first use, or the one that HOOKGATE_TEST_KUBECONFIG names.
    `.admin: Access`, `.kubeconfig: Path` (admin's), `.version: str` ("v1.37.2"),
    `.kubectl(namespace="default", access=None) -> Kubectl`; `stop_server()`, `start_server()`,
    `await restart_server()`: the kube-apiserver alone, same address, etcd stays. On somebody's
    own cluster these three skip the test. `.require_controllers()` skips it where nothing deletes
    namespaces.
namespace: str
    A fresh namespace; its deletion is asked for at the end and not waited for.
kubectl: Kubectl
    kubectl as admin in `namespace`. `await kubectl(*arguments, stdin="") -> Result` never raises for
    an exit code (`.code .stdout .stderr`); the others raise KubectlFailed: `await kubectl.apply(text)`,
    `.get(kind, name) -> dict`, `.find(kind, name) -> dict | None`, `.items(kind, selector="") -> list`,
    `.delete(kind, name, wait=True)`, `.patch(kind, name, patch, subresource="")`,
    `.until(kind, name, question, within=15.0) -> dict` (polls; `question` gets None when it is not there),
    `.condition(kind, name, "Ready", "True", reason=None, within=15.0) -> dict`,
    `.events(kind, name) -> list`; `.within(namespace)`, `.speaking_as(access)` give another Kubectl.
    `kubectl.run(*arguments, stdin="")` is the blocking form of the call, for what is not a coroutine.
crds_installed: None (session)
    `crds/*.yaml` are applied and served. After a test that removes one: `install_crds(control_plane)`
    of `tests.cluster.crds`.
service_account: callable
    `service_account(name="operator", *, rules=(), cluster_rules=(), manifest=None) -> ServiceAccount` in
    `namespace`: bound to a Role of `rules` (there) and a ClusterRole of `cluster_rules`, each a list of
    RBAC rules as in YAML. `.access: Access` has a token of TokenRequest; `.kubeconfig: Path`;
    `.short_access(seconds) -> Access` a token that ends sooner than the ten minutes that TokenRequest allows.
faults: FaultsProxy
    A proxy in front of the real server, over TLS, on a thread of its own (it answers while a test blocks).
    `.access_of(access) -> Access` the same identity through the proxy; `.kubeconfig(access=None) -> Path`.
    Rules: `.answer(status, *, method, path, times=1, headers=None, body=None)`, `.delay(seconds, …)`,
    `.cut(after_bytes, …)`, `.hold(…) -> Hold` (`.release()`, `.wait_reached(within)`), `.clear()`.
    `method` is a name or "*", `path` a regular expression searched in the path and query.
    `.requests: list[Recorded]` (`method path query user_agent status`), `.writes() -> list[Recorded]`,
    `.forget()`.

`Access` (`tests.cluster.access`): `url: str`, `ca_file: Path`, `token: str` (hidden in repr),
`.kubeconfig(path, namespace="default") -> Path`, and `.request(method, path, body=None) -> Answer` (`.status`,
`.json()`), a blocking plain request.

Which cluster it is: HOOKGATE_TEST_KUBECONFIG, else the programs in KUBEBUILDER_ASSETS, else programs
built once with Go (`python -m tests.cluster`), else the tests skip, or fail where CI=true.
HOOKGATE_TEST_KUBERNETES=1.30 builds the oldest supported version instead of the newest.
"""
