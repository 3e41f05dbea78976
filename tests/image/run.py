"""
The built image as a container would run it: its environment alone, its user, nothing to write but one folder.

As root that is a mount namespace in which all of this machine is read-only, a process namespace in which the
command is PID 1, and the image's user. Anybody else gets a tree without write bits and stays who they are.
"""

import json
import os
import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.image.build import Built

__all__ = ["REFUSED", "Container", "container"]

REFUSED = 97
"""The exit code where the machine could be written to after all."""


@dataclass(frozen=True, slots=True)
class Container:
    """How to start what the image starts."""

    image: Built
    isolated: bool
    """Whether user, mounts and processes are as in a container; else only the environment is."""

    @property
    def entrypoint(self) -> list[str]:
        return [str(each) for each in json.loads(self.image.stage.last("ENTRYPOINT"))]

    def command(self, *words: str, writable: Path) -> list[str]:
        """``words`` as the container's command, with one folder to write into, which it is started in."""
        bare = ["env", "-i", *self._environment(), *words]
        if not self.isolated:
            return ["env", "--chdir", str(writable), *bare]
        user, _, group = self.image.stage.last("USER").partition(":")
        as_user = [
            "setpriv",
            f"--reuid={user}",
            f"--regid={group}",
            "--clear-groups",
            "--no-new-privs",
        ]
        script = _READ_ONLY.format(
            writable=shlex.quote(str(writable)),
            root=shlex.quote(str(self.image.root)),
            refused=REFUSED,
            command=shlex.join([*as_user, *bare]),
        )
        spaces = ["unshare", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child"]
        return [*spaces, "sh", "-ec", script]

    def run(self, *words: str, writable: Path, **settings: str) -> subprocess.CompletedProcess[str]:
        """The image's command with these words, to its end."""
        given = [f"{name}={value}" for name, value in settings.items()]
        return subprocess.run(
            self.command("env", *given, *self.entrypoint, *words, writable=writable),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def _environment(self) -> list[str]:
        return [
            f"{name}={_search_path(self.image, value) if name == 'PATH' else value}"
            for name, value in self.image.environment.items()
        ]


# Without the first line the folder would become read-only with what it is on. Whatever else is mounted keeps its
# mode: /proc, /dev and the like are a container's own, too.
_READ_ONLY = """\
mount --bind {writable} {writable}
mount -o remount,bind,ro /
on=$(findmnt -no TARGET -T {root})
[ "$on" = / ] || mount -o remount,bind,ro "$on"
cd {writable}
if touch {root}/written 2>/dev/null; then exit {refused}; fi
exec {command}
"""


def _search_path(image: Built, value: str) -> str:
    """The image's own folders where they are here, and the system's as they stand."""
    folders = value.split(":")
    return ":".join(
        str(image.path(each)) if image.path(each).is_dir() else each for each in folders
    )


def container(image: Built) -> Container:
    """As isolated as this user may have it."""
    may = os.geteuid() == 0
    if may:
        probe = subprocess.run(["unshare", "--mount", "--pid", "--fork", "true"], check=False)
        may = probe.returncode == 0
    if not may:
        subprocess.run(["chmod", "-R", "a-w", image.root], check=True)
    return Container(image, may)
