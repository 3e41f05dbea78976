"""docs/install.md on a whole node: what its own test does, with nothing of kubectl or kubelet played."""

import os
import subprocess
import sys

import pytest

from tests.node import machine
from tests.node.cluster import Cluster
from tests.node.provision import image_names

WITHIN = 300.0


@pytest.mark.timeout(WITHIN + 30)
def test_the_page_from_its_beginning_to_its_end(cluster: Cluster) -> None:
    settings = {
        "CI": "true",  # nothing of it is skipped
        "HOOKGATE_TEST_KUBECONFIG": str(cluster.plane.kubeconfig),
        "HOOKGATE_TEST_MACHINE": machine.ADDRESS,
        "HOOKGATE_TEST_IMAGE": image_names()[0],
    }
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "tests/install/test_install_page.py"],
        env=os.environ | settings,
        capture_output=True,
        text=True,
        timeout=WITHIN,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{cluster.story('hookgate')}"
