"""
How often each API key may call. Both values of a Secret that rotates its key count together.
"""

from collections.abc import Callable

from hookgate_gateway.api.errors import Refusal
from hookgate_gateway.catalogue.snapshot import Caller
from hookgate_gateway.contract import ApiKey
from hookgate_gateway.rules.lane import TokenBucket

__all__ = ["KeyRates"]

_FORGET_AT = 4096


class KeyRates:
    """A token bucket for each API key that has a rate: the gateway's, or a lower one of its own.

    ``rate`` in requests a second, None for no limit; ``burst`` in requests, by default two seconds'
    worth; ``now`` in monotonic seconds.
    """

    def __init__(
        self, now: Callable[[], float], rate: float | None = None, burst: int | None = None
    ) -> None:
        self._now = now
        self._rate = rate
        self._burst = burst
        self._buckets: dict[tuple[str, str], TokenBucket] = {}

    def spend(self, caller: Caller) -> None:
        """Count a request. Raises Refusal 429 with the seconds until the next one may come."""
        key = caller.key
        own = key.limits.requests_per_second
        if self._rate is None and own is None:
            return
        now = self._now()
        bucket = self._bucket(key, own)
        wait = bucket.ready_at - now
        if wait > 0:
            raise Refusal(
                429,
                "too_many_requests",
                f"this API key may make {bucket.rate:g} requests a second",
                retry_after=wait,
            )
        self._buckets[key.namespace, key.secret] = bucket.spent(now)

    def _bucket(self, key: ApiKey, own: float | None) -> TokenBucket:
        rate = min(rate for rate in (self._rate, own) if rate is not None)
        known = self._buckets.get((key.namespace, key.secret))
        if known is not None and known.rate == rate:
            return known
        if len(self._buckets) >= _FORGET_AT:
            self._forget()
        return TokenBucket(rate, self._burst or max(1, int(2 * rate)))

    def _forget(self) -> None:
        """Full buckets say nothing."""
        now = self._now()
        self._buckets = {key: b for key, b in self._buckets.items() if b.full_at > now}
