"""
The protocols between the parts, and their promises.

Stores and the sender implement them; intake, dispatch, replay, catalogue and the API use them. One
behaviour suite (``tests/gateway/store``) holds every store to the promises below.

Errors::

    StoreError
    ├── StoreUnavailable     not now: answer 503 with Retry-After; nothing was stored
    │   └── StoreFull        no room on the disk
    ├── StoreRefused         this store cannot be used at all (newer schema, wrong key, not a database)
    └── OwnedByAnother       a resource of another owner: 409
"""

from hookgate_gateway.ports.askings import Asking, Askings, NamedRun, Settled
from hookgate_gateway.ports.backlog import Backlog, Ended, Ownership, Recorded, Recording, Taken
from hookgate_gateway.ports.catalogue import CatalogueStore, Changes, ResourceDraft, StoredResource
from hookgate_gateway.ports.egress import Sender, Shipment
from hookgate_gateway.ports.errors import (
    InvalidCursor,
    OwnedByAnother,
    StoreError,
    StoreFull,
    StoreRefused,
    StoreUnavailable,
)
from hookgate_gateway.ports.history import (
    AttemptRecord,
    DeliveryQuery,
    DeliveryRecord,
    EventQuery,
    EventRecord,
    History,
    Page,
    RunQuery,
    RunRecord,
)
from hookgate_gateway.ports.intake import (
    Acceptance,
    Accepted,
    Duplicate,
    Intake,
    MadeBefore,
    NewDelivery,
    NewRun,
    Once,
    Receipt,
    Stale,
)
from hookgate_gateway.ports.replays import Advanced, BulkReplays, Cancelled, NewReplay, Replays
from hookgate_gateway.ports.upkeep import HealthStore, Statistics, Upkeep

__all__ = [
    "Acceptance",
    "Accepted",
    "Advanced",
    "Asking",
    "Askings",
    "AttemptRecord",
    "Backlog",
    "BulkReplays",
    "Cancelled",
    "CatalogueStore",
    "Changes",
    "DeliveryQuery",
    "DeliveryRecord",
    "Duplicate",
    "Ended",
    "EventQuery",
    "EventRecord",
    "HealthStore",
    "History",
    "Intake",
    "InvalidCursor",
    "MadeBefore",
    "NamedRun",
    "NewDelivery",
    "NewReplay",
    "NewRun",
    "Once",
    "OwnedByAnother",
    "Ownership",
    "Page",
    "Receipt",
    "Recorded",
    "Recording",
    "Replays",
    "ResourceDraft",
    "RunQuery",
    "RunRecord",
    "Sender",
    "Settled",
    "Shipment",
    "Stale",
    "Statistics",
    "StoreError",
    "StoreFull",
    "StoreRefused",
    "StoreUnavailable",
    "StoredResource",
    "Taken",
    "Upkeep",
]
