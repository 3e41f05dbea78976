"""Runs that an upstream is asked for, the gateway's side."""

from hookgate_gateway.ports import Asking, MadeBefore, NamedRun, NewRun, Settled
from hookgate_gateway.rules.delivery import AskingId, DeliveryId, Timestamp
from hookgate_gateway.store.sqlite.backlog import SqliteBacklog
from hookgate_gateway.store.sqlite.intake import run_fields
from hookgate_gateway.store.sqlite.link import Link

__all__ = ["SqliteAskings"]


class SqliteAskings:
    """Implements the port Askings."""

    def __init__(self, link: Link, backlog: SqliteBacklog) -> None:
        self._link = link
        self._backlog = backlog

    async def ask(self, asking: Asking) -> MadeBefore | None:
        once, run = asking.once, asking.run
        key = once and (once.key, asking.reservation, once.at, once.since)
        bodies = (once.request_sha256 if once else b"", run.request)
        request = (asking.id, run_fields(run), key)
        made, sha256 = await self._link.request("ask_run", request, bodies)
        return None if made is None else MadeBefore(bytes(sha256), made)

    async def withdraw(self, asking: Asking) -> None:
        key = asking.once and (asking.once.key, asking.reservation)
        await self._link.request("withdraw_run", (asking.run.namespace, asking.id, key))

    async def adopt(self, asking: Asking, run: NewRun, settled: Settled | None = None) -> bool:
        key = settled and (settled.key, settled.reservation, settled.made)
        request = (asking.id, run_fields(run), _delivery(asking.id), key)
        (adopted, due), _ = await self._link.request("adopt_run", request, (run.request,))
        return self._done(adopted, due)

    async def adopt_reported(self, id_: AskingId, named: NamedRun, made: str) -> bool:
        run = (named.namespace, named.run_id, named.run_type, named.status)
        request = (id_, run, _delivery(id_), made)
        (adopted, due), _ = await self._link.request("adopt_reported_run", request)
        return self._done(adopted, due)

    def _done(self, adopted: bool, due: Timestamp | None) -> bool:
        if due is not None:
            self._backlog.arrived(due)
        return adopted


def _delivery(id_: AskingId) -> DeliveryId:
    """The id for what is owed by an adoption: the asking's characters, which no other id has."""
    return DeliveryId("dlv_" + id_[4:])
