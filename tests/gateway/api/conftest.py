"""One gateway for each module; each test has a namespace of its own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.gateway.api.world import Tenant, World, open_world


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    folder: Path = tmp_path_factory.mktemp("store")
    async with open_world(folder) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="module")
async def shop(world: World) -> Tenant:
    return await world.tenant()
