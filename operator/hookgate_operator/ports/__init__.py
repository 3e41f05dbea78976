"""
The two outside worlds as the operator sees them: the cluster and the gateway, with what they promise.

Nothing here knows kopf, a Kubernetes client or HTTP. What can be expected to go wrong is either a value
(an object that is not there is ``None``) or one error of the small tree below:

    OutsideError                 try again later; the work queue backs off
    ├── ClusterError             the API server: away, too busy, or it says no
    │   ├── Forbidden            RBAC lacks a rule; the message names verb and resource
    │   ├── Throttled            429; ``retry_after`` seconds
    │   └── Unavailable          no answer, or 5xx
    └── GatewayError             the gateway's control API
        ├── GatewayUnavailable   no answer, 5xx, 429 or a refused token; ``retry_after`` seconds where it said so
        │   └── GatewayAwaited   no answer yet, so soon that it may be starting
        ├── GatewayRefused       400, 413, 422: what was declared is not acceptable; its sentences
        ├── OwnedByAnother       409: somebody else declared a resource of that name
        └── ReplayDiffers        409: a replay of that uid exists and asks for something else
"""

from hookgate_operator.ports.cluster import (
    Announcement,
    Cluster,
    Found,
    Key,
    Kind,
    NotFound,
    NotReadable,
    Observed,
    Values,
)
from hookgate_operator.ports.errors import (
    LONGEST_PATIENCE,
    ClusterError,
    Forbidden,
    GatewayAwaited,
    GatewayError,
    GatewayRefused,
    GatewayUnavailable,
    OutsideError,
    OwnedByAnother,
    ReplayDiffers,
    Throttled,
    Unavailable,
)
from hookgate_operator.ports.gateway import (
    BreakerWord,
    Declaration,
    EndpointStanding,
    Gateway,
    HealthChanges,
    HealthReading,
    HealthWord,
    Held,
    HeldKind,
    KeyStanding,
    LastFailure,
    ReplayOrder,
    ReplayProgress,
    ReplayWord,
    Standing,
)

__all__ = [
    "LONGEST_PATIENCE",
    "Announcement",
    "BreakerWord",
    "Cluster",
    "ClusterError",
    "Declaration",
    "EndpointStanding",
    "Forbidden",
    "Found",
    "Gateway",
    "GatewayAwaited",
    "GatewayError",
    "GatewayRefused",
    "GatewayUnavailable",
    "HealthChanges",
    "HealthReading",
    "HealthWord",
    "Held",
    "HeldKind",
    "Key",
    "KeyStanding",
    "Kind",
    "LastFailure",
    "NotFound",
    "NotReadable",
    "Observed",
    "OutsideError",
    "OwnedByAnother",
    "ReplayDiffers",
    "ReplayOrder",
    "ReplayProgress",
    "ReplayWord",
    "Standing",
    "Throttled",
    "Unavailable",
    "Values",
]
