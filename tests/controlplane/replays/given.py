"""WebhookReplays as the API server tells them."""

from typing import Any

from hookgate_operator.conditions import timestamp
from hookgate_operator.ports import Key, Kind, Observed, ReplayProgress

NOW = 1_772_360_000.0
"""2026-03-01T10:13:20Z."""
KEY = Key(Kind.REPLAY, "shop", "again")


def at(seconds: float) -> str:
    """So many seconds after NOW, as a status has it."""
    return timestamp(NOW + seconds)


def spec(**changes: Any) -> dict[str, Any]:
    return {"filter": {"subscription": "invoices", "state": "exhausted"}, **changes}


def condition(kind: str, status: str, reason: str, since: float = 0, **more: Any) -> dict[str, Any]:
    return {
        "type": kind,
        "status": status,
        "reason": reason,
        "message": "",
        "lastTransitionTime": at(since),
        "observedGeneration": 1,
        **more,
    }


def replay(
    *,
    status: Any = None,
    uid: str = "u-1",
    generation: int = 1,
    metadata: Any = None,
    **changes: Any,
) -> Observed:
    """A WebhookReplay; ``changes`` are those of its spec."""
    document = {
        "apiVersion": "hookgate.dev/v1alpha1",
        "kind": "WebhookReplay",
        "metadata": {
            "name": KEY.name,
            "namespace": KEY.namespace,
            "uid": uid,
            "creationTimestamp": at(0),
            **(metadata or {}),
        },
        "spec": spec(**changes),
    }
    if status is not None:
        document["status"] = status
    return Observed(
        key=KEY, uid=uid, generation=generation, resource_version="7", document=document
    )


def progress(state: Any = "running", **figures: int) -> ReplayProgress:
    zero = dict.fromkeys(("matched", "sent", "delivered", "failed", "skipped", "remaining"), 0)
    return ReplayProgress(uid="again.u-1", state=state, **{**zero, **figures})
