"""
How this process stands: what ``/readyz`` and ``/healthz`` answer, and what a standby says of the outside.

A leader is ready when the API server serves the CRDs, every watch has listed once and works, and the gateway
answers. A standby is ready when it could take over: the Lease can be read, the API server serves the CRDs
and the gateway answers its token. So a rollout waits for a new replica that is set up wrongly, and does not
wait for a Lease that the old one still has.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, Protocol

from hookgate_operator.app.leadership import Leadership
from hookgate_operator.ports import OutsideError

__all__ = ["OperatorStanding", "StandingObserver"]

_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 15.0
_AGAIN: Final = 10.0
"""Seconds between two looks of a standby that found all well."""
_NOT_YET: Final = "it was not asked yet"
_AWAY: Final = "the gateway does not answer; the log says why"


class StandingObserver(Protocol):
    """Who logs and counts."""

    def gateway_reachable(self, reachable: bool) -> None: ...

    def event(self, name: str, /, **fields: object) -> None: ...

    def trouble(self, name: str, /, *causes: OutsideError, **fields: object) -> None: ...


class Reachable(Protocol):
    """Something outside."""

    async def reachable(self) -> None:
        """Raises OutsideError with a sentence when it cannot be used."""
        ...


class Watches(Protocol):
    """The watches of a leader."""

    def stale(self) -> Sequence[str]: ...

    def unready(self) -> Sequence[str]: ...


class OperatorStanding:
    """See :class:`hookgate_operator.app.probes.Standing`."""

    def __init__(
        self,
        leadership: Leadership,
        *,
        cluster: Reachable,
        gateway: Reachable,
        observer: StandingObserver,
    ) -> None:
        self._leadership = leadership
        self._observer = observer
        self._outside = {"cluster": cluster, "gateway": gateway}
        self._troubles: dict[str, str | None] = dict.fromkeys(self._outside, _NOT_YET)
        self._told: dict[str, str | None] = dict.fromkeys(self._outside)
        self._is_stopping = False
        self._watches: Watches | None = None

    @property
    def role(self) -> str:
        if self._is_stopping:
            return "stopping"
        return "leader" if self._leadership.leads else "standby"

    def stopping(self) -> None:
        """The process was asked to stop."""
        self._is_stopping = True

    def watching(self, watches: Watches) -> None:
        """This replica leads, by these watches."""
        self._watches = watches

    def gateway_reachable(self, reachable: bool) -> None:
        """Whether the gateway answered the leader the last time."""
        self._troubles["gateway"] = None if reachable else _AWAY
        self._observer.gateway_reachable(reachable)

    def stale(self) -> Sequence[str]:
        return self._watches.stale() if self._watches is not None else ()

    def readiness(self) -> Mapping[str, str | None]:
        """What has to be well, by its name, with what is wrong with it."""
        troubles = {**self._troubles, "lease": self._leadership.trouble()}
        if self._leadership.leads:
            unready = self._watches.unready() if self._watches is not None else (_NOT_YET,)
            troubles["cluster"] = "; ".join(unready) or None
        if self._is_stopping:
            troubles["process"] = "the operator is stopping"
        return troubles

    async def look_out(self) -> None:
        """Until this replica leads, look whether it could, and tell what is in the way as that changes."""
        pause = _FIRST_PAUSE
        while not self._leadership.leads:
            await asyncio.gather(*(self._look(name) for name in self._outside))
            is_well = not any(self._troubles.values())
            await asyncio.sleep(_AGAIN if is_well else pause)
            pause = _FIRST_PAUSE if is_well else min(2 * pause, _LONGEST_PAUSE)

    async def _look(self, name: str) -> None:
        error = await _error(self._outside[name].reachable)
        if self._leadership.leads:
            return  # it knows better by now
        trouble = None if error is None else str(error)
        self._troubles[name] = trouble
        if name == "gateway":
            self._observer.gateway_reachable(trouble is None)
        if trouble == self._told[name]:
            return
        self._told[name] = trouble
        if error is None:
            self._observer.event("outside_reachable", which=name)
            return
        self._observer.trouble("outside_trouble", error, which=name, message=trouble)


async def _error(reachable: Callable[[], Awaitable[None]]) -> OutsideError | None:
    try:
        await reachable()
    except OutsideError as error:
        return error
    return None
