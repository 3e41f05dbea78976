"""`python -m tests.cluster`: get what the cluster tests need, ahead of them."""

import sys

from tests.cluster import programs
from tests.cluster.provision.client_tools import FetchFailed

try:
    found = (programs.programs().kube_apiserver, programs.kubectl())
except (programs.NoCluster, FetchFailed) as reason:
    sys.exit(str(reason))
sys.stdout.write("".join(f"{program}\n" for program in found))
