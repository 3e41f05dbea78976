"""
The image of the tests: the working tree, installed as the Dockerfile says, at the Dockerfile's paths.

A wheel is built and installed with the image's hash-checked dependencies into an environment of its own;
nothing of the source tree is in it. User, variables, working folder and entry point are read from the
Dockerfile. The rest of the root file system is this machine's `/usr`, read-only, with the Python of the tests.
Every repository and tag that a pod names is this image.
"""

import asyncio
import json
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.image.dockerfile import DOCKERFILE, Stage, assignments, stages

ROOT = Path(__file__).resolve().parents[2]
INSTALLED = "/opt/hookgate"
FROM_THE_MACHINE = ("/usr", "/etc/ssl", "/etc/ld.so.cache")
LINKS = ("bin", "lib", "lib64", "sbin")
USERS = "root:x:0:0:root:/root:/usr/sbin/nologin\n"


@dataclass(frozen=True, slots=True)
class Image:
    """Built once; each container gets a root folder of its own, with nothing but mount points in it."""

    environment: Path
    stage: Stage

    @property
    def mounts(self) -> dict[str, Path]:
        """What is in it: path → where that is on this machine."""
        found = {path: Path(path) for path in (*FROM_THE_MACHINE, sys.base_prefix)}
        inside_another = [path for path in found if Path("/usr") in Path(path).parents]
        found = {
            path: at for path, at in found.items() if path not in inside_another and at.exists()
        }
        return {**found, INSTALLED: self.environment}

    @property
    def user(self) -> tuple[int, int]:
        user, _, group = self.stage.last("USER").partition(":")
        return int(user), int(group)

    @property
    def variables(self) -> dict[str, str]:
        return {
            name: value
            for each in self.stage.instructions
            if each.word == "ENV"
            for name, value in assignments(each.text).items()
        }

    @property
    def entry_point(self) -> list[str]:
        return list(json.loads(self.stage.last("ENTRYPOINT")))

    @property
    def working_folder(self) -> str:
        return self.stage.last("WORKDIR")

    def unpack(self, folder: Path) -> None:
        """The root file system, without what is mounted."""
        for name in (
            "etc",
            "proc",
            "dev",
            "sys",
            "tmp",
            "var/run",
            self.working_folder.lstrip("/"),
        ):
            (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / "tmp").chmod(0o1777)
        for name in LINKS:
            (folder / name).symlink_to(f"usr/{name}")
        (folder / "etc/passwd").write_text(USERS)
        (folder / "etc/group").write_text("root:x:0:\n")
        (folder / "etc/nsswitch.conf").write_text("hosts: files dns\n")


async def build(home: Path) -> Image:
    """Install the working tree under `home` (two seconds, once the packages were fetched)."""
    environment, wheels = home / "hookgate", home / "wheels"
    await _run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(wheels))
    (wheel,) = wheels.glob("*.whl")
    uv = str(Path(sys.executable).with_name("uv"))
    python = f"{sys.base_prefix}/bin/python{sys.version_info.major}.{sys.version_info.minor}"
    await _run(uv, "venv", "--quiet", "--no-config", "--python", python, str(environment))
    install = (uv, "pip", "install", "--quiet", f"--python={environment}/bin/python", "--no-deps")
    requirements = str(ROOT / "requirements" / "image.txt")
    await _run(*install, "--compile-bytecode", "--require-hashes", "--requirement", requirements)
    await _run(*install, "--compile-bytecode", str(wheel))
    command = environment / "bin" / "hookgate"
    text = command.read_text()
    command.write_text(text.replace(str(environment), INSTALLED, 1))  # the interpreter's path
    return Image(environment, stages(DOCKERFILE.read_text())[-1])


async def _run(*command: str) -> None:
    process = await asyncio.create_subprocess_exec(
        *command, cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, f"{shlex.join(command)}: {output.decode()}"
