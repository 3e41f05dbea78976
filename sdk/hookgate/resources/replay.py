"""
WebhookReplay, ``hookgate.dev/v1alpha1``: send stored deliveries once more, as a Job is run once.

The filter is that of ``POST /v1/replays`` in camelCase; :meth:`ReplaySpec.gateway_filter` spells it back.
"""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, Strict

from hookgate.deliveries import DeliveryState, Outcome
from hookgate.payloads import RunStatus, RunType
from hookgate.resources.lists import SET
from hookgate.resources.model import ResourceModel
from hookgate.resources.rules import Between, Rule, Rules
from hookgate.resources.status import Conditions, Time
from hookgate.resources.subscription import Metadata
from hookgate.resources.text import ResourceName, RunId
from hookgate.resources.times import Moment, instant

__all__ = ["REPLAY_KIND", "ReplayFilter", "ReplaySpec", "ReplayStatus", "WebhookReplay"]

REPLAY_KIND = "WebhookReplay"

_Flag = Annotated[bool, Strict()]
_Count = Annotated[int, Field(ge=0)]
_CRITERIA = (
    "subscription",
    "state",
    "outcome",
    "runType",
    "status",
    "since",
    "until",
)
_OPTIONAL = ("toSubscription", "ratePerSecond")


def _unchanged(name: str) -> str:
    """In CEL, that a field is as it was: absent then and now, or the same."""
    same = f"self.{name} == oldSelf.{name}"
    if name not in _OPTIONAL:
        return same
    return f"has(self.{name}) == has(oldSelf.{name}) && (!has(self.{name}) || {same})"


def _in_order(selection: "ReplayFilter") -> bool:
    since, until = selection.since, selection.until
    return since is None or until is None or instant(since) < instant(until)


def _narrows(selection: "ReplayFilter") -> bool:
    return any(selection.model_dump(exclude={"not_replayed"}, exclude_none=True).values())


class ReplayFilter(ResourceModel):
    """Which deliveries of the namespace are sent once more: those for which all of it holds.

    Pending ones are among them only where ``state`` asks for them, those that a replay made never, and an
    event goes to a target at most once.
    """

    rules: ClassVar[Rules[Any]] = Rules(
        Rule(
            " || ".join(map("has(self.{})".format, _CRITERIA)) + " || size(self.runIds) > 0",
            f"must name at least one of {', '.join(_CRITERIA)} and runIds",
            _narrows,
        ),
        Rule(
            "!has(self.since) || !has(self.until) || self.since < self.until",
            "since must be before until",
            _in_order,
        ),
    )
    subscription: ResourceName | None = None
    """Deliveries to the WebhookSubscription of this name."""
    state: DeliveryState | None = None
    """Deliveries in this state; ``exhausted`` are those that were given up. Left out: all that have ended.

    ``pending`` are those not ended yet, held ones included. They still go out by themselves as well.
    """
    outcome: Outcome | None = None
    """Deliveries whose last attempt ended like this."""
    run_type: RunType | None = None
    """Events of runs of this type."""
    status: RunStatus | None = None
    """Events that report this status of their run."""
    run_ids: Annotated[tuple[RunId, ...], Field(max_length=1000), SET] = ()
    """Events of these runs."""
    since: Moment | None = None
    """Deliveries created at this time or later; a delivery is created when its event is accepted."""
    until: Moment | None = None
    """Deliveries created before this time."""
    not_replayed: _Flag = False
    """Leave out events that a replay has sent to the same target before."""


class ReplaySpec(ResourceModel):
    """What a WebhookReplay asks for. Nothing but ``suspend`` and ``ttlSecondsAfterFinished`` may be changed."""

    rules: ClassVar[Rules[Any]] = Rules(
        Rule(
            " && ".join(map(_unchanged, ("gatewayClass", "filter", "dryRun", *_OPTIONAL))),
            "must not be changed but for suspend and ttlSecondsAfterFinished; make a new replay",
            lambda _: True,
        )
    )
    gateway_class: ResourceName = "default"
    """The class of gateways that runs it; an operator looks only at objects of its own class."""
    filter: ReplayFilter
    """Which deliveries are sent once more. The selection is frozen when the gateway takes the replay.

    What is still pending then is left out unless ``state`` asks for it.
    """
    to_subscription: ResourceName | None = None
    """Send everything to this WebhookSubscription of the same namespace, not to where it went before."""
    rate_per_second: Annotated[int, Between(1, 10_000, "deliveries a second")] | None = None
    """Deliveries made a second, at most. Left out: as fast as the receivers take them, after fresh events."""
    dry_run: _Flag = False
    """Only count what the filter selects, into ``status.matched``; nothing is sent."""
    suspend: _Flag = False
    """Make no further deliveries until it is taken back; those that were made go on."""
    ttl_seconds_after_finished: Annotated[int, Between(0, 2**31 - 1, "seconds")] | None = None
    """Seconds after which a finished replay is deleted. Left out: it stays."""

    def gateway_filter(self) -> dict[str, Any]:
        """The filter in the words of the gateway's API (contract.md §5): what is unset is left out."""
        return self.filter.model_dump(
            mode="json", by_alias=False, exclude_none=True, exclude_defaults=True
        )


class ReplayStatus(ResourceModel):
    """How a WebhookReplay stands. The figures are the gateway's: they always add up to ``matched``."""

    observed_generation: Annotated[int, Field(ge=0)] | None = None
    """The generation of the object that this status speaks of."""
    conditions: Conditions = ()
    """``Complete``, ``Failed``, ``Suspended``."""
    start_time: Time | None = None
    """When the gateway took it."""
    completion_time: Time | None = None
    """When its last delivery ended, or when it failed."""
    matched: _Count | None = None
    """Deliveries that the filter selects."""
    sent: _Count | None = None
    """Deliveries that were made of them."""
    delivered: _Count | None = None
    """Of those, how many a receiver accepted."""
    failed: _Count | None = None
    """Of those, how many were given up."""
    skipped: _Count | None = None
    """Selected and not sent: the subscription is gone, the event is on its way there already, or it was cancelled."""
    remaining: _Count | None = None
    """Not ended yet, or not even made."""


class WebhookReplay(ResourceModel):
    """The whole resource. A status, as ``kubectl get -o yaml`` prints one, is ignored."""

    api_version: Literal["hookgate.dev/v1alpha1"]
    kind: Literal["WebhookReplay"]
    metadata: Metadata
    spec: ReplaySpec
    status: Any = None
