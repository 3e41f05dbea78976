"""Which RBAC rules recorded requests needed, and which of a set they never used."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.cluster.faults_proxy import Recorded

_PATH = re.compile(
    r"/(?:api|apis/(?P<group>[^/]+))/v[^/]+"
    r"(?:/namespaces/(?P<namespace>[^/]+))?/(?P<resource>[^/]+)"
    r"(?:/(?P<name>[^/]+)(?:/(?P<subresource>.+))?)?"
)
_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


@dataclass(frozen=True, slots=True, order=True)
class Right:
    """What a request needs, or a rule gives (with `namespace` None: everywhere)."""

    group: str
    resource: str
    verb: str
    namespace: str | None = None
    name: str | None = None

    def covers(self, other: "Right") -> bool:
        """Whether whoever has this right may do what needs the other."""
        return (
            (self.group, self.resource, self.verb) == (other.group, other.resource, other.verb)
            and self.namespace in (None, other.namespace)
            and self.name in (None, other.name)
        )


def needed(request: Recorded) -> Right | None:
    """The right that a request needs; None for what everybody may ask (what there is)."""
    found = _PATH.fullmatch(request.path)
    if found is None:
        return None
    resource = found["resource"]
    if found["subresource"]:
        resource += f"/{found['subresource']}"
    if request.method == "GET":
        is_watch = re.search(r"(^|&)watch=(true|1)", request.query)
        verb = "get" if found["name"] else "watch" if is_watch else "list"
    else:
        verb = _VERBS[request.method]
    return Right(found["group"] or "", resource, verb, found["namespace"], found["name"])


def given(rules: Sequence[Mapping[str, Any]], *namespaces: str | None) -> Iterator[Right]:
    """The rights of rules that are bound in these namespaces (None: in the cluster), one by one."""
    for rule in rules:
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                for verb in rule["verbs"]:
                    for name in rule.get("resourceNames", [None]):
                        for namespace in namespaces:
                            yield Right(group, resource, verb, namespace, name)


def unused(rights: Iterable[Right], requests: Iterable[Recorded]) -> list[Right]:
    """Rights that no request needed that was answered with a success."""
    asked = {needed(each) for each in requests if each.status in (200, 201)}
    used = [right for right in asked if right is not None]
    return sorted(
        {right for right in rights if not any(right.covers(other) for other in used)},
        key=str,
    )


def forbidden(requests: Iterable[Recorded], *namespaces: str) -> list[str]:
    """Requests that were answered 403, in words.

    Events in namespaces that are none of ours are left out: what earlier tests left there is being deleted
    with its namespace, and there the API server answers 403 whatever the rules are.
    """
    return [
        f"{each.method} {each.path}?{each.query}"
        for each in requests
        if each.status == 403 and not _is_elsewhere(each, namespaces)
    ]


def _is_elsewhere(request: Recorded, namespaces: Collection[str]) -> bool:
    right = needed(request)
    return (
        right is not None
        and (right.resource, right.verb) == ("events", "create")
        and right.namespace not in namespaces
    )
