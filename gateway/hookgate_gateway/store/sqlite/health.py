"""How deliveries of subscriptions fare, the gateway's side."""

from collections.abc import Collection, Mapping
from typing import Any

from hookgate.deliveries import Outcome
from hookgate_gateway.rules.delivery import Namespace
from hookgate_gateway.rules.health import Failure, Health
from hookgate_gateway.store.sqlite.link import Link
from hookgate_gateway.store.sqlite.reader import Reader

__all__ = ["SqliteHealth"]

_Key = tuple[Namespace, str]


class SqliteHealth:
    """Implements the port HealthStore."""

    def __init__(self, link: Link, reader: Reader) -> None:
        self._link = link
        self._reader = reader

    async def load_health(self) -> dict[_Key, Health]:
        rows = await self._reader.read(lambda snapshot: snapshot.rows("health"))
        return {(Namespace(row[0]), row[1]): _health(*row[2:]) for row in rows}

    async def save_health(
        self, changed: Mapping[_Key, Health], gone: Collection[_Key] = ()
    ) -> None:  # fmt: skip
        rows = [(*key, *_row(health)) for key, health in changed.items()]
        await self._link.request("save_health", (rows, list(gone)))


def _row(health: Health) -> tuple[Any, ...]:
    failure = health.last_failure
    told = (failure.at, failure.outcome, failure.status) if failure else (None, None, None)
    return (health.last_success_at, *told, health.consecutive_failures)


def _health(
    success_at: float | None,
    failure_at: float | None,
    outcome: str | None,
    status: int | None,
    failures: int,
) -> Health:
    failure = None
    if failure_at is not None and outcome is not None:
        failure = Failure(failure_at, Outcome(outcome), status)
    return Health(success_at, failure, failures)
