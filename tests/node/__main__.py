"""`python -m tests.node [pytest's arguments]`: get what a node needs, and run its tests, each module on its own."""

import sys
from pathlib import Path

from tests.cluster.programs import NoCluster
from tests.cluster.provision.binaries import BuildFailed
from tests.cluster.provision.client_tools import FetchFailed
from tests.node import machine
from tests.node.base import NoBase
from tests.node.image import InstructionFailed
from tests.node.provision import provisioned

try:
    machine.check()
    got = provisioned()
except (machine.NoMachine, NoBase, NoCluster, BuildFailed, FetchFailed, InstructionFailed) as why:
    sys.exit(str(why))

settings = {
    "HOOKGATE_NODE_PROGRAMS": str(got.node_programs),
    "HOOKGATE_NODE_IMAGES": str(got.images),
}
pytest = [sys.executable, "-m", "pytest"]
runs = (
    [sys.argv[1:]] if sys.argv[1:] else [[each] for each in Path(__file__).parent.glob("test_*.py")]
)
codes = [machine.run([*pytest, *arguments], settings) for arguments in runs]
sys.exit(max(codes))
