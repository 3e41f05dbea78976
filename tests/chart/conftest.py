"""Helm for the chart's tests: there, fetched, or one loud line."""

import os

import pytest

from tests.chart.rendering import HELMS
from tests.cluster.programs import NoCluster
from tests.cluster.provision.client_tools import FetchFailed

_REASON = pytest.StashKey[str]()  # why there is no Helm


@pytest.fixture(autouse=True, scope="session")
def _helm(request: pytest.FixtureRequest) -> None:
    """Fetch both Helms before the first test of the chart."""
    try:
        for find in HELMS.values():
            find()
    except (FetchFailed, NoCluster) as reason:
        request.config.stash[_REASON] = " ".join(str(reason).split())
        if os.environ.get("CI") == "true":
            pytest.fail(str(reason), pytrace=False)
        pytest.skip("no Helm")


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """One loud line when the chart's tests did not run."""
    if reason := config.stash.get(_REASON, None):
        how_to = "it comes from PyPI, or name yours in HOOKGATE_TEST_HELM and HOOKGATE_TEST_HELM3"
        terminalreporter.write_line(
            f"CHART TESTS DID NOT RUN: no Helm; {how_to}; {reason}", yellow=True, bold=True
        )
