"""
The subscriptions of a soak: where each goes, what its receiver does, and what is promised about it.

An event carries one of twenty workflow ids by turns; a target takes all of them or the first few.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

WORKFLOWS = 20

_PATIENT = {"retryDelaysSeconds": [1] * 20, "circuitBreaker": {"consecutiveFailures": 5, "openSeconds": 1}}  # fmt: skip
_HOPELESS = {"retryDelaysSeconds": [1, 2], "maxAgeSeconds": 60, "circuitBreaker": {"consecutiveFailures": 5, "openSeconds": 5}}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One subscription and its receiver."""

    name: str
    path: str
    behaviour: str
    share: int = WORKFLOWS
    """So many of the twenty workflow ids it takes."""
    exact: bool = True
    """Whether every matching event must arrive: its receiver recovers and it is never deleted."""
    longest: float = 0.0
    """Seconds that its receiver may take to answer."""
    tls: bool = False
    timeout: int = 30
    delivery: Mapping[str, Any] = field(default_factory=dict)

    @property
    def workflows(self) -> Sequence[str]:
        return [workflow(n) for n in range(self.share)]

    def takes(self, number: int) -> bool:
        """Whether it matches event ``number``."""
        return number % WORKFLOWS < self.share


def workflow(number: int) -> str:
    """The workflow id of event ``number``."""
    return f"wpid_{number % WORKFLOWS:02d}"


TARGETS = (
    Target(name="steady", path="/steady", behaviour="answers at once", delivery={"maxInFlight": 16}),
    Target(name="tls", path="/tls", behaviour="answers at once, over TLS", share=5, tls=True),
    Target(name="edited", path="/edited/a", behaviour="its endpoint changes, it is suspended and resumed", share=5),
    Target(name="slow", path="/slow", behaviour="answers after 0.1 s", share=5, longest=0.1, delivery={"maxInFlight": 16}),
    Target(name="half", path="/half", behaviour="500 to every second request", share=3, delivery={**_PATIENT, "maxInFlight": 16}),
    Target(name="limited", path="/limited", behaviour="429 with Retry-After to one in fifty", share=3, delivery=_PATIENT),
    Target(name="churn", path="/churn", behaviour="deleted and created again", share=2, exact=False),
    Target(name="hanging", path="/hanging", behaviour="never answers", share=1, exact=False, longest=2.0, timeout=2, delivery=_HOPELESS),
    Target(name="resetting", path="/resetting", behaviour="resets every connection", share=1, exact=False, delivery=_HOPELESS),
)  # fmt: skip
