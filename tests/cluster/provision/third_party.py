"""The definitions of other projects' resources that the chart can make, fetched once as pinned.

ServiceMonitor and its like, HTTPRoute and Certificate: their projects publish the definitions in
their Go modules, which Go's module proxy serves. A module's content is checked against its hash.
"""

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.provision.binaries import cache_folder, only_one
from tests.cluster.provision.client_tools import FetchFailed

PINNED = Path(__file__).with_name("third-party-crds.txt")


@dataclass(frozen=True, slots=True)
class Module:
    """One Go module at one version; `content` is its hash as go.sum has it."""

    path: str
    version: str
    content: str
    files: tuple[str, ...]


def third_party_crds() -> list[Path]:
    """Files with a CustomResourceDefinition each, fetched now if need be (10 MB); FetchFailed."""
    digest = hashlib.sha256(PINNED.read_bytes()).hexdigest()[:16]
    target = cache_folder() / f"{PINNED.stem}-{digest}"
    with only_one(PINNED.stem):
        if not target.is_dir():
            with tempfile.TemporaryDirectory(dir=cache_folder(), prefix="fetching-") as temporary:
                _fetch(pins(PINNED.read_text()), Path(temporary)).rename(target)
    return sorted(target.glob("*.yaml"))


def pins(text: str) -> list[Module]:
    """What a list of pins says, one module a line."""
    words = [line.split() for line in text.splitlines() if line and not line.startswith("#")]
    return [Module(path, version, content, (*files,)) for path, version, content, *files in words]


def _fetch(modules: list[Module], folder: Path) -> Path:
    target = folder / "crds"
    target.mkdir()
    for module in modules:
        source = _download(module, folder / "modules")
        for file in module.files:
            shutil.copyfile(source / file, target / Path(file).name)
    return target


def _download(module: Module, go_modules: Path) -> Path:
    """The folder of the module's content, which is what the pin says; FetchFailed."""
    if shutil.which("go") is None:
        raise FetchFailed(f"{module.path} comes by Go: install Go 1.26 or newer")
    done = subprocess.run(
        ["go", "mod", "download", "-modcacherw", "-json", f"{module.path}@{module.version}"],
        cwd=go_modules.parent,
        # Neither the user's modules nor the public list of hashes: ours says what is right.
        env=os.environ | {"GOMODCACHE": str(go_modules), "GOWORK": "off", "GOSUMDB": "off"},
        capture_output=True,
        text=True,
        check=False,
    )
    told = json.loads(done.stdout or "{}")
    if done.returncode != 0:
        raise FetchFailed(f"{module.path}: {told.get('Error', done.stderr[-500:])}")
    if told["Sum"] != module.content:
        raise FetchFailed(f"{module.path} {module.version} is {told['Sum']}, not as pinned")
    return Path(told["Dir"])
