"""Pod Security Standards, level "restricted", and what goes beyond it: a read-only root, one user.

https://kubernetes.io/docs/concepts/security/pod-security-standards/
"""

from collections.abc import Iterator

from tests.chart.releases import Release, told
from tests.chart.rendering import Object

USER = 65532
ALLOWED_VOLUMES = frozenset(
    {
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "persistentVolumeClaim",
        "projected",
        "secret",
    }
)


def no_pod_runs_as_root(release: Release) -> Iterator[str]:
    for container, security in _containers(release):
        if security.get("runAsNonRoot") is not True:
            yield f"{container}: runAsNonRoot is not true"
        if security.get("runAsUser", 0) == 0:
            yield f"{container}: runAsUser is 0, or the image's"


def every_pod_runs_as_65532(release: Release) -> Iterator[str]:
    """The image's user, said by number: a name cannot be checked by the kubelet."""
    for container, security in _containers(release):
        for key in ("runAsUser", "runAsGroup"):
            if security.get(key) != USER:
                yield f"{container}: {key} is {security.get(key)}"


def volumes_are_writable_for_the_group_of_the_pod(release: Release) -> Iterator[str]:
    """A fresh volume belongs to root; with fsGroup it is the pod's as well."""
    for pod in release.every_pod:
        group = pod.spec.get("securityContext", {}).get("fsGroup")
        if pod.owner["kind"] == "StatefulSet" and group != USER:
            yield f"{told(pod.owner)}: fsGroup is {group}"


def every_container_has_the_runtimes_seccomp_profile(release: Release) -> Iterator[str]:
    for container, security in _containers(release):
        if security.get("seccompProfile", {}).get("type") != "RuntimeDefault":
            yield f"{container}: seccompProfile is {security.get('seccompProfile')}"


def every_container_drops_all_capabilities(release: Release) -> Iterator[str]:
    for container, security in _containers(release):
        capabilities = security.get("capabilities", {})
        if capabilities.get("drop") != ["ALL"] or capabilities.get("add"):
            yield f"{container}: capabilities are {capabilities}"


def no_container_gains_privileges(release: Release) -> Iterator[str]:
    for container, security in _containers(release):
        if security.get("allowPrivilegeEscalation") is not False:
            yield f"{container}: allowPrivilegeEscalation is not false"
        if security.get("privileged") or security.get("procMount", "Default") != "Default":
            yield f"{container}: is privileged"


def no_pod_shares_the_node(release: Release) -> Iterator[str]:
    for pod in release.every_pod:
        for key in ("hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace"):
            if pod.spec.get(key):
                yield f"{told(pod.owner)}: {key}"
        for port in pod.ports:
            if "hostPort" in port or "hostIP" in port:
                yield f"{told(pod.owner)}: hostPort at {port}"
        if pod.spec.get("securityContext", {}).get("sysctls"):
            yield f"{told(pod.owner)}: sysctls"


def volumes_are_of_the_kinds_that_restricted_allows(release: Release) -> Iterator[str]:
    for pod in release.every_pod:
        for volume in pod.spec.get("volumes", ()):
            if foreign := set(volume) - {"name"} - ALLOWED_VOLUMES:
                yield f"{told(pod.owner)}: volume {volume['name']} is a {foreign}"


def every_root_file_system_is_read_only(release: Release) -> Iterator[str]:
    for container, security in _containers(release):
        if security.get("readOnlyRootFilesystem") is not True:
            yield f"{container}: its root can be written"


def probes_ask_the_pod_itself(release: Release) -> Iterator[str]:
    """A probe's `host` lets the kubelet be sent anywhere; restricted refuses it since 1.34."""
    for pod in release.every_pod:
        for container in pod.containers:
            for name in ("livenessProbe", "readinessProbe", "startupProbe"):
                if "host" in container.get(name, {}).get("httpGet", {}):
                    yield f"{told(pod.owner)}: {name} has a host"


def _containers(release: Release) -> Iterator[tuple[str, Object]]:
    """Each container with what holds for it: its own security context over the pod's."""
    for pod in release.every_pod:
        for container in pod.containers:
            security = pod.spec.get("securityContext", {}) | container.get("securityContext", {})
            yield f"{told(pod.owner)}, container {container['name']}", security


POLICIES = (
    no_pod_runs_as_root,
    every_pod_runs_as_65532,
    volumes_are_writable_for_the_group_of_the_pod,
    every_container_has_the_runtimes_seccomp_profile,
    every_container_drops_all_capabilities,
    no_container_gains_privileges,
    no_pod_shares_the_node,
    volumes_are_of_the_kinds_that_restricted_allows,
    every_root_file_system_is_read_only,
    probes_ask_the_pod_itself,
)
