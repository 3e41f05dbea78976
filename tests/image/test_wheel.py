"""The wheel of the image: exactly the packages, and the same bytes from the same source."""

import os
import re
import shutil
import subprocess
import zipfile
from pathlib import Path

from tests.image.build import Built

PACKAGES = (
    "sdk/hookgate",
    "sdk/hookgate_process",
    "gateway/hookgate_gateway",
    "operator/hookgate_operator",
)


def wheel(built: dict[str, Built]) -> Path:
    (found,) = (built["wheel"].root / "dist").iterdir()
    return found


def sources(root: Path) -> set[str]:
    """The files of the packages, as a wheel names them; a link's are those that it leads to."""
    return {
        str(Path(folder, name).relative_to(root / package.split("/")[0]))
        for package in PACKAGES
        for folder, _, names in os.walk(root / package, followlinks=True)
        for name in names
    }


def test_its_content_is_the_packages_and_nothing_else(built: dict[str, Built]) -> None:
    with zipfile.ZipFile(wheel(built)) as archive:
        names = set(archive.namelist())
    described = {name for name in names if re.match(r"hookgate-[^/]+\.dist-info/", name)}
    assert names - described == sources(built["wheel"].root / "src")
    assert {name.partition("/")[2] for name in described} == {
        "METADATA",
        "RECORD",
        "WHEEL",
        "entry_points.txt",
        "licenses/LICENSE",
    }
    assert not [
        name for name in names if re.search(r"(^|/)tests?/|\.pyi$|\.pyc$|\.so$|\.toml$", name)
    ]


def test_the_same_source_makes_the_same_bytes(built: dict[str, Built], tmp_path: Path) -> None:
    """Another folder, other times, another hour."""
    stage = built["wheel"]
    shutil.copytree(stage.root / "src", tmp_path / "src", symlinks=True)
    for file in (tmp_path / "src").rglob("*"):
        os.utime(file, (2e9, 2e9), follow_symlinks=False)
    subprocess.run(
        [
            stage.root.parent / "base/bin/python",
            "-m",
            "hatchling",
            "build",
            "-t",
            "wheel",
            "-d",
            tmp_path,
        ],
        cwd=tmp_path / "src",
        env={**os.environ, "SOURCE_DATE_EPOCH": stage.values["SOURCE_DATE_EPOCH"]},
        capture_output=True,
        check=True,
    )
    assert (tmp_path / wheel(built).name).read_bytes() == wheel(built).read_bytes()
