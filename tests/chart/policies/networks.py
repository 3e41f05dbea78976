"""NetworkPolicies, asked the way a network asks them: may this peer reach that port."""

from collections.abc import Iterator
from ipaddress import ip_address, ip_network

from tests.chart.releases import Pod, Release, told
from tests.chart.rendering import Object

METADATA = (
    "169.254.169.254",
    "169.254.170.2",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
    "fd00:ec2::254",
    "fd20:ce::254",
)
"""What hands credentials of the node to whoever asks; the gateway refuses the same by itself."""


def every_pod_is_behind_a_policy_for_both_directions(release: Release) -> Iterator[str]:
    if not release.of("NetworkPolicy"):
        return
    for pod in release.pods:
        types = {word for policy in _of(release, pod) for word in policy["spec"]["policyTypes"]}
        if types != {"Ingress", "Egress"}:
            yield f"{told(pod.owner)}: {types}"


def control_is_reached_by_the_operator_alone(release: Release) -> Iterator[str]:
    if not release.of("NetworkPolicy"):
        return
    gateway = release.component("gateway")
    for rule in _rules(release, gateway, "ingress"):
        if not _has_port(rule, gateway, "control"):
            continue
        for peer in rule.get("from") or [{}]:
            selector = peer.get("podSelector", {}).get("matchLabels", {})
            own = set(peer) == {"podSelector"} and set(peer["podSelector"]) == {"matchLabels"}
            admitted = [pod for pod in release.every_pod if pod.matched_by(selector)]
            operators = [p for p in release.pods if _component(p) == "operator"]
            if not own or not admitted or admitted != operators:
                yield f"control is open to {peer}"


def the_operator_reaches_control(release: Release) -> Iterator[str]:
    """A default that shuts the operator out would be safe and useless."""
    operators = [pod for pod in release.pods if _component(pod) == "operator"]
    if not release.of("NetworkPolicy") or not operators:
        return
    gateway, operator = release.component("gateway"), operators[0]
    incoming = any(
        _has_port(rule, gateway, "control") and _admits(rule.get("from"), operator)
        for rule in _rules(release, gateway, "ingress")
    )
    outgoing = any(
        _has_port(rule, gateway, "control") and _admits(rule.get("to"), gateway)
        for rule in _rules(release, operator, "egress")
    )
    if not (incoming and outgoing):
        yield f"in: {incoming}, out: {outgoing}"


def the_test_of_a_release_reaches_the_public_port(release: Release) -> Iterator[str]:
    """`helm test` would fail where all is well, if only named peers were let in."""
    if not release.of("NetworkPolicy"):
        return
    gateway = release.component("gateway")
    rules = [
        rule for rule in _rules(release, gateway, "ingress") if _has_port(rule, gateway, "http")
    ]
    for pod in release.every_pod:
        if _component(pod) == "test" and not any(_admits(r.get("from"), pod) for r in rules):
            yield f"{told(pod.owner)} is not let in by {rules}"


def every_way_in_names_its_ports(release: Release) -> Iterator[str]:
    """A rule without ports opens all of a pod, control and metrics with it."""
    for pod in release.pods:
        for rule in _rules(release, pod, "ingress"):
            if not rule.get("ports"):
                yield f"{told(pod.owner)}: {rule}"


def no_pod_reaches_the_addresses_of_credentials(release: Release) -> Iterator[str]:
    for pod in release.pods:
        for rule in _rules(release, pod, "egress"):
            if _is_dns(rule):
                continue
            for address in METADATA:
                if _leads_to(rule, address):
                    yield f"{told(pod.owner)}: {address} by {rule}"


def every_pod_asks_for_names(release: Release) -> Iterator[str]:
    """Without DNS over both UDP and TCP nothing else works."""
    if not release.of("NetworkPolicy"):
        return
    for pod in release.pods:
        open_ports = {
            (port.get("port"), port.get("protocol", "TCP"))
            for rule in _rules(release, pod, "egress")
            for port in rule.get("ports", ())
        }
        if not {(53, "UDP"), (53, "TCP")} <= open_ports:
            yield f"{told(pod.owner)}: {open_ports}"


def deliveries_leave_for_any_port(release: Release) -> Iterator[str]:
    """Receivers choose their ports; the gateway judges addresses by itself."""
    if not release.of("NetworkPolicy") or release.values["networkPolicy"].get("egress"):
        return
    gateway = release.component("gateway")
    if not any(
        _leads_to(rule, "93.184.216.34") and not rule.get("ports")
        for rule in _rules(release, gateway, "egress")
    ):
        yield "no rule lets a delivery out"


def _of(release: Release, pod: Pod) -> list[Object]:
    return [
        policy
        for policy in release.of("NetworkPolicy")
        if pod.matched_by(policy["spec"]["podSelector"].get("matchLabels", {}))
    ]


def _rules(release: Release, pod: Pod, direction: str) -> Iterator[Object]:
    for policy in _of(release, pod):
        yield from policy["spec"].get(direction) or ()


def _component(pod: Pod) -> str | None:
    return pod.labels.get("app.kubernetes.io/component")


def _has_port(rule: Object, pod: Pod, name: str) -> bool:
    if not rule.get("ports"):
        return True
    number = next(port["containerPort"] for port in pod.ports if port["name"] == name)
    for port in rule["ports"]:
        wanted = port.get("port", name)
        if wanted in {name, number}:
            return True
        if isinstance(wanted, int) and wanted <= number <= port.get("endPort", wanted):
            return True
    return False


def _admits(peers: list[Object] | None, pod: Pod) -> bool:
    if not peers:
        return True
    return any(
        "podSelector" in peer
        and "namespaceSelector" not in peer
        and pod.matched_by(peer["podSelector"].get("matchLabels", {}))
        for peer in peers
    )


def _leads_to(rule: Object, address: str) -> bool:
    peers = rule.get("to")
    return not peers or any(_block_has(peer.get("ipBlock"), address) for peer in peers)


def _block_has(block: Object | None, address: str) -> bool:
    if block is None:
        return False
    wanted = ip_address(address)
    excepted = any(wanted in ip_network(each) for each in block.get("except", ()))
    return wanted in ip_network(block["cidr"]) and not excepted


def _is_dns(rule: Object) -> bool:
    """Some clouds answer DNS at the address of their metadata; port 53 gives no credentials."""
    return bool(rule.get("ports")) and all(port.get("port") == 53 for port in rule["ports"])


POLICIES = (
    every_pod_is_behind_a_policy_for_both_directions,
    control_is_reached_by_the_operator_alone,
    the_operator_reaches_control,
    the_test_of_a_release_reaches_the_public_port,
    every_way_in_names_its_ports,
    no_pod_reaches_the_addresses_of_credentials,
    every_pod_asks_for_names,
    deliveries_leave_for_any_port,
)
