"""
The Dockerfile carried out on a root file system: `RUN` in a chroot, `COPY` and the rest as they say.

No container engine is asked for. What the commands fetch comes over the machine's network, with the machine's
certificates and its settings of pip.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.image.context import copy_context
from tests.image.dockerfile import Stage, assignments, substituted

FROM_THE_MACHINE = ("/dev", "/etc/resolv.conf", "/etc/ssl/certs", "/etc/pip.conf")
_SETTINGS = ("PIP_", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
_NOT_INSIDE = ("PIP_FIND_LINKS", "PIP_CONFIG_FILE", "PIP_CACHE_DIR")
_CHROOT = """\
set -e
mount --make-rprivate /
root=$1 folder=$2 command=$3
shift 3
mount -t proc proc "$root/proc"
for each in "$@"; do
    [ -e "$each" ] || continue
    if [ -d "$each" ]; then mkdir -p "$root$each"; else : >>"$root$each"; fi
    mount --rbind "$each" "$root$each"
done
exec chroot "$root" /bin/sh -ec "cd $folder; $command"
"""


class InstructionFailed(Exception):
    """An instruction did not work; the message is what it printed."""


@dataclass
class Image:
    """One stage: its file system and what is said about it."""

    stage: Stage
    root: Path
    variables: dict[str, str] = field(default_factory=dict)
    arguments: dict[str, str] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    working_folder: str = "/"

    @property
    def configuration(self) -> dict[str, Any]:
        """The `config` of the OCI image specification."""
        return {
            "User": self.stage.last("USER"),
            "Env": [f"{name}={value}" for name, value in self.variables.items()],
            "Entrypoint": json.loads(self.stage.last("ENTRYPOINT")),
            "Cmd": json.loads(self.stage.last("CMD")),
            "WorkingDir": self.working_folder,
            "Labels": self.labels,
            "StopSignal": self.stage.last("STOPSIGNAL"),
            "ExposedPorts": {f"{port}/tcp": {} for port in self.stage.last("EXPOSE").split()},
        }


def build(stages: list[Stage], base: Path, where: Path) -> Image:
    """Build every stage on a copy of `base`, in order; the last one. Raises InstructionFailed."""
    context = where / "context"
    copy_context(context)
    roots = {"": context}
    for number, stage in enumerate(stages):
        image = Image(stage, where / (stage.name or str(number)))
        subprocess.run(["cp", "--archive", "--reflink=auto", base, image.root], check=True)
        for each in stage.instructions:
            _carry_out(image, each.word, substituted(each.text, image.arguments), roots)
        roots[stage.name or str(number)] = image.root
    return image


def _carry_out(image: Image, word: str, text: str, roots: Mapping[str, Path]) -> None:
    match word:
        case "ARG":
            image.arguments |= assignments(text)
        case "ENV":
            image.variables |= assignments(text)
        case "LABEL":
            image.labels |= assignments(text)
        case "WORKDIR":
            image.working_folder = text
            (image.root / text.lstrip("/")).mkdir(parents=True, exist_ok=True)
        case "COPY":
            _copy(image, text, roots)
        case "RUN":
            _run(image, text)


def _copy(image: Image, text: str, roots: Mapping[str, Path]) -> None:
    """`COPY [--from=STAGE] SOURCE TARGET`: a folder's content, or one file."""
    *options, source, target = text.split()
    found = roots["".join(options).removeprefix("--from=")] / source.lstrip("/")
    to = image.root / str(Path(image.working_folder, target)).lstrip("/")
    if found.is_dir():
        shutil.copytree(found, to, symlinks=True, dirs_exist_ok=True)
        return
    to = to / found.name if target.endswith("/") else to
    to.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(found, to)


def _run(image: Image, text: str) -> None:
    spaces = ["unshare", "--mount", "--pid", "--fork", "--kill-child"]
    inside = [str(image.root), image.working_folder, text, *FROM_THE_MACHINE]
    ran = subprocess.run(
        [*spaces, "sh", "-c", _CHROOT, "sh", *inside],
        env=_machines_settings() | image.arguments | _search_path(image) | image.variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if ran.returncode != 0:
        raise InstructionFailed(f"RUN {text}\n{ran.stdout[-3000:]}")


def _search_path(image: Image) -> dict[str, str]:
    """As the official image has it, until a stage says otherwise."""
    return {"PATH": "/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin"}


def _machines_settings() -> dict[str, str]:
    """Where this machine's pip fetches from."""
    return {
        name: value
        for name, value in os.environ.items()
        if name.upper().startswith(_SETTINGS) and name not in _NOT_INSIDE
    }
