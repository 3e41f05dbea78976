"""Builds etcd, kube-apiserver and kube-controller-manager once and keeps them in a cache folder.

The folder is named by a hash of everything that goes into the build, appears whole or not at
all (built aside, then renamed), and is built by one process at a time. Go's own build cache is
3.6 GB that only an interrupted build needs again: it lies beside the binaries while the build
runs and goes away when it succeeded.
"""

import fcntl
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.provision.pin import COMMANDS, KUBERNETES, VERSIONS

DEFAULT_VERSION = "1.37"
PROGRAMS = ("etcd", "kube-apiserver", "kube-controller-manager")
PROGRESS_SECONDS = 30.0


class BuildFailed(Exception):
    """Go could not build the control plane; the message has the end of what it said."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """One Kubernetes version to build: `minor` as "1.37", `patch` as "1.37.2"."""

    minor: str
    patch: str
    files: tuple[Path, ...]
    commands: Path = COMMANDS
    """The folder of the main packages: one below it for each program."""
    programs: tuple[str, ...] = PROGRAMS

    @property
    def linker_flags(self) -> str:
        """Strip, and state the version: else the server calls itself v0.0.0-master."""
        major, minor, _ = self.patch.split(".")
        facts = {"gitVersion": f"v{self.patch}", "gitMajor": major, "gitMinor": minor}
        stated = (
            f"-X k8s.io/component-base/version.{name}={value}" for name, value in facts.items()
        )
        return " ".join(("-s", "-w", *stated))

    @property
    def digest(self) -> str:
        """Of the pins, the main packages, the flags and the platform."""
        state = hashlib.sha256(f"{self.linker_flags} {sys.platform} {platform.machine()}".encode())
        for file in self.files:
            state.update(file.relative_to(self.commands.parent).as_posix().encode() + b"\0")
            state.update(file.read_bytes() + b"\0")
        return state.hexdigest()[:16]


def recipe(minor: str = DEFAULT_VERSION) -> Recipe:
    """What is pinned for `minor`; ValueError for a version that is not."""
    folder = VERSIONS / minor
    if not folder.is_dir():
        known = ", ".join(sorted(entry.name for entry in VERSIONS.iterdir()))
        raise ValueError(
            f"Kubernetes {minor} is not pinned in tests/cluster/provision/versions: {known}"
        )
    pins = (folder / "go.mod", folder / "go.sum")
    return Recipe(minor, required(pins[0]), (*pins, *sorted(COMMANDS.rglob("*.go"))))


def required(go_mod: Path) -> str:
    """The Kubernetes version that a go.mod pins, as "1.37.2"."""
    words = f"require {KUBERNETES} v"
    lines = go_mod.read_text().splitlines()
    return next(line.removeprefix(words) for line in lines if line.startswith(words))


def cache_folder() -> Path:
    """Where what tests build or fetch is kept between runs."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "hookgate" / "control-plane"


def built(wanted: Recipe) -> Path | None:
    """The folder of the binaries when they were built before."""
    folder = cache_folder() / wanted.digest
    return folder if folder.is_dir() else None


def build(wanted: Recipe) -> Path:
    """The folder of the binaries, built now if need be. Minutes, once; BuildFailed."""
    with only_one("build"):
        if folder := built(wanted):
            return folder
        _say(
            f"building {', '.join(wanted.programs)} {wanted.patch} for the tests: minutes on two cores, once"
        )
        build_cache = cache_folder() / "go-build"
        with tempfile.TemporaryDirectory(dir=cache_folder(), prefix="building-") as temporary:
            module, output = Path(temporary, "module"), Path(temporary, "bin")
            _lay(wanted, module)
            _go_build(wanted, module=module, output=output, build_cache=build_cache)
            output.rename(cache_folder() / wanted.digest)
        shutil.rmtree(build_cache, ignore_errors=True)
        _say(f"built Kubernetes {wanted.patch} into {cache_folder() / wanted.digest}")
        return cache_folder() / wanted.digest


@contextmanager
def only_one(task: str) -> Iterator[None]:
    """Hold the lock of `task` among all processes that share the cache folder."""
    cache_folder().mkdir(parents=True, exist_ok=True)
    with (cache_folder() / f"{task}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _lay(wanted: Recipe, module: Path) -> None:
    shutil.copytree(wanted.commands, module)
    for file in wanted.files:
        if file.name in ("go.mod", "go.sum"):
            shutil.copy(file, module)


def _go_build(wanted: Recipe, *, module: Path, output: Path, build_cache: Path) -> None:
    """Run `go build`, with a sign of life on stderr each half minute."""
    command = ["go", "build", "-v", "-mod=readonly", "-trimpath", "-buildvcs=false"]
    command += ["-ldflags", wanted.linker_flags, "-o", f"{output}/"]
    command += [f"./{program}" for program in wanted.programs]
    environment = os.environ | {
        "CGO_ENABLED": "0",
        "GOCACHE": str(build_cache),
        "GOWORK": "off",
    }
    output.mkdir()
    packages: list[str] = []
    finished = threading.Event()
    with subprocess.Popen(
        command, cwd=module, env=environment, stderr=subprocess.PIPE, text=True
    ) as process:
        signs = threading.Thread(target=_signs_of_life, args=(packages, finished))
        signs.start()
        try:
            assert process.stderr is not None
            packages.extend(line.rstrip() for line in process.stderr)
        finally:
            finished.set()
            signs.join()
    if process.returncode != 0:
        raise BuildFailed("\n".join(("go build failed:", *packages[-20:])))


def _signs_of_life(packages: list[str], finished: threading.Event) -> None:
    while not finished.wait(PROGRESS_SECONDS):
        _say(f"… {len(packages)} packages compiled")


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
