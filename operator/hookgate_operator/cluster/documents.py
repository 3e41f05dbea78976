"""
What is written to the API server: the merge patch of a status, Events, preconditions of a delete.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from hookgate_operator.ports import Announcement, Key, Observed

__all__ = ["event", "merge_patch", "preconditions", "status_patch"]

CONTROLLER: Final = "hookgate.dev/operator"
_MAX_NOTE: Final = 1024
_MAX_INSTANCE: Final = 128
_MAX_NAME: Final = 253


def status_patch(observed: Observed, status: Mapping[str, Any]) -> dict[str, Any] | None:
    """The JSON merge patch (RFC 7396) that makes ``status`` the whole of it; None when it is that already.

    It names the version that was looked at: the API server answers 409 when the object was changed or
    replaced since. (A uid in the patch would not do: of a custom resource's status patch the API server
    ignores all other metadata.)
    """
    change = merge_patch(observed.document.get("status") or {}, status)
    if not change:
        return None
    return {"metadata": {"resourceVersion": observed.resource_version}, "status": change}


def merge_patch(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """What turns ``before`` into ``after``. A field that is None is one that is not there.

    Fields that went are nulled, lists are replaced as a whole (RFC 7396 §2).
    """
    wanted = {name: value for name, value in after.items() if value is not None}
    patch: dict[str, Any] = {name: None for name in before if name not in wanted}
    for name, value in wanted.items():
        old = before.get(name)
        if isinstance(value, Mapping):
            inner = merge_patch(old if isinstance(old, Mapping) else {}, value)
            if inner or not isinstance(old, Mapping):
                patch[name] = inner
        elif old != value or isinstance(old, bool) is not isinstance(value, bool):
            patch[name] = value
    return patch


def event(
    observed: Observed, announcement: Announcement, *, now: float, instance: str, unique: str
) -> dict[str, Any]:
    """An Event of ``events.k8s.io/v1``.

    That group and not the core's: it is what the API server stores either as, its fields are validated,
    and a controller is named where kubectl shows it. ``now`` in unix seconds.
    """
    key: Key = observed.key
    document = observed.document
    return {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {
            "name": f"{key.name[: _MAX_NAME - len(unique) - 1].rstrip('.-')}.{unique}",
            "namespace": key.namespace,
        },
        "eventTime": datetime.fromtimestamp(now, UTC).isoformat(timespec="microseconds")[:-6] + "Z",
        "reportingController": CONTROLLER,
        "reportingInstance": instance[:_MAX_INSTANCE],
        "action": "Reconcile",
        "type": announcement.type,
        "reason": announcement.reason,
        "note": _shortened(announcement.message),
        "regarding": {
            "apiVersion": document["apiVersion"],
            "kind": document["kind"],
            "namespace": key.namespace,
            "name": key.name,
            "uid": observed.uid,
            "resourceVersion": observed.resource_version,
        },
    }


def preconditions(observed: Observed) -> dict[str, Any]:
    """The options of a DELETE that spares an object of another uid."""
    return {
        "apiVersion": "v1",
        "kind": "DeleteOptions",
        "preconditions": {"uid": observed.uid},
        "propagationPolicy": "Background",
    }


def _shortened(message: str) -> str:
    """At most 1,024 bytes, as the API server counts."""
    data = message.encode()
    if len(data) <= _MAX_NOTE:
        return message
    return data[: _MAX_NOTE - 3].decode(errors="ignore") + "…"
