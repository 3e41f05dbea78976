"""
What the operator writes into ``status``: facts about a resource, never a counter, a value or a receiver's words.
"""

from typing import Annotated, Literal

from pydantic import Field

from hookgate.resources.model import ResourceModel
from hookgate.signing import SigningScheme

__all__ = ["Condition", "LastFailure", "SigningKey", "SigningStatus", "SubscriptionStatus"]

Time = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
"""RFC 3339, UTC, whole seconds."""


class Condition(ResourceModel):
    """A condition as Kubernetes has it (``metav1.Condition``)."""

    type: Annotated[str, Field(max_length=316)]
    status: Literal["True", "False", "Unknown"]
    observed_generation: Annotated[int, Field(ge=0)] | None = None
    last_transition_time: Time
    reason: Annotated[str, Field(min_length=1, max_length=1024)]
    message: Annotated[str, Field(max_length=32768)]


class SigningKey(ResourceModel):
    """One of the keys that ``spec.signing.secretRefs`` names, in its order."""

    name: str
    key: str
    fingerprint: str | None = None
    """The first 16 hex digits of the SHA-256 of the value; absent while there is none."""
    signs: bool
    """Whether deliveries carry a signature of this key: with one-signature schemes only the first does."""


class SigningStatus(ResourceModel):
    """What deliveries are signed with."""

    scheme: SigningScheme
    keys: tuple[SigningKey, ...] = ()


class LastFailure(ResourceModel):
    """How the last failed attempt ended: an outcome of the closed set, and the HTTP status where one came."""

    outcome: str
    status_code: int | None = None


class SubscriptionStatus(ResourceModel):
    """How a WebhookSubscription stands."""

    observed_generation: Annotated[int, Field(ge=0)] | None = None
    conditions: tuple[Condition, ...] = ()
    endpoint_host: str | None = None
    """Host and port of the endpoint, also where the URL came from a Secret."""
    signing: SigningStatus | None = None
    last_success_time: Time | None = None
    last_failure_time: Time | None = None
    last_failure: LastFailure | None = None
