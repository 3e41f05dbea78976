"""Who is reached at which port: Services, routes, and what points at them."""

from collections.abc import Iterator

from tests.chart.releases import Pod, Release, told
from tests.chart.rendering import Object


def every_service_selects_the_pods_of_one_component(release: Release) -> Iterator[str]:
    for service in release.of("Service"):
        selected = _selected(release, service)
        if len(selected) != 1:
            yield f"{told(service)}: selects {[told(pod.owner) for pod in selected]}"


def every_port_of_a_service_is_one_of_its_pods(release: Release) -> Iterator[str]:
    for service in release.of("Service"):
        for pod in _selected(release, service):
            known = {port["name"] for port in pod.ports} | {p["containerPort"] for p in pod.ports}
            for port in service["spec"]["ports"]:
                if port.get("targetPort", port["port"]) not in known:
                    yield f"{told(service)}: {port}, pods have {known}"


def ports_have_the_same_name_and_number_everywhere(release: Release) -> Iterator[str]:
    numbers = {"http": 8080, "control": 8081, "metrics": 9090}
    for pod in release.pods:
        for port in pod.ports:
            if numbers.get(port["name"]) != port["containerPort"]:
                yield f"{told(pod.owner)}: {port}"
    for service in release.of("Service"):
        for port in service["spec"]["ports"]:
            if port["name"] not in numbers:
                yield f"{told(service)}: {port}"


def what_is_for_inside_is_not_published(release: Release) -> Iterator[str]:
    """Control and metrics are ClusterIP, and never on a Service beside the public port."""
    for service in release.of("Service"):
        names = {port["name"] for port in service["spec"]["ports"]}
        inside = service["spec"].get("type", "ClusterIP") == "ClusterIP"
        if names != {"http"} and (not inside or len(names) != 1):
            yield f"{told(service)}: {names}, type {service['spec'].get('type')}"


def metrics_are_reached_before_a_pod_is_ready(release: Release) -> Iterator[str]:
    """A gateway that is not ready is the one to look at."""
    for service in release.of("Service"):
        spec = service["spec"]
        if {port["name"] for port in spec["ports"]} == {"metrics"}:
            if spec.get("publishNotReadyAddresses") is not True:
                yield f"{told(service)}: only ready pods"
            if spec.get("clusterIP") != "None":
                yield f"{told(service)}: not headless"


def every_stateful_set_has_its_governing_service(release: Release) -> Iterator[str]:
    for pod in release.pods:
        if pod.owner["kind"] != "StatefulSet":
            continue
        service = release.named("Service", pod.owner["spec"]["serviceName"])
        if service["spec"].get("clusterIP") != "None" or not _selects(service, pod):
            yield f"{told(pod.owner)}: {told(service)} does not govern it"


def routes_lead_to_the_public_port(release: Release) -> Iterator[str]:
    for route, name, port in _backends(release):
        service = release.named("Service", name)
        ports = {key: p["name"] for p in service["spec"]["ports"] for key in (p["name"], p["port"])}
        if ports.get(port) != "http":
            yield f"{told(route)}: leads to {name}:{port}"


def the_operator_speaks_to_the_control_service(release: Release) -> Iterator[str]:
    try:
        operator = release.component("operator")
    except KeyError:
        return
    told_it = {e["name"]: e.get("value") for e in operator.spec["containers"][0]["env"]}
    controls = [
        service
        for service in release.of("Service")
        if [port["name"] for port in service["spec"]["ports"]] == ["control"]
    ]
    urls = [
        f"https://{service['metadata']['name']}.{release.namespace}.svc:{service['spec']['ports'][0]['port']}"
        for service in controls
    ]
    if [told_it.get("HOOKGATE_OPERATOR_GATEWAY_URL")] != urls:
        yield f"{told_it.get('HOOKGATE_OPERATOR_GATEWAY_URL')}, Services are {urls}"


def _selected(release: Release, service: Object) -> list[Pod]:
    return [pod for pod in release.every_pod if _selects(service, pod)]


def _selects(service: Object, pod: Pod) -> bool:
    return pod.matched_by(service["spec"]["selector"])


def _backends(release: Release) -> Iterator[tuple[Object, str, object]]:
    for route in release.of("HTTPRoute"):
        for rule in route["spec"]["rules"]:
            for backend in rule["backendRefs"]:
                yield route, backend["name"], backend["port"]
    for route in release.of("Ingress"):
        for rule in route["spec"]["rules"]:
            for path in rule["http"]["paths"]:
                service = path["backend"]["service"]
                port = service["port"]
                yield route, service["name"], port.get("name", port.get("number"))


POLICIES = (
    every_service_selects_the_pods_of_one_component,
    every_port_of_a_service_is_one_of_its_pods,
    ports_have_the_same_name_and_number_everywhere,
    what_is_for_inside_is_not_published,
    metrics_are_reached_before_a_pod_is_ready,
    every_stateful_set_has_its_governing_service,
    routes_lead_to_the_public_port,
    the_operator_speaks_to_the_control_service,
)
