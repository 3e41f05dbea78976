"""Rights: the operator's documented rules and no more; the gateway has none."""

from collections.abc import Iterator

from tests.chart.releases import Release, told
from tests.chart.rendering import Object
from tests.cluster.rbac import lease_rules, operator_rules

READING = frozenset({"get", "list", "watch"})
AGGREGATE = "rbac.authorization.k8s.io/aggregate-to-"
ESCALATING = frozenset({"escalate", "bind", "impersonate"})


def nothing_is_granted_by_a_star(release: Release) -> Iterator[str]:
    for role, rule in _rules(release):
        for key in ("verbs", "resources", "apiGroups"):
            if any("*" in word for word in rule.get(key, ())):
                yield f"{told(role)}: {key} {rule[key]}"
        if "nonResourceURLs" in rule:
            yield f"{told(role)}: {rule['nonResourceURLs']}"


def nobody_can_widen_rights(release: Release) -> Iterator[str]:
    for role, rule in _rules(release):
        if ESCALATING & set(rule["verbs"]) or "rbac.authorization.k8s.io" in rule["apiGroups"]:
            yield f"{told(role)}: {rule}"


def secrets_are_only_read(release: Release) -> Iterator[str]:
    for role, rule in _rules(release):
        if "secrets" in rule["resources"] and not set(rule["verbs"]) <= READING:
            yield f"{told(role)}: {rule['verbs']} on Secrets"


def a_namespaced_install_has_nothing_of_the_cluster(release: Release) -> Iterator[str]:
    if release.values["rbac"]["scope"] == "Namespaced":
        for thing in release.of("ClusterRole", "ClusterRoleBinding"):
            if not _aggregated(thing):
                yield told(thing)


def secrets_are_readable_where_the_operator_looks(release: Release) -> Iterator[str]:
    """In the whole cluster, or in exactly the namespaces that are watched."""
    readable = {
        binding["metadata"].get("namespace")
        for binding in release.of("RoleBinding", "ClusterRoleBinding")
        if any("secrets" in rule["resources"] for rule in _role_of(release, binding)["rules"])
    }
    if readable != _where_it_looks(release):
        yield f"readable in {readable}, looked after {_where_it_looks(release)}"


def the_rules_are_the_documented_ones(release: Release) -> Iterator[str]:
    """operator/hookgate_operator/rbac: every rule needed, none missing, as its tests show."""
    documented = operator_rules(secrets_mode=release.values["operator"]["secretsMode"])
    found = {_where(b): _role_of(release, b) for b in _bound(release) if not _is_lease(release, b)}
    if set(found) != _where_it_looks(release):
        yield f"bound in {set(found)}, looked after {_where_it_looks(release)}"
    for where, role in found.items():
        if _as_set(role["rules"]) != _as_set(documented):
            yield f"{told(role)} ({where}): {role['rules']}"


def the_lease_is_the_one_that_the_operator_takes(release: Release) -> Iterator[str]:
    for binding in _bound(release):
        if not _is_lease(release, binding):
            continue
        if _where(binding) != release.namespace:
            yield f"{told(binding)} in {_where(binding)}"
        name = _told_operator(release).get("HOOKGATE_OPERATOR_LEASE_NAME")
        gateway_class = _told_operator(release).get("HOOKGATE_OPERATOR_GATEWAY_CLASS") or "default"
        wanted = lease_rules()
        wanted[1]["resourceNames"] = [name or f"hookgate-operator-{gateway_class}"]
        if _as_set(_role_of(release, binding)["rules"]) != _as_set(wanted):
            yield f"{told(binding)}: {_role_of(release, binding)['rules']}"


def an_operator_that_elects_may_hold_a_lease(release: Release) -> Iterator[str]:
    elects = _told_operator(release).get("HOOKGATE_OPERATOR_LEADER_ELECTION", "true") != "false"
    may = any(_is_lease(release, binding) for binding in _bound(release))
    if _told_operator(release) and release.values["rbac"]["create"] and may != elects:
        yield f"it elects: {elects}; it may: {may}"


def rights_belong_to_the_operator_alone(release: Release) -> Iterator[str]:
    for binding in release.of("RoleBinding", "ClusterRoleBinding"):
        account = release.component("operator").spec["serviceAccountName"]
        wanted = [{"kind": "ServiceAccount", "name": account, "namespace": release.namespace}]
        subjects = [{k: v for k, v in s.items() if k != "apiGroup"} for s in binding["subjects"]]
        if subjects != wanted:
            yield f"{told(binding)}: {binding['subjects']}"


def every_binding_has_its_role_beside_it(release: Release) -> Iterator[str]:
    for binding in release.of("RoleBinding", "ClusterRoleBinding"):
        try:
            role = _role_of(release, binding)
        except KeyError:
            yield f"{told(binding)}: no {binding['roleRef']}"
            continue
        if role["kind"] == "Role" and _where(role) != _where(binding):
            yield f"{told(binding)}: its role is in {_where(role)}"


def every_role_is_bound(release: Release) -> Iterator[str]:
    """A role that nobody has is a role that somebody will bind to something else."""
    used = {
        (b["roleRef"]["kind"], b["roleRef"]["name"], _where(b))
        for b in release.of("RoleBinding", "ClusterRoleBinding")
    }
    for role in release.of("Role", "ClusterRole"):
        key = (role["kind"], role["metadata"]["name"], _where(role))
        if key not in used and not _aggregated(role):
            yield f"{told(role)} in {_where(role)}"


def roles_of_people_are_about_our_resources_alone(release: Release) -> Iterator[str]:
    """What is added to view, edit and admin; a status is written by the operator alone."""
    for role in filter(_aggregated, release.of("ClusterRole")):
        for rule in role["rules"]:
            ours = {"webhooksubscriptions", "webhookreplays"}
            if rule["apiGroups"] != ["hookgate.dev"] or set(rule["resources"]) != ours:
                yield f"{told(role)}: {rule}"
        writes = {verb for rule in role["rules"] for verb in rule["verbs"]} - READING
        if writes and f"{AGGREGATE}view" in role["metadata"]["labels"]:
            yield f"{told(role)}: viewers may {sorted(writes)}"


def _aggregated(role: Object) -> bool:
    return any(label.startswith(AGGREGATE) for label in role["metadata"].get("labels", ()))


def _rules(release: Release) -> Iterator[tuple[Object, Object]]:
    for role in release.of("Role", "ClusterRole"):
        for rule in role["rules"]:
            yield role, rule


def _bound(release: Release) -> list[Object]:
    return release.of("RoleBinding", "ClusterRoleBinding")


def _where(thing: Object) -> str | None:
    return thing["metadata"].get("namespace")


def _role_of(release: Release, binding: Object) -> Object:
    reference = binding["roleRef"]
    for role in release.of(reference["kind"]):
        same_place = role["kind"] == "ClusterRole" or _where(role) == _where(binding)
        if role["metadata"]["name"] == reference["name"] and same_place:
            return role
    raise KeyError(f"{told(binding)}: no {reference['name']}")


def _is_lease(release: Release, binding: Object) -> bool:
    groups = {g for rule in _role_of(release, binding)["rules"] for g in rule["apiGroups"]}
    return groups == {"coordination.k8s.io"}


def _told_operator(release: Release) -> dict[str, str]:
    try:
        container = release.component("operator").spec["containers"][0]
    except KeyError:
        return {}
    return {each["name"]: each.get("value", "") for each in container["env"]}


def _where_it_looks(release: Release) -> set[str | None]:
    if not (release.values["operator"]["enabled"] and release.values["rbac"]["create"]):
        return set()
    if release.values["rbac"]["scope"] == "Cluster":
        return {None}
    return set(release.values["rbac"]["watchNamespaces"] or [release.namespace])


def _as_set(rules: list[Object]) -> set[tuple[tuple[str, frozenset[str]], ...]]:
    return {tuple(sorted((key, frozenset(words)) for key, words in r.items())) for r in rules}


POLICIES = (
    nothing_is_granted_by_a_star,
    nobody_can_widen_rights,
    secrets_are_only_read,
    a_namespaced_install_has_nothing_of_the_cluster,
    secrets_are_readable_where_the_operator_looks,
    the_rules_are_the_documented_ones,
    the_lease_is_the_one_that_the_operator_takes,
    an_operator_that_elects_may_hold_a_lease,
    rights_belong_to_the_operator_alone,
    every_binding_has_its_role_beside_it,
    every_role_is_bound,
    roles_of_people_are_about_our_resources_alone,
)
