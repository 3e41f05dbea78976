"""What the image installs: what the tests ran with, hashed, for both platforms, and no tool of developers."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.image.build import Built
from tests.image.context import ROOT
from tests.image.dockerfile import DOCKERFILE, stages

REQUIREMENTS = ROOT / "requirements"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def locked(name: str) -> dict[str, tuple[str, int]]:
    """The version of each package of a lock, and how many hashes it has."""
    found = {}
    for entry in re.split(r"\n(?=\S)", (REQUIREMENTS / name).read_text()):
        package = re.match(r"([a-z0-9-]+)==(\S+)", entry)
        assert package, entry[:80]
        found[package[1]] = (package[2], entry.count("--hash=sha256:"))
    return found


def named(group: str) -> set[str]:
    entries = [entry for entry in PROJECT["dependency-groups"][group] if isinstance(entry, str)]
    return {re.split(r"[^A-Za-z0-9-]", entry)[0].lower() for entry in entries}


@pytest.mark.parametrize("name", ["image.txt", "build.txt"])
def test_it_is_what_the_tests_ran_with(name: str) -> None:
    everything = locked("dev.txt")
    assert locked(name).items() <= everything.items()
    assert all(hashes for _, hashes in locked(name).values())


def test_nothing_is_missing_of_gateway_and_operator() -> None:
    extras = PROJECT["project"]["optional-dependencies"]
    wanted = [*PROJECT["project"]["dependencies"], *extras["gateway"], *extras["operator"]]
    assert {re.split(r"[^A-Za-z0-9-]", each)[0] for each in wanted} <= locked("image.txt").keys()


def test_no_tool_of_developers_is_in_it() -> None:
    tools = named("test") | named("check") | named("dev") | named("build")
    assert "pytest" in tools
    assert not tools & locked("image.txt").keys()
    assert not {"pip", "setuptools", "wheel"} & locked("image.txt").keys()


def entries(name: str, packages: set[str]) -> str:
    """Those entries of a lock, with their hashes."""
    text = (REQUIREMENTS / name).read_text()
    return "\n".join(
        each for each in re.split(r"\n(?=\S)", text) if each.split("==")[0] in packages
    )


def compiled(image: Built) -> set[str]:
    """The packages whose wheels are made for a platform."""
    wheels = image.root.glob("opt/hookgate/lib/python*/site-packages/*.dist-info/WHEEL")
    made = [each.parent for each in wheels if "Root-Is-Purelib: false" in each.read_text()]
    return {each.name.partition("-")[0].replace("_", "-").lower() for each in made}


def test_no_platform_needs_a_compiler(image: Built, tmp_path: Path) -> None:
    """Asked of the package index: wheels of the image's Python for both, among the hashes that are locked."""
    python = re.search(r"python:(3\.\d+)", stages(DOCKERFILE.read_text())[-1].image)
    assert python
    wanted = compiled(image)
    assert {"cryptography", "orjson", "pydantic-core", "uvloop"} <= wanted
    (tmp_path / "wanted").write_text(entries("image.txt", wanted))
    asked = [
        subprocess.Popen(
            [
                *(
                    sys.executable,
                    "-m",
                    "uv",
                    "pip",
                    "compile",
                    "--no-config",
                    "--quiet",
                    "--no-header",
                ),
                *("--no-deps", "--only-binary=:all:", f"--python-version={python[1]}"),
                *(f"--python-platform={machine}-manylinux_2_28", tmp_path / "wanted"),
                *("-o", tmp_path / machine),
            ],
            stderr=subprocess.PIPE,
            text=True,
        )
        for machine in ("x86_64", "aarch64")
    ]
    for process in asked:
        _, said = process.communicate(timeout=100)
        assert process.returncode == 0, said
    for machine in ("x86_64", "aarch64"):
        found = re.findall(r"^([a-z0-9-]+)==", (tmp_path / machine).read_text(), re.MULTILINE)
        assert set(found) == wanted
