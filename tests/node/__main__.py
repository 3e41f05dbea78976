"""`python -m tests.node [pytest's arguments]`: get what a node needs, and run its tests on one."""

import os
import sys
from pathlib import Path

from tests.cluster.programs import NoCluster
from tests.cluster.provision.client_tools import FetchFailed
from tests.node import machine
from tests.node.base import NoBase
from tests.node.image import BuildFailed
from tests.node.provision import provisioned

try:
    machine.check()
    got = provisioned()
except (machine.NoMachine, NoBase, NoCluster, BuildFailed, FetchFailed) as reason:
    sys.exit(str(reason))

here = str(Path(__file__).parent.relative_to(Path.cwd()))
given = sys.argv[1:] or [here]
settings = {
    "HOOKGATE_NODE_PROGRAMS": str(got.node_programs),
    "HOOKGATE_NODE_IMAGES": str(got.images),
}
sys.exit(machine.run([sys.executable, "-m", "pytest", *given], os.environ | settings))
