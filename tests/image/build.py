"""
The Dockerfile's stages by hand: each is a folder, and every absolute path of an instruction is one below it.

The base image is a fresh virtual environment: its ``python`` and ``pip`` are what the commands find first.
Everything else that they call (``install``) is this machine's.
"""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from tests.image.context import copy_context
from tests.image.dockerfile import Stage, assignments, substituted

__all__ = ["BuildFailed", "Built", "build"]

_ABSOLUTE = re.compile(r"(?<![\w.:/-])/(?=[a-z])")


class BuildFailed(Exception):
    """An instruction did not work; the message is what it printed."""


@dataclass
class Built:
    """A stage that was built: where its files are, and what its configuration says."""

    stage: Stage
    root: Path
    environment: dict[str, str] = field(default_factory=dict)
    values: dict[str, str] = field(default_factory=dict)
    workdir: str = "/"

    def path(self, inside: str) -> Path:
        """A path of the image on this machine, relative to its working directory."""
        return self.root / str(Path(self.workdir) / inside).lstrip("/")

    def placed(self, text: str) -> str:
        """A text with every absolute path put below the stage's folder."""
        return _ABSOLUTE.sub(f"{self.root}/", text)


def build(wanted: list[Stage], where: Path, python: Path) -> list[Built]:
    """Build every stage, in order. ``python`` makes the base. Raises BuildFailed."""
    base, context = where / "base", where / "context"
    subprocess.run([python, "-m", "venv", base], check=True)
    copy_context(context)
    roots = {"": context}
    done: list[Built] = []
    for number, stage in enumerate(wanted):
        it = Built(stage, where / (stage.name or str(number)))
        it.root.mkdir()
        for each in stage.instructions:
            _carry_out(it, each.word, substituted(each.text, it.values), roots, base)
        roots[stage.name or str(number)] = it.root
        done.append(it)
    return done


def _carry_out(it: Built, word: str, text: str, roots: dict[str, Path], base: Path) -> None:
    match word:
        case "ARG":
            it.values |= assignments(text)
        case "ENV":
            it.environment |= assignments(text)
        case "WORKDIR":
            it.workdir = text
            it.path("").mkdir(parents=True, exist_ok=True)
        case "COPY":
            _copy(it, text, roots)
        case "RUN":
            _run(it, text, base)


def _copy(it: Built, text: str, roots: dict[str, Path]) -> None:
    """``COPY [--from=STAGE] SOURCE TARGET``: a folder's content, or one file."""
    *options, source, target = text.split()
    origin = roots["".join(options).removeprefix("--from=")]
    found, to = origin / source.lstrip("/"), it.path(target)
    if found.is_dir():
        shutil.copytree(found, to, symlinks=True, dirs_exist_ok=True)
        _tell_of_their_place(to, origin, it.root)
    else:
        to = to / found.name if target.endswith("/") else to
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(found, to)


def _tell_of_their_place(copied: Path, before: Path, now: Path) -> None:
    """Scripts name their interpreter by its path: in an image it stays what it was, here it moves."""
    for script in copied.glob("bin/*"):
        text = script.read_bytes()
        if not script.is_symlink() and text.startswith(b"#!"):
            script.write_bytes(text.replace(bytes(before), bytes(now), 1))


def _run(it: Built, text: str, base: Path) -> None:
    if os.geteuid() != 0:  # only root gives files away
        text = text.replace(" -o 65532 -g 65532", " ")
    rest = {k: v for k, v in os.environ.items() if not k.startswith(("HOOKGATE_", "PYTHON"))}
    environment = rest | it.values | it.environment
    environment["PATH"] = f"{base}/bin:/usr/local/bin:/usr/bin:/bin"
    ran = subprocess.run(
        ["/bin/sh", "-ec", it.placed(text)],
        cwd=it.path(""),
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if ran.returncode != 0:
        raise BuildFailed(f"RUN {text}\n{ran.stdout[-3000:]}")
