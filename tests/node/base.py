"""
What the Dockerfile starts from, for a machine that can pull nothing: the same Debian and its Python.

The official image is that Debian with a Python of its own in /usr/local. Here /usr/local is an environment over
Debian's Python, so that `python` and its `pip` are where the Dockerfile's commands find them, and `pip` can be
uninstalled again.
"""

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.cluster.provision.binaries import cache_folder, only_one

PACKAGES = ("ca-certificates", "python3", "python3-venv")
NOT_NEEDED = ("var/cache/apt", "var/lib/apt/lists", "var/log", "usr/share/doc", "usr/share/man")
HOW_TO = "apt-get install debootstrap"


class NoBase(Exception):
    """There is nothing to build an image on; the message says why."""


def suite(image: str) -> str:
    """The Debian that an image's name tells: `python:3.13.15-slim-trixie@…` is of trixie."""
    found = re.search(r"-slim-([a-z]+)(@|$)", image)
    if found is None:
        raise NoBase(f"{image} does not tell of which Debian it is")
    return found[1]


def base(image: str) -> Path:
    """A root file system like that of `image`, made now if need be (a minute, once); NoBase."""
    name = f"base-{suite(image)}"
    with only_one(name):
        folder = cache_folder() / name
        if not folder.is_dir():
            with tempfile.TemporaryDirectory(dir=cache_folder(), prefix="building-") as temporary:
                root = Path(temporary, "root")
                _debootstrap(suite(image), root)
                root.rename(folder)
        return folder


def _debootstrap(suite: str, root: Path) -> None:
    if shutil.which("debootstrap") is None:
        raise NoBase(f"no debootstrap: {HOW_TO}")
    packages = ",".join(PACKAGES)
    made = subprocess.run(
        ["debootstrap", "--variant=minbase", f"--include={packages}", suite, root],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if made.returncode != 0:
        raise NoBase(f"debootstrap {suite}: {made.stdout[-2000:]}")
    for each in NOT_NEEDED:
        shutil.rmtree(root / each, ignore_errors=True)
        (root / each).mkdir()
    subprocess.run(["chroot", root, "/usr/bin/python3", "-m", "venv", "/usr/local"], check=True)
