"""`python -m tests.cluster`: get what the cluster and chart tests need, ahead of them."""

import sys

from tests.cluster import programs
from tests.cluster.provision.client_tools import FetchFailed
from tests.cluster.provision.third_party import third_party_crds

try:
    found = (
        *third_party_crds(),
        programs.helm3(),
        programs.helm(),
        programs.kubectl(),
        programs.programs().kube_apiserver,
    )
except (programs.NoCluster, FetchFailed) as reason:
    sys.exit(str(reason))
sys.stdout.write("".join(f"{program}\n" for program in found))
