"""One gateway for each module; each test has a client and a namespace of its own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from hookgate_operator.gateway_client.client import GatewayClient
from tests.controlplane.gateway_client.world import Watcher, client_of
from tests.gateway.api.control.world import Control, open_control_world


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def control(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Control]:
    async with open_control_world(tmp_path_factory.mktemp("store")) as made:
        yield made


@pytest.fixture
def namespace(control: Control) -> str:
    return control.namespace()


@pytest.fixture
def watcher() -> Watcher:
    return Watcher()


@pytest_asyncio.fixture(loop_scope="module")
async def client(
    control: Control, tmp_path: Path, watcher: Watcher
) -> AsyncIterator[GatewayClient]:
    async with client_of(control, tmp_path, observer=watcher, wait=1) as it:
        yield it
