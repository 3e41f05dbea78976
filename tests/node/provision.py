"""What a node is made of, got ahead of it: programs, and the image of the working tree."""

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.cluster import programs
from tests.cluster.provision.binaries import build, cache_folder
from tests.image.dockerfile import DOCKERFILE, stages
from tests.node.base import base
from tests.node.binaries import node_recipe
from tests.node.image import build as build_image
from tests.node.oci import PAUSE, archive

IMAGE = "ghcr.io/hookgate/hookgate"


@dataclass(frozen=True, slots=True)
class Provisions:
    """Where it is."""

    node_programs: Path
    images: Path


def provisioned() -> Provisions:
    """Everything, built or fetched now if need be; NoCluster, NoBase, BuildFailed, InstructionFailed, FetchFailed."""
    programs.programs()
    programs.kubectl()
    programs.helm()
    return Provisions(build(node_recipe()), _images())


def image_names() -> list[str]:
    """What the image is called: by the chart as it is, and a second name for an upgrade to go to."""
    version = next(
        line.partition(":")[2].strip().strip('"')
        for line in Path("charts/hookgate/Chart.yaml").read_text().splitlines()
        if line.startswith("appVersion:")
    )
    return [f"{IMAGE}:{version}", f"{IMAGE}:next"]


def _images() -> Path:
    """The archive of the working tree's image; made anew each time, as the code is another one."""
    target = cache_folder() / "node-images.tar"
    wanted = stages(DOCKERFILE.read_text())
    with tempfile.TemporaryDirectory(dir=cache_folder(), prefix="building-") as temporary:
        where = Path(temporary)
        image = build_image(wanted, base(wanted[0].image), where)
        named = dict.fromkeys(image_names(), image.configuration)
        pause = {PAUSE: {"Entrypoint": ["/usr/bin/sleep", "infinity"]}}
        shutil.move(archive(image.root, named | pause, where), target)
    return target
