"""
What runs the runs: creation, look and cancel forwarded, with the URL that reports come to swapped.

Knows nothing of how clients are answered; what failed is a value that says whether anything can have
been done.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import orjson

from hookgate_gateway.contract import Source
from hookgate_gateway.observe import Observer
from hookgate_gateway.ports import NamedRun
from hookgate_gateway.rules.delivery import AskingId, Namespace, RunId
from hookgate_gateway.rules.report import Report
from hookgate_gateway.upstream.addresses import SOURCE, forwarded, with_own_url
from hookgate_gateway.upstream.answers import Answered, Away, Refused, read_run
from hookgate_gateway.upstream.client import UpstreamClient
from hookgate_gateway.upstream.keys import made
from hookgate_process.watched_files import SecretWords

__all__ = ["SeenRun", "Upstream"]

_T = TypeVar("_T")

_LONGEST_ID = 64
PASSED_HEADERS = ("x-max-steps-override", "x-user-agent")
"""What Skyvern's routes read beside the body."""


class RunOwners(Protocol):
    """Who asked for which run: of :class:`hookgate_gateway.ports.History` and ``Askings``."""

    async def registered_elsewhere(self, namespace: Namespace, run_id: RunId) -> bool: ...

    async def adopt_reported(self, id_: AskingId, named: NamedRun, made: str) -> bool: ...


@dataclass(frozen=True, slots=True)
class SeenRun:
    """A run response of the upstream, the client's own URL put back."""

    report: Report
    document: Mapping[str, Any]

    @property
    def payload(self) -> bytes:
        """The response as a report would have it."""
        try:
            return orjson.dumps(self.document)
        except TypeError:  # numbers and texts that only Python's own JSON takes
            return json.dumps(self.document).encode()


class Upstream:
    """One upstream for all namespaces. ``public_url``, without a slash at its end, is where it reaches us."""

    def __init__(
        self,
        *,
        client: UpstreamClient,
        keys: SecretWords,
        public_url: str,
        owners: RunOwners,
        observer: Observer,
    ) -> None:
        self._client = client
        self._keys = keys
        self._public_url = public_url
        self._owners = owners
        self._observer = observer

    async def create(
        self,
        namespace: Namespace,
        kind: str,
        document: Mapping[str, Any],
        headers: Mapping[str, str],
        asked: AskingId,
    ) -> SeenRun | Refused | Away:
        """Run ``tasks`` or ``workflows``; ``document`` is the request in the SDK's spelling.

        Reports of what it makes come with ``asked``.
        """
        passed = {name: headers[name] for name in PASSED_HEADERS if name in headers}
        sent = forwarded(document, self._public_url, namespace, asked)
        found = read_run(await self._client.create(namespace, kind, sent, passed))
        own = document.get("webhook_url")
        return self._told("create", _restored(found, namespace, own))

    async def look(
        self, namespace: Namespace, run_id: RunId, own_url: str | None
    ) -> SeenRun | None:
        """The run as the upstream has it now; None, and a line in the log, when that is not to be had."""
        found = read_run(await self._client.look(namespace, run_id))
        if isinstance(found, tuple) and found[1].run_id != run_id:
            found = Away("upstream_unreadable", "the upstream answered another run")
        seen = self._told("look", _restored(found, namespace, own_url))
        return seen if isinstance(seen, SeenRun) else None

    async def cancel(self, namespace: Namespace, run_id: RunId) -> Answered | Refused | Away:
        """Its end is reported by the upstream, as any other."""
        answer = self._told("cancel", await self._client.cancel(namespace, run_id))
        if isinstance(answer, Refused):
            return _refused(answer, namespace, None)
        return answer

    def source(self, namespace: Namespace, name: str) -> Source | None:
        """The built-in source, in each namespace."""
        if name != SOURCE:
            return None
        return Source(namespace=namespace, name=name, keys=self._keys.current())

    async def takes(self, namespace: Namespace, report: Report, asked: str | None) -> bool:
        """Whether a report may be for this namespace: nobody else asked for its run.

        The run is what was asked for from then on, should the answer to that not be known (yet): the
        gateway was killed, or the report was faster.
        """
        run_id = report.run_id
        if await self._owners.registered_elsewhere(namespace, run_id):
            return False
        if asked is not None and len(asked) <= _LONGEST_ID and asked.isascii():
            named = NamedRun(namespace, run_id, report.run_type, report.status)
            if await self._owners.adopt_reported(AskingId(asked), named, made(run_id)):
                self._observer.event(
                    "upstream_run_known_by_report", namespace=namespace, run_id=run_id
                )
        return True

    def _told(self, call: str, found: _T) -> _T:
        if isinstance(found, Refused):
            self._observer.warning("upstream_refused", call=call, status=found.status)
        elif isinstance(found, Away):
            self._observer.warning(
                "upstream_away", call=call, code=found.code, error=found.detail
            )  # fmt: skip
        return found


def _restored(
    found: tuple[dict[str, Any], Report] | Refused | Away, namespace: Namespace, own: str | None
) -> SeenRun | Refused | Away:
    if isinstance(found, Away):
        return found
    if isinstance(found, Refused):
        return _refused(found, namespace, own)
    document, report = found
    try:
        return SeenRun(report, with_own_url(document, namespace, own))
    except RecursionError:
        return Away("upstream_unreadable", "the upstream's answer is nested too deeply")


def _refused(refusal: Refused, namespace: Namespace, own: str | None) -> Refused:
    try:
        detail = with_own_url(refusal.detail, namespace, own)
    except RecursionError:
        detail = None
    return Refused(refusal.status, detail or "the upstream refused this", refusal.retry_after)
