"""Questions about pods, as the API server has them."""

from typing import Any

Pod = dict[str, Any] | None


def condition(found: Pod, type_: str) -> bool:
    told = (found or {}).get("status", {}).get("conditions", ())
    return any(each["type"] == type_ and each["status"] == "True" for each in told)


def is_ready(found: Pod) -> bool:
    return condition(found, "Ready")


def restarts(found: Pod) -> int:
    """How often its containers were started again."""
    told = (found or {}).get("status", {}).get("containerStatuses", ())
    return sum(each["restartCount"] for each in told)
