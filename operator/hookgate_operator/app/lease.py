"""
A Lease as the election reads and writes it: bounded in time, never raising, telling its troubles once.

The library's own lock lets a broken connection end the election, waits minutes for an answer, writes local
time where UTC is meant, and writes no time at all (so that a standby takes a live lease) where a time falls
on a whole second. What is kept of it is its contract with the election.
"""

import asyncio
import json
from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Protocol, TypeVar

import aiohttp
from kubernetes.aio.client import ApiClient, V1Lease, V1LeaseSpec, V1ObjectMeta
from kubernetes.aio.client.exceptions import ApiException
from kubernetes.aio.leaderelection.leaderelectionrecord import LeaderElectionRecord
from kubernetes.aio.leaderelection.resourcelock.leaselock import LeaseLock

from hookgate_process.clock import Clock

__all__ = ["LeaseObserver", "LeaseSettings", "WatchedLease"]

_NOT_FOUND: Final = 404
_CONFLICT: Final = 409

T = TypeVar("T")


class LeaseObserver(Protocol):
    """Who logs."""

    def event(self, name: str, /, **fields: object) -> None: ...

    def warning(self, name: str, /, **fields: object) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseSettings:
    """Which Lease, in whose name, and how long it lasts."""

    name: str
    namespace: str
    identity: str
    """Another one in each life of a process."""
    seconds: int = 15
    """For which it lasts without being renewed: 3 or more."""

    @property
    def renew_within(self) -> float:
        """Seconds after which a leader that could not renew ends: a third before a standby takes over."""
        return self.seconds * 2 / 3

    @property
    def unwind(self) -> float:
        """Seconds from then on until a standby may take over: until then the work has to be stopped."""
        return self.seconds - self.renew_within

    @property
    def every(self) -> float:
        """Seconds between two looks."""
        return max(1.0, self.seconds * 2 / 15)

    @property
    def patience(self) -> float:
        """Seconds that a request may take, so that a slow one leaves time for the next."""
        return self.renew_within / 4


class WatchedLease(LeaseLock):
    """The lock of an election. Knows when it was last renewed and whether somebody else has it."""

    def __init__(
        self,
        settings: LeaseSettings,
        api_client: ApiClient,
        *,
        clock: Clock,
        observer: LeaseObserver,
    ) -> None:
        super().__init__(settings.name, settings.namespace, settings.identity, api_client)
        self._settings = settings
        self._clock = clock
        self._observer = observer
        self.trouble: str | None = "the Lease was not read yet"
        """Why it could not be read or written the last time, a sentence."""
        self.renewed_at = clock.monotonic()
        """Not later than this the API server took our last renewal."""
        self.taken = asyncio.Event()
        """Somebody else has it although it was ours."""
        self._was_ours = self._has_told = False

    # ------------------------------------------------------------------ what the election calls

    async def get(self, name: str, namespace: str) -> tuple[bool, Any]:
        """(True, who has it), or (False, why that is not known; 404 lets the election create it)."""
        ask = self.api_instance.read_namespaced_lease(name, namespace)
        found = await self._answered("get", ask, fine=_NOT_FOUND)
        if isinstance(found, ApiException):
            return False, _for_election(found)
        self.lease_reference = found
        record = self.election_record(found)
        if self._was_ours and record.holder_identity != self.identity:
            self.taken.set()
        return True, record

    async def create(
        self, name: str, namespace: str, election_record: LeaderElectionRecord
    ) -> bool:
        lease = V1Lease(metadata=V1ObjectMeta(name=name), spec=self.update_lease(election_record))
        ask = self.api_instance.create_namespaced_lease(namespace, lease)
        return await self._written("create", ask)

    async def update(self, name: str, namespace: str, updated_record: LeaderElectionRecord) -> bool:
        assert self.lease_reference is not None  # noqa: S101  # it was read before
        spec = self.update_lease(updated_record, self.lease_reference.spec)
        self.lease_reference.spec = spec
        ask = self.api_instance.replace_namespaced_lease(name, namespace, self.lease_reference)
        return await self._written("update", ask)

    def update_lease(
        self,
        leader_election_record: LeaderElectionRecord,
        current_spec: V1LeaseSpec | None = None,
    ) -> V1LeaseSpec:
        """The spec that says it is ours, from now on or still."""
        now = self._now()
        spec = current_spec or V1LeaseSpec(lease_transitions=0)
        if spec.holder_identity != self.identity:
            if current_spec is not None:
                spec.lease_transitions = (spec.lease_transitions or 0) + 1
            spec.acquire_time = now
        spec.holder_identity = leader_election_record.holder_identity
        spec.lease_duration_seconds = self._settings.seconds
        spec.acquire_time, spec.renew_time = _writable(spec.acquire_time or now), now
        return spec

    # ------------------------------------------------------------------------------ the end

    async def release(self) -> None:
        """Let a standby take it at once, if it is ours. What cannot be released runs out."""
        settings = self._settings
        ask = self.api_instance.read_namespaced_lease(settings.name, settings.namespace)
        lease = await self._answered("get", ask)
        if isinstance(lease, ApiException) or lease.spec is None:
            return
        spec = lease.spec
        if spec.holder_identity != self.identity:
            return
        spec.holder_identity, spec.lease_duration_seconds = "", 1
        spec.acquire_time = spec.renew_time = self._now()
        ask = self.api_instance.replace_namespaced_lease(settings.name, settings.namespace, lease)
        if await self._written("update", ask):
            self._observer.event("lease_released", lease=settings.name)

    def _now(self) -> datetime:
        return _writable(datetime.fromtimestamp(self._clock.now(), UTC))

    # ------------------------------------------------------------------------------- asking

    async def _written(self, verb: str, ask: Awaitable[Any]) -> bool:
        began_at = self._clock.monotonic()
        # 409: another replica was faster, which the next look shows.
        if isinstance(await self._answered(verb, ask, fine=_CONFLICT), ApiException):
            return False
        self.renewed_at, self._was_ours = began_at, True
        return True

    async def _answered(
        self, verb: str, ask: Awaitable[T], *, fine: int | None = None
    ) -> T | ApiException:
        """The answer; a refusal, or having none, as a value. ``fine``: a status that is no trouble."""
        try:
            async with asyncio.timeout(self._settings.patience):
                answer = await ask
        except ApiException as error:
            self._tell(None if error.status == fine else self._refused(verb, error.status))
            return error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            self._tell(f"the API server cannot be reached ({type(error).__name__})")
            return ApiException(status=0, reason=type(error).__name__)
        self._tell(None)
        return answer

    def _refused(self, verb: str, status: int | None) -> str:
        where = f"leases in namespace {self._settings.namespace}"
        if status == 403:
            return (
                f"the operator may not {verb} {where}; give its ServiceAccount that rule by a Role"
                " (see docs/reference/permissions.md)"
            )
        if status == 404:
            return f"there is no namespace {self._settings.namespace} for the Lease"
        return f"{verb} {where}: the API server answers {status}"

    def _tell(self, trouble: str | None) -> None:
        """Log a trouble when it comes and when it goes."""
        if trouble == self.trouble:
            return
        if trouble is not None:
            self._observer.warning("lease_trouble", lease=self._settings.name, message=trouble)
        elif self.trouble is not None and self._has_told:
            self._observer.event("lease_trouble_over", lease=self._settings.name)
        self._has_told = trouble is not None
        self.trouble = trouble


def _for_election(error: ApiException) -> ApiException:
    """The election looks for the status in a body of JSON, whoever answered."""
    error.body = json.dumps({"code": error.status})
    return error


def _writable(time: datetime) -> datetime:
    """The API server takes fractions of a second with six digits only; the client leaves out a zero one."""
    return time.replace(microsecond=max(1, time.microsecond))
