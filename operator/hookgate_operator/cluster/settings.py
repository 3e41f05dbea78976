"""
What the adapter of the cluster needs to be told.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

__all__ = ["ClusterSettings", "SecretsMode"]

SecretsMode = Literal["Watch", "Get"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterSettings:
    """Which part of which cluster, and how closely it is looked at."""

    namespaces: tuple[str, ...] = ()
    """The namespaces to watch; none: all of the cluster."""
    secrets_mode: SecretsMode = "Watch"
    """``Watch``: Secrets with our labels are told by watches. ``Get``: Secrets are only ever read."""
    kubeconfig: Path | None = None
    """None: in-cluster where that is possible, else KUBECONFIG, else ~/.kube/config."""
    stale_seconds: float = 180.0
    """After so many seconds without a sign of life a watch counts as dead."""
    max_age_seconds: float = 60.0
    """How old a value may be that no watch tells of, and how often it is read again."""
    instance: str = "hookgate-operator"
    """Who records Events: the pod's name."""
    manager: str = "hookgate-operator"
    """Who writes statuses, as ``metadata.managedFields`` has it; the same over restarts, at most 128 characters."""
