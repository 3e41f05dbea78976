"""One node for the session; what was measured on it is told at the end."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster import programs
from tests.cluster.controlplane import ControlPlane
from tests.node import machine
from tests.node.cluster import Cluster
from tests.node.storage import offer

collect_ignore_glob = [] if machine.group() else ["test_*.py"]
_TOLD = pytest.StashKey[list[str]]()


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    for line in config.stash.get(_TOLD, []):
        terminalreporter.write_line(line)


@pytest.fixture(name="told", scope="session")
def _told(pytestconfig: pytest.Config) -> list[str]:
    """What a test appends here is printed below the results."""
    return pytestconfig.stash.setdefault(_TOLD, [])


@pytest.fixture(name="cluster", scope="session")
def _cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A ready node, with as many volumes as docs/install.md claims on it."""
    group = machine.group()
    assert group is not None
    home = tmp_path_factory.mktemp("cluster")
    folder = Path(os.environ["HOOKGATE_NODE_PROGRAMS"])
    cluster = Cluster(programs.programs(), folder, programs.kubectl(), home, group)
    try:
        asyncio.run(cluster.start(Path(os.environ["HOOKGATE_NODE_IMAGES"])))
        asyncio.run(offer(cluster.kubectl, [home / f"volume-{each}" for each in "abcd"]))
        yield cluster
    finally:
        cluster.stop()


@pytest.fixture(name="control_plane", scope="session")
def _control_plane(cluster: Cluster) -> ControlPlane:
    """Instead of the one without a node."""
    return cluster.plane
