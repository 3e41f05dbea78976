"""
The Kubernetes API server: the adapter of ``ports.Cluster`` and the watches.

    async with connect(ClusterSettings(...), clock=clock, observer=observer) as cluster:
        await cluster.reachable()                   # raises ClusterError with one sentence
        ...                                         # cluster.api_client: for leader election
        async with cluster.watching(                # once this process leads
            wake=wakeups.wake, values_changed=wakeups.values_changed, needed=wakeups.needed
        ) as watches:
            ...     # cluster: ports.Cluster; watches: resync's Watches, probes' last_alive/stale/unready

Connecting starts nothing; the watches live for their own ``async with``.
"""

from hookgate_operator.cluster.connection import Connection, connect
from hookgate_operator.cluster.observing import ClusterObserver
from hookgate_operator.cluster.settings import ClusterSettings
from hookgate_operator.cluster.watches import Watches, watch_names

__all__ = [
    "ClusterObserver",
    "ClusterSettings",
    "Connection",
    "Watches",
    "connect",
    "watch_names",
]
