"""Every store that there is, by its factory: the behaviour tests run against each."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from hookgate_gateway.store.sqlite.store import SqliteStore
from tests.gateway.stores import START, open_sqlite

OpenStore = Callable[[], AbstractAsyncContextManager[SqliteStore]]


class Wall:
    """A wall clock that is set by hand."""

    def __init__(self) -> None:
        self.time = START

    def now(self) -> float:
        return self.time


@pytest.fixture
def wall() -> Wall:
    return Wall()


@pytest.fixture(params=["sqlite"])
def open_store(request: pytest.FixtureRequest, tmp_path: Path, wall: Wall) -> OpenStore:
    """Opens the store of this test; opened again, it is the same one after a restart."""
    openers = {"sqlite": lambda: open_sqlite(tmp_path, now=wall.now)}
    return openers[request.param]


@pytest.fixture
async def store(open_store: OpenStore) -> AsyncIterator[SqliteStore]:
    async with open_store() as store:
        yield store
