"""
What an answer of the API server, or its absence, means: the errors of the ports, in sentences.

A sentence names verb, resource and namespace, and the remedy. The server's own words are shown only where
they speak of what the operator wrote. Within this package three more are told apart:

    ClusterError
    ├── Missing     404 about that very object
    ├── Conflict    409: another uid or version stands there
    └── Expired     410: the continuation of a list is too old
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from hookgate_operator.cluster.resources import Resource
from hookgate_operator.ports import (
    LONGEST_PATIENCE,
    ClusterError,
    Forbidden,
    Throttled,
    Unavailable,
)

__all__ = ["Call", "Conflict", "Expired", "Missing", "Verb", "refusal", "silence"]

Verb = Literal["get", "list", "watch", "create", "patch", "delete"]

_PERMISSIONS: Final = "docs/reference/permissions.md"
_PATIENCE: Final = 1.0
"""Seconds, where a 429 does not say."""
_MAX_WORDS: Final = 300


class Missing(ClusterError):
    """There is no such object."""


class Conflict(ClusterError):
    """Another object, or another version of it, stands there."""


class Expired(ClusterError):
    """The list has to be begun again."""


@dataclass(frozen=True, slots=True)
class Call:
    """What was asked."""

    verb: Verb
    resource: Resource
    namespace: str | None
    """None: of the whole cluster."""
    name: str | None = None
    subresource: str = ""

    @property
    def what(self) -> str:
        """The resource as RBAC rules name it."""
        return f"{self.resource}/{self.subresource}" if self.subresource else str(self.resource)

    @property
    def where(self) -> str:
        return "cluster-wide" if self.namespace is None else f"in namespace {self.namespace}"

    def __str__(self) -> str:
        return f"{self.verb} {self.what} {self.where}"


def refusal(call: Call, code: int, headers: Mapping[str, str], body: bytes) -> ClusterError:
    """What an answer of 400 or more means."""
    status = _status(body)
    patience = _retry_after(headers, status)
    match code:
        case 403 if _is_terminating(status):
            error: ClusterError = Missing(f"{call}: the namespace is being deleted")
        case 403:
            error = Forbidden(_forbidden(call))
        case 404:
            error = _not_found(call, status)
        case 409:
            error = Conflict(f"{call}: another version of it stands there")
        case 410:
            error = Expired(f"{call}: the list has to be begun again")
        case 429:
            words = f"{call}: the API server asks for patience (429)"
            error = Throttled(words, _PATIENCE if patience is None else patience)
        case 401:
            error = Unavailable(
                f"{call}: the API server does not accept the operator's token (401)"
            )
        case 408 | 500 | 502 | 503 | 504:
            error = Unavailable(f"{call}: the API server is in trouble ({code})")
            error.retry_after = patience
        case _:
            error = ClusterError(f"{call}: refused ({code}): {_words(status)}")
    return error


def silence(call: Call, error: BaseException) -> Unavailable:
    """What no answer at all means. Only the kind of error is shown: texts quote addresses and answers."""
    why = "no answer in time" if isinstance(error, TimeoutError) else type(error).__name__
    return Unavailable(f"{call}: the API server cannot be reached ({why})")


def _is_terminating(status: Mapping[str, Any]) -> bool:
    """Nothing can be created in a namespace that is being deleted, which is no matter of RBAC."""
    causes = (status.get("details") or {}).get("causes") or ()
    return any(cause.get("reason") == "NamespaceTerminating" for cause in causes)


def _forbidden(call: Call) -> str:
    role = "ClusterRole" if call.namespace is None else "Role"
    return (
        f"the operator may not {call.verb} {call.what} {call.where}; "
        f"give its ServiceAccount that rule by a {role} (see {_PERMISSIONS})"
    )


def _not_found(call: Call, status: Mapping[str, Any]) -> ClusterError:
    """An object that is not there, or a kind of objects that is not served: never the one for the other.

    A kind is not served while its CRD is not there, and for a moment after the API server started. What
    it holds is unknown then: objects must not be taken for deleted.
    """
    details = status.get("details") or {}
    about = (details.get("name"), details.get("kind"))
    if call.verb == "create" and about == (call.namespace, "namespaces"):
        return Missing(f"{call}: there is no such namespace")
    if call.name is not None and about == (call.name, call.resource.plural):
        return Missing(f"{call}: there is no {call.name}")
    if call.resource.group == "hookgate.dev":
        return Unavailable(
            f"the API server does not serve {call.resource} ({call.resource.version}); "
            "install the CRDs: hookgate crd | kubectl apply -f -"
        )
    return Unavailable(f"{call}: the API server does not serve that (404)")


def _retry_after(headers: Mapping[str, str], status: Mapping[str, Any]) -> float | None:
    """Seconds, a minute at most; the API server sends whole numbers, never dates."""
    said = headers.get("Retry-After") or (status.get("details") or {}).get("retryAfterSeconds")
    try:
        return min(max(0.0, float(said)), LONGEST_PATIENCE) if said is not None else None
    except (TypeError, ValueError):
        return None


def _status(body: bytes) -> Mapping[str, Any]:
    """The ``Status`` object that explains a refusal; empty when it is something else."""
    try:
        document = json.loads(body)
    except ValueError:
        return {}
    return document if isinstance(document, dict) and document.get("kind") == "Status" else {}


def _words(status: Mapping[str, Any]) -> str:
    return str(status.get("message") or "without a reason")[:_MAX_WORDS]
