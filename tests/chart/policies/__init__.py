"""Policies over a release: each a sentence, and a function that yields what contradicts it."""

from collections.abc import Callable, Iterator

from tests.chart.policies import (
    documents,
    monitoring,
    names,
    networks,
    pod_security,
    pods,
    rbac,
    secrets,
    services,
    settings,
)
from tests.chart.releases import Release

Policy = Callable[[Release], Iterator[str]]

POLICIES: dict[str, Policy] = {
    policy.__name__: policy
    for module in (
        documents,
        monitoring,
        names,
        networks,
        pod_security,
        pods,
        rbac,
        secrets,
        services,
        settings,
    )
    for policy in module.POLICIES
}
