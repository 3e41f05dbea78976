"""One gateway for each module; each test has a namespace of its own."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.gateway.api.control.world import Control, open_control_world


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def control(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Control]:
    async with open_control_world(tmp_path_factory.mktemp("store")) as made:
        yield made


@pytest.fixture
def namespace(control: Control) -> str:
    return control.namespace()
