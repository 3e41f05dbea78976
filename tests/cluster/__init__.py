"""A real Kubernetes API server for tests: what the fixtures are called and what they give.

Fixtures (of `tests.cluster.fixtures`, known to all tests; each brings the marker `cluster`):

control_plane: ControlPlane (session; `tests.cluster.controlplane`)
    A running cluster, started at first use, or the one that HOOKGATE_TEST_KUBECONFIG names.
    `.admin: Access`, `.kubeconfig: Path` (admin's), `.version: str` ("v1.37.2"),
    `.kubectl(namespace="default", access=None) -> Kubectl`; `stop_server()`, `start_server()`,
    `await restart_server()`: the kube-apiserver alone, same address, etcd stays. On somebody's
    own cluster these three skip the test. `.require_controllers()` skips it where nothing deletes
    namespaces (which takes 5 s where something does).
namespace: str
    A fresh namespace; its deletion is asked for at the end and not waited for.
kubectl: Kubectl (`tests.cluster.kubectl`)
    kubectl as admin in `namespace`. `await kubectl(*arguments, stdin="") -> Result` never raises for
    an exit code (`.code .stdout .stderr`); the others raise KubectlFailed: `await kubectl.apply(text)`,
    `.must(*arguments, stdin="") -> str`, `.get(kind, name) -> dict`, `.find(kind, name) -> dict | None`,
    `.items(kind, selector="") -> list`, `.delete(kind, name, wait=True)`,
    `.patch(kind, name, patch, subresource="")`, `.events(kind, name) -> list`,
    `.until(kind, name, question, within=15.0) -> dict` (polls; `question` gets None when it is not there),
    `.condition(kind, name, "Ready", "True", reason=None, within=15.0) -> dict` (of the present generation);
    `.within(namespace)` and `.speaking_as(access)` give another Kubectl.
    `kubectl.run(*arguments, stdin="")` is the blocking form of the call, for what is not a coroutine.
crds_installed: None (session)
    `crds/*.yaml` are applied and served. `tests.cluster.crds`: `install_crds(control_plane)` after a test
    that took one away with `remove_crd(control_plane, name)`.
service_account: ServiceAccounts (`tests.cluster.service_accounts`)
    `service_account(name="operator", *, rules=(), cluster_rules=()) -> ServiceAccount` in `namespace`:
    bound to a Role of `rules` (there) and a ClusterRole of `cluster_rules`, each a list of RBAC rules as
    in YAML. `.access: Access` has a token of TokenRequest; `.kubeconfig: Path`; `.short_access(seconds)
    -> Access` a token that ends sooner than the ten minutes that TokenRequest gives at least.
faults: FaultsProxy (`tests.cluster.faults_proxy`)
    A proxy in front of the real server, over TLS, on a thread of its own (it answers while a test blocks).
    `.access_of(access) -> Access` the same identity through the proxy; `.kubeconfig(access=None,
    namespace="default") -> Path`. Faults, all with `method="*", path="", times=1` (None: all to come):
    `.answer(status, headers=None, body=None)`, `.delay(seconds)`, `.cut(after_bytes=0,
    before_server=False)`, `.hold() -> Hold`; and `.mute(path) -> Hold` (answers under way stand still: a
    silent watch), `.close_open(path="")` (watches break off), `.clear()`. `path` is a regular expression
    searched in path and query. Hold: `.release()`, `.wait_reached(within)`, `await .reached(within)`.
    `.requests: list[Recorded]` (`method path query user_agent status body at`), `.writes(path="")`,
    `.forget()`.

`Access` (`tests.cluster.access`): `url: str`, `ca_file: Path`, `token: str` (hidden in repr),
`.kubeconfig(path, namespace="default") -> Path`, and blocking plain requests: `.request(method, path,
body=None, content_type=…) -> Answer` (`.status .ok .headers .json()`), `.must(…)` the object answered.
`watching(access, path, resource_version)` (`tests.cluster.watching`): a watch, event by event.
`helm()`, `helm3()` (`tests.cluster.programs`): Helm's program, and that of its major version before.
`third_party_crds()` (`tests.cluster.provision.third_party`): files with the definitions of ServiceMonitor, PodMonitor,
PrometheusRule, HTTPRoute and its Gateway, Certificate and its Issuer. `tests.cluster.crds`:
`install_third_party_crds(control_plane)` (server-side: one is too large for kubectl's annotation).
`installation(home, kubeconfig, namespaces="", **settings)` (`tests.cluster.installation`): gateway and operator as
processes and a receiver; `.team(kubectl) -> Team`: what the people of a namespace apply, see, post and receive.

Which cluster it is: HOOKGATE_TEST_KUBECONFIG, else the programs in KUBEBUILDER_ASSETS, else programs
built once with Go (`python -m tests.cluster`), else the tests skip, or fail where CI=true.
HOOKGATE_TEST_KUBERNETES=1.30 builds the oldest supported version instead of the newest.
"""
