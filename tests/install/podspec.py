"""
What a pod's specification says of its containers, as a kubelet reads it. Nothing here does anything.

What these tests' kubelet does not know is an error (`Unsupported`), never passed over.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

_NAMES = """
    AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE NET_RAW SETFCAP SETGID SETPCAP
    SETUID SYS_CHROOT
"""
DEFAULT_CAPABILITIES = frozenset(f"CAP_{name}" for name in _NAMES.split())
CLUSTER_DNS = "10.0.0.10"
_REFERENCE = re.compile(r"\$\$|\$\(([-._a-zA-Z][-._a-zA-Z0-9]*)\)")
_KNOWN_CONTAINER = """
    name image imagePullPolicy command args env envFrom ports volumeMounts workingDir resources securityContext
    livenessProbe readinessProbe startupProbe terminationMessagePath terminationMessagePolicy
"""
_KNOWN_POD = """
    serviceAccountName serviceAccount automountServiceAccountToken containers volumes securityContext hostname
    subdomain nodeName restartPolicy terminationGracePeriodSeconds dnsPolicy schedulerName enableServiceLinks
    imagePullSecrets nodeSelector affinity tolerations topologySpreadConstraints priorityClassName priority
    preemptionPolicy
"""
Lookup = Mapping[tuple[str, str], Mapping[str, bytes]]
"""The data of what is named: (`secret` or `configmap`, name) → key → value."""


class Unsupported(Exception):
    """A specification asks for something that the tests' kubelet does not do."""


class Missing(Exception):
    """A Secret, a ConfigMap or a key that is named and not there; the message is a kubelet's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who a container's process is."""

    user: int
    group: int
    more_groups: tuple[int, ...] = ()
    capabilities: frozenset[str] = frozenset()
    may_gain_privileges: bool = True
    read_only_root: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of a pod once it runs."""

    pod: Mapping[str, Any]
    address: str
    node_address: str
    services: Iterable[Mapping[str, Any]] = field(default=())


def check(spec: Mapping[str, Any]) -> None:
    """Unsupported, where a pod asks for more than is done here."""
    if unknown := set(spec) - {*_KNOWN_POD.split()}:
        raise Unsupported(f"pod fields {sorted(unknown)}")
    for container in spec["containers"]:
        if unknown := set(container) - {*_KNOWN_CONTAINER.split()}:
            raise Unsupported(f"container fields {sorted(unknown)}")


def identity(
    spec: Mapping[str, Any], container: Mapping[str, Any], image_user: tuple[int, int]
) -> Identity:
    """Whoever the pod names, else the image's; Unsupported for what `runAsNonRoot` forbids, and privileges."""
    of_pod, own = spec.get("securityContext") or {}, container.get("securityContext") or {}
    merged = {**of_pod, **own}
    user = merged.get("runAsUser", image_user[0])
    if merged.get("runAsNonRoot") and user == 0:
        raise Unsupported("container's runAsUser breaks non-root policy")
    if own.get("privileged"):
        raise Unsupported("privileged containers")
    groups = [*of_pod.get("supplementalGroups", ())]
    groups += [of_pod["fsGroup"]] if "fsGroup" in of_pod else []
    changes = own.get("capabilities") or {}
    dropped = {_capability(name) for name in changes.get("drop", ())}
    kept = frozenset() if "CAP_ALL" in dropped else DEFAULT_CAPABILITIES - dropped
    added = {_capability(name) for name in changes.get("add", ())}
    return Identity(
        user=user,
        group=merged.get("runAsGroup", image_user[1] if "runAsUser" not in merged else 0),
        more_groups=tuple(groups),
        capabilities=kept | added,
        may_gain_privileges=own.get("allowPrivilegeEscalation", True),
        read_only_root=bool(own.get("readOnlyRootFilesystem")),
    )


def _capability(name: str) -> str:
    return f"CAP_{name}"


# ---- environment and arguments


def environment(container: Mapping[str, Any], facts: Facts, lookup: Lookup) -> dict[str, str]:
    """A container's variables; Missing, Unsupported."""
    spec = facts.pod["spec"]
    links = service_links(facts.services, facts.pod["metadata"]["namespace"])
    found = dict(links) if spec.get("enableServiceLinks", True) else {}
    found |= {name: value for name, value in links.items() if name.startswith("KUBERNETES_")}
    for source in container.get("envFrom", ()):
        found |= _all_of(source, lookup)
    for variable in container.get("env", ()):
        if "valueFrom" not in variable:
            found[variable["name"]] = expanded(variable.get("value", ""), found)
        elif (value := _from(variable["valueFrom"], container, facts, lookup)) is not None:
            found[variable["name"]] = value
    return {"HOSTNAME": spec.get("hostname") or facts.pod["metadata"]["name"], **found}


def arguments(
    container: Mapping[str, Any], variables: Mapping[str, str], entry_point: Sequence[str]
) -> list[str]:
    """The command line; the image's entry point where there is no `command`."""
    given = [*(container.get("command") or entry_point), *container.get("args", ())]
    return [expanded(each, variables) for each in given]


def expanded(text: str, variables: Mapping[str, str]) -> str:
    """`$(NAME)` gives a variable's value, and stays where there is none; `$$` gives `$`."""

    def replacement(found: re.Match[str]) -> str:
        if found[0] == "$$":
            return "$"
        return variables.get(found[1], found[0])

    return _REFERENCE.sub(replacement, text)


def service_links(services: Iterable[Mapping[str, Any]], namespace: str) -> dict[str, str]:
    """The variables that tell of a namespace's Services, and of `kubernetes`, as Docker's links did."""
    found: dict[str, str] = {}
    for service in services:
        metadata, spec = service["metadata"], service["spec"]
        is_the_server = (metadata["namespace"], metadata["name"]) == ("default", "kubernetes")
        if (metadata["namespace"] != namespace and not is_the_server) or spec.get("clusterIP") in (
            None,
            "None",
        ):
            continue
        name, address = metadata["name"].upper().replace("-", "_"), spec["clusterIP"]
        found[f"{name}_SERVICE_HOST"] = address
        found[f"{name}_SERVICE_PORT"] = str(spec["ports"][0]["port"])
        for number, port in enumerate(spec["ports"]):
            if port.get("name"):
                found[f"{name}_SERVICE_PORT_{port['name'].upper().replace('-', '_')}"] = str(
                    port["port"]
                )
            url = f"tcp://{address}:{port['port']}"
            prefix = f"{name}_PORT_{port['port']}_TCP"
            found |= {prefix: url, f"{prefix}_PROTO": "tcp", f"{prefix}_PORT": str(port["port"])}
            found[f"{prefix}_ADDR"] = address
            if number == 0:
                found[f"{name}_PORT"] = url
    return found


def _all_of(source: Mapping[str, Any], lookup: Lookup) -> dict[str, str]:
    kind = "secret" if "secretRef" in source else "configmap"
    reference = source.get("secretRef") or source["configMapRef"]
    data = lookup.get((kind, reference["name"]))
    if data is None:
        if reference.get("optional"):
            return {}
        raise Missing(f'{kind} "{reference["name"]}" not found')
    return {source.get("prefix", "") + key: value.decode() for key, value in data.items()}


def _from(
    source: Mapping[str, Any], container: Mapping[str, Any], facts: Facts, lookup: Lookup
) -> str | None:
    match source:
        case {"secretKeyRef": reference}:
            return _value("secret", reference, lookup)
        case {"configMapKeyRef": reference}:
            return _value("configmap", reference, lookup)
        case {"fieldRef": {"fieldPath": path}}:
            return pod_field(path, facts)
        case {"resourceFieldRef": {"resource": resource}}:
            kind, _, name = resource.partition(".")
            return str(quantity((container.get("resources") or {}).get(kind, {}).get(name, "0")))
    raise Unsupported(f"valueFrom {source}")


def _value(kind: str, reference: Mapping[str, Any], lookup: Lookup) -> str | None:
    value = (lookup.get((kind, reference["name"])) or {}).get(reference["key"])
    if value is None and not reference.get("optional"):
        raise Missing(f"couldn't find key {reference['key']} in {kind} {reference['name']}")
    return value.decode() if value is not None else None


def pod_field(path: str, facts: Facts) -> str:
    """What a `fieldPath` gives; Unsupported."""
    metadata, spec = facts.pod["metadata"], facts.pod["spec"]
    plain = {
        "metadata.name": metadata["name"],
        "metadata.namespace": metadata["namespace"],
        "metadata.uid": metadata["uid"],
        "spec.nodeName": spec.get("nodeName", ""),
        "spec.serviceAccountName": spec.get("serviceAccountName", "default"),
        "status.podIP": facts.address,
        "status.podIPs": facts.address,
        "status.hostIP": facts.node_address,
    }
    if path in plain:
        return str(plain[path])
    if found := re.fullmatch(r"metadata\.(labels|annotations)\['(.+)'\]", path):
        return str((metadata.get(found[1]) or {}).get(found[2], ""))
    raise Unsupported(f"fieldPath {path}")


def resolver(namespace: str) -> str:
    """`/etc/resolv.conf` of a pod with `dnsPolicy: ClusterFirst`."""
    zones = f"{namespace}.svc.cluster.local svc.cluster.local cluster.local"
    return f"search {zones}\nnameserver {CLUSTER_DNS}\noptions ndots:5\n"


def quantity(text: str | int) -> int:
    """A quantity as a whole number, upwards: `100m` of a core is 1, `128Mi` is 134217728."""
    units = {"": 1.0, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}
    units |= {f"{unit}i": float(2 ** (10 * power)) for power, unit in enumerate("KMGT", 1)}
    found = re.fullmatch(r"([0-9.]+)([a-zA-Z]*)", str(text))
    if found is None or found[2] not in units:
        raise Unsupported(f"quantity {text}")
    number = float(found[1]) * units[found[2]]
    return int(number) + (number != int(number))
