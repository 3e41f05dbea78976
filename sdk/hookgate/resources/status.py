"""
What the operator writes into ``status``: facts about a resource, never a counter, a value or a receiver's words.
"""

from typing import Annotated, Literal

from pydantic import Field

from hookgate.resources.lists import ATOMIC, map_by
from hookgate.resources.model import ResourceModel
from hookgate.signing import SigningScheme

__all__ = [
    "Condition",
    "Conditions",
    "LastFailure",
    "SigningKey",
    "SigningStatus",
    "SubscriptionStatus",
    "Time",
]

Time = Annotated[str, Field(max_length=40, json_schema_extra={"format": "date-time"})]
"""RFC 3339, UTC, whole seconds."""


class Condition(ResourceModel):
    """A condition as Kubernetes has it (``metav1.Condition``)."""

    type: Annotated[str, Field(min_length=1, max_length=316)]
    """What it is about."""
    status: Literal["True", "False", "Unknown"]
    """Whether that is so."""
    observed_generation: Annotated[int, Field(ge=0)] | None = None
    """The generation of the object that it speaks of."""
    last_transition_time: Time
    """When its status last changed."""
    reason: Annotated[str, Field(min_length=1, max_length=1024)]
    """Why, in one word of a closed set."""
    message: Annotated[str, Field(max_length=32768)]
    """Why, in a sentence for people."""


Conditions = Annotated[tuple[Condition, ...], Field(max_length=16), map_by("type")]


class SigningKey(ResourceModel):
    """One of the keys that ``spec.signing.secretRefs`` names, in its order."""

    name: Annotated[str, Field(max_length=253)]
    """Name of the Secret."""
    key: Annotated[str, Field(max_length=253)]
    """The key within it."""
    fingerprint: Annotated[str, Field(max_length=64)] | None = None
    """The first 16 hex digits of the SHA-256 of the value; `weak` for one of fewer than 16 bytes, which could
    be found from them; absent while there is none."""
    signs: bool
    """Whether deliveries carry a signature of this key: with one-signature schemes only the first does."""


class SigningStatus(ResourceModel):
    """What deliveries are signed with."""

    scheme: SigningScheme
    """The scheme that is in force."""
    keys: Annotated[tuple[SigningKey, ...], Field(max_length=16), ATOMIC] = ()
    """The keys, in the order of ``spec.signing.secretRefs``."""


class LastFailure(ResourceModel):
    """How the last failed attempt ended: an outcome of the closed set, and the HTTP status where one came."""

    outcome: Annotated[str, Field(max_length=64)]
    """client_error, server_error, redirect, rate_limited, gone, timeout, dns_error, connection_error,
    tls_error or blocked."""
    status_code: int | None = None
    """The HTTP status of the answer; absent where none came."""


class SubscriptionStatus(ResourceModel):
    """How a WebhookSubscription stands."""

    observed_generation: Annotated[int, Field(ge=0)] | None = None
    """The generation of the object that this status speaks of."""
    conditions: Conditions = ()
    """Ready, SecretsResolved, EndpointAllowed and Delivering."""
    endpoint_host: Annotated[str, Field(max_length=2083)] | None = None
    """Host and port of the endpoint, also where the URL came from a Secret."""
    signing: SigningStatus | None = None
    """What deliveries are signed with."""
    last_success_time: Time | None = None
    """When an attempt last succeeded."""
    last_failure_time: Time | None = None
    """When an attempt last failed."""
    last_failure: LastFailure | None = None
    """How that attempt ended."""
