"""
What an object of kind WebhookSubscription declares to an operator of a class, if anything.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from hookgate.resources import (
    API_VERSION,
    KIND,
    SubscriptionSpec,
    WebhookSubscription,
    problem_lines,
)
from hookgate_operator.declarations import our_metadata
from hookgate_operator.ports import Observed

__all__ = ["Absent", "Declared", "Foreign", "Invalid", "Valid", "class_of", "former_status", "read"]


@dataclass(frozen=True, slots=True)
class Absent:
    """Nothing is declared there: the gateway must have nothing of ours."""


@dataclass(frozen=True, slots=True)
class Foreign:
    """Another operator's: not touched; but something of ours under its name is a leftover."""


@dataclass(frozen=True, slots=True)
class Invalid:
    """No WebhookSubscription: what the gateway had before stays."""

    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Valid:
    """A WebhookSubscription, and what of it goes to the gateway."""

    spec: SubscriptionSpec
    resource: Mapping[str, Any]


Declared = Absent | Foreign | Invalid | Valid


def read(observed: Observed | None, gateway_class: str) -> Declared:
    """What an object declares to an operator of this class.

    One that is being deleted is gone: that cannot be taken back, however long a finalizer keeps it.
    """
    if observed is None or _metadata(observed).get("deletionTimestamp"):
        return Absent()
    if class_of(observed) != gateway_class:
        return Foreign()
    resource = {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": our_metadata(observed.document),
        "spec": observed.document.get("spec"),
    }
    try:
        return Valid(WebhookSubscription.model_validate(resource).spec, resource)
    except ValidationError as error:
        return Invalid(tuple(problem_lines(error, WebhookSubscription)))


def class_of(observed: Observed) -> str:
    """The gateway class that a subscription asks for."""
    match observed.document.get("spec"):
        case {"gatewayClass": str(name)}:
            return name
        case _:
            return "default"


def former_status(observed: Observed) -> Mapping[str, Any]:
    """An object's own status; empty where there is none."""
    status = observed.document.get("status")
    return status if isinstance(status, dict) else {}


def _metadata(observed: Observed) -> Mapping[str, Any]:
    return observed.document.get("metadata") or {}
