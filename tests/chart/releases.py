"""What was rendered, with the questions that policies ask of it."""

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from tests.chart.rendering import Object, Values

CLUSTER_SCOPED = frozenset(
    {"ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition", "PriorityClass"}
)
WORKLOADS = frozenset({"Deployment", "StatefulSet"})


@dataclass(frozen=True, slots=True)
class Pod:
    """The pods of one workload, or a pod by itself, such as the one of `helm test`."""

    owner: Object

    @property
    def template(self) -> Object:
        return self.owner if self.owner["kind"] == "Pod" else self.owner["spec"]["template"]

    @property
    def spec(self) -> Object:
        return self.template["spec"]

    @property
    def labels(self) -> dict[str, str]:
        return self.template["metadata"].get("labels", {})

    @property
    def containers(self) -> list[Object]:
        return [*self.spec.get("initContainers", ()), *self.spec["containers"]]

    @property
    def ports(self) -> list[Object]:
        return [port for container in self.containers for port in container.get("ports", ())]

    def volume(self, name: str) -> Object:
        """A volume of that name; one that a claim template makes is there as a claim."""
        for volume in self.spec.get("volumes", ()):
            if volume["name"] == name:
                return volume
        for claim in self.owner["spec"].get("volumeClaimTemplates", ()):
            if claim["metadata"]["name"] == name:
                return {"name": name, "persistentVolumeClaim": {}}
        raise KeyError(f"{told(self.owner)}: no volume {name}")

    def matched_by(self, selector: dict[str, str]) -> bool:
        return bool(selector) and selector.items() <= self.labels.items()


@dataclass(frozen=True, slots=True)
class Release:
    """One `helm template`: under which name, where, with which values (defaults merged in)."""

    name: str
    namespace: str
    values: Values
    objects: list[Object] = field(repr=False)
    text: str = field(repr=False)

    def of(self, *kinds: str) -> list[Object]:
        return [each for each in self.objects if each["kind"] in kinds]

    def named(self, kind: str, name: str) -> Object:
        """The object; KeyError when there is none."""
        for each in self.of(kind):
            if each["metadata"]["name"] == name:
                return each
        raise KeyError(f"no {kind} {name}")

    def has(self, kind: str, name: str) -> bool:
        return any(each["metadata"]["name"] == name for each in self.of(kind))

    @property
    def pods(self) -> list[Pod]:
        """Those of the components, which run for good."""
        return [Pod(each) for each in self.of(*WORKLOADS)]

    @property
    def every_pod(self) -> list[Pod]:
        """Those, and what runs for a moment."""
        return [Pod(each) for each in self.of(*WORKLOADS, "Pod", "Job", "DaemonSet")]

    def component(self, name: str) -> Pod:
        """The pods of `gateway` or `operator`; KeyError when it is switched off."""
        for pod in self.pods:
            if pod.labels.get("app.kubernetes.io/component") == name:
                return pod
        raise KeyError(f"no component {name}")

    def changed(self, change: Callable[["Release"], None]) -> "Release":
        """The same with a change made to a copy of its objects."""
        copied = replace(self, objects=copy.deepcopy(self.objects))
        change(copied)
        return copied


def told(thing: Object) -> str:
    """Which object it is, for a sentence."""
    metadata = thing["metadata"]
    return f"{thing['kind']} {metadata.get('name', metadata.get('generateName'))}"


def environment(container: Object) -> dict[str, str]:
    """What a container is told by plain values."""
    return {each["name"]: each["value"] for each in container.get("env", ()) if "value" in each}


def walk(thing: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Everything inside, with its path: `spec.containers[0].name`."""
    yield path, thing
    if isinstance(thing, dict):
        for key, value in thing.items():
            yield from walk(value, f"{path}.{key}" if path else str(key))
    elif isinstance(thing, list):
        for index, value in enumerate(thing):
            yield from walk(value, f"{path}[{index}]")
