"""A pod's status, from what its containers are doing and its probes say."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class ContainerState:
    """One container, as its task sees it. `state` and `last` are as the API has them."""

    name: str
    image: str
    state: dict[str, Any] = field(default_factory=lambda: waiting("ContainerCreating", ""))
    last: dict[str, Any] = field(default_factory=dict)
    restarts: int = 0
    container_id: str = ""
    started: bool = False
    ready: bool = False
    probed: str = ""
    """What the last probe said that failed."""

    def as_status(self) -> dict[str, Any]:
        running = "running" in self.state
        return {
            "name": self.name,
            "image": self.image,
            "imageID": self.image,
            "containerID": f"runc://{self.container_id}" if self.container_id else "",
            "state": self.state,
            "lastState": self.last,
            "restartCount": self.restarts,
            "started": self.started and running,
            "ready": self.ready and running,
        }


class Told:
    """Takes the verdicts of a container's probes. `dead` is set once it is to be restarted."""

    def __init__(self, state: ContainerState, changed: asyncio.Event) -> None:
        self.dead = asyncio.Event()
        self.started = asyncio.Event()
        self._state = state
        self._changed = changed

    def startup(self, good: bool, why: str) -> None:
        self._state.probed = why
        if good:
            self._state.started = True
            self.started.set()
        else:
            self.dead.set()

    def readiness(self, good: bool, why: str) -> None:
        if self._state.ready is not good:
            self._state.ready, self._state.probed = good, why
            self._changed.set()

    def liveness(self, good: bool, why: str) -> None:
        if not good:
            self._state.probed = why
            self.dead.set()


def waiting(reason: str, message: str) -> dict[str, Any]:
    return {"waiting": {"reason": reason, "message": message}}


def running(since: str) -> dict[str, Any]:
    return {"running": {"startedAt": since}}


def terminated(code: int, reason: str, started: str, finished: str) -> dict[str, Any]:
    return {
        "terminated": {
            "exitCode": code,
            "reason": reason,
            "startedAt": started,
            "finishedAt": finished,
        }
    }


def pod_status(
    states: Sequence[ContainerState],
    *,
    before: Mapping[str, Any],
    address: str,
    node_address: str,
    now: str,
    restarts: bool,
) -> dict[str, Any]:
    """The status to write; `before` is the one that stands, whose transitions keep their times."""
    told = [each.as_status() for each in states]
    ready = all(each["ready"] for each in told)
    unready = [each["name"] for each in told if not each["ready"]]
    message = "" if ready else f"containers with unready status: {unready}"
    reason = "" if ready else "ContainersNotReady"
    conditions = [
        _condition("PodScheduled", True, before, now),
        _condition("Initialized", True, before, now),
        _condition("ContainersReady", ready, before, now, reason=reason, message=message),
        _condition("Ready", ready, before, now, reason=reason, message=message),
    ]
    return {
        "phase": phase(told, restarts=restarts),
        "conditions": conditions,
        "containerStatuses": told,
        "podIP": address,
        "podIPs": [{"ip": address}],
        "hostIP": node_address,
        "hostIPs": [{"ip": node_address}],
        "startTime": before.get("startTime", now),
    }


def phase(told: Sequence[Mapping[str, Any]], *, restarts: bool) -> str:
    """Where containers are not started again, a pod is done with the last of them."""
    if not restarts and all("terminated" in each["state"] for each in told):
        failed = any(each["state"]["terminated"]["exitCode"] for each in told)
        return "Failed" if failed else "Succeeded"
    has_run = all("running" in each["state"] or each["lastState"] for each in told)
    return "Running" if has_run else "Pending"


def _condition(
    type_: str,
    holds: bool,
    before: Mapping[str, Any],
    now: str,
    *,
    reason: str = "",
    message: str = "",
) -> dict[str, Any]:
    status = str(holds)
    known = next((each for each in before.get("conditions", ()) if each["type"] == type_), {})
    same = known.get("status") == status
    found = {
        "type": type_,
        "status": status,
        "lastTransitionTime": known.get("lastTransitionTime", now) if same else now,
    }
    return {**found, "reason": reason or None, "message": message or None}
