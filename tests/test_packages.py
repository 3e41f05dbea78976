"""What is shipped: every file that the code reads, from the repository and from an sdist alike."""

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
NEEDED = {
    *(f"hookgate_gateway/dev/quickstart/{f.name}" for f in (ROOT / "examples/quickstart").iterdir()),
    *(str(f.relative_to(ROOT / "gateway")) for f in (ROOT / "gateway").rglob("*.sql")),
    *(str(f.relative_to(ROOT / "operator")) for f in (ROOT / "operator").rglob("rbac/*.yaml")),
    "hookgate/py.typed",
    "hookgate_gateway/py.typed",
}  # fmt: skip


def build(target, where, source=ROOT):
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(where)],
        cwd=source,
        capture_output=True,
        check=True,
    )
    (made,) = where.iterdir()
    return made


def test_a_wheel_has_what_the_code_reads(tmp_path):
    with zipfile.ZipFile(build("wheel", tmp_path)) as wheel:
        assert set(wheel.namelist()) >= NEEDED


def test_so_has_a_wheel_made_from_the_sdist(tmp_path):
    with tarfile.open(build("sdist", tmp_path / "sdist")) as archive:
        archive.extractall(tmp_path / "source", filter="data")
    (source,) = (tmp_path / "source").iterdir()
    with zipfile.ZipFile(build("wheel", tmp_path / "wheel", source)) as wheel:
        assert set(wheel.namelist()) >= NEEDED


def test_source_roots_are_never_packages():
    for root in ("sdk", "gateway", "operator"):
        assert not (ROOT / root / "__init__.py").exists()
