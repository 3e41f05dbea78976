"""
Whom the control API's handlers ask: one frozen value, put together by the app.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from hookgate_gateway.api.bodies import BodyReader
from hookgate_gateway.api.control.feed import HealthFeed
from hookgate_gateway.api.control.view import HealthView
from hookgate_gateway.catalogue.snapshot import Snapshot
from hookgate_gateway.catalogue.standing import Standing
from hookgate_gateway.contract import ResourceKey
from hookgate_gateway.observe import Observer
from hookgate_gateway.ports import ResourceDraft, StoredResource
from hookgate_gateway.replay.orders import ReplayOrders

__all__ = ["MAX_BODY_BYTES", "ControlServices", "Declarations"]

MAX_BODY_BYTES = 4 * 1024 * 1024
"""Of one PUT: several Secrets of 1 MiB each, in base64."""


class Declarations(Protocol):
    """What is declared; see :class:`hookgate_gateway.catalogue.catalogue.Catalogue`."""

    @property
    def snapshot(self) -> Snapshot: ...

    @property
    def stored(self) -> Mapping[ResourceKey, StoredResource]: ...

    async def ensure(self, draft: ResourceDraft) -> None: ...

    async def delete(self, key: ResourceKey, owner: str) -> int: ...

    def standing(self, stored: StoredResource) -> Standing: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlServices:
    """The collaborators of all handlers."""

    declarations: Declarations
    orders: ReplayOrders
    view: HealthView
    feed: HealthFeed
    admit: Callable[[Mapping[str, str]], None]
    """Raises Refusal 401 for whoever presents no valid token."""
    bodies: BodyReader
    observer: Observer
