"""The image, built once for all of them."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.image.build import BuildFailed, Built, build
from tests.image.dockerfile import DOCKERFILE, stages
from tests.image.run import Container, container

_OFFLINE = ("NewConnectionError", "Temporary failure in name resolution", "Max retries exceeded")
_ABLE = "import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The first that needs the image waits for an index and its packages."""
    for item in items:
        if Path(item.path).is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.timeout(300))


def _python() -> Path:
    """An interpreter that any user can start, or else the one that runs the tests."""
    for folder in ("/usr/local/bin", "/usr/bin"):
        program = Path(folder, "python3")
        if program.exists() and subprocess.run([program, "-c", _ABLE], check=False).returncode == 0:
            return program
    return Path(sys.executable)


@pytest.fixture(name="built", scope="session")
def _built() -> Iterator[dict[str, Built]]:
    """Every stage of the Dockerfile, in a folder that any user can enter."""
    where = Path(tempfile.mkdtemp(prefix="hookgate-image-"))
    where.chmod(0o755)
    try:
        yield {
            each.stage.name: each
            for each in build(stages(DOCKERFILE.read_text()), where, _python())
        }
    except BuildFailed as failure:
        if any(words in str(failure) for words in _OFFLINE) and not os.environ.get("CI"):
            pytest.skip("the image's dependencies cannot be fetched: needs a package index")
        raise
    finally:
        subprocess.run(["chmod", "-R", "u+w", where], check=True)
        shutil.rmtree(where)


@pytest.fixture(name="image", scope="session")
def _image(built: dict[str, Built]) -> Built:
    """What is shipped: the last stage."""
    return built[""]


@pytest.fixture(name="it", scope="session")
def _it(image: Built, pytestconfig: pytest.Config) -> Container:
    found = container(image)
    if not found.isolated:
        terminal = pytestconfig.get_terminal_writer()
        terminal.line(
            "\nthe image runs as the present user: user 65532 and a read-only machine need root"
        )
    return found


@pytest.fixture(name="volume")
def _volume(it: Container) -> Iterator[Path]:
    """The one folder that the container may write into, as a volume of the image's user."""
    with tempfile.TemporaryDirectory(prefix="hookgate-volume-") as name:
        if it.isolated:
            os.chown(name, 65532, 65532)
        yield Path(name)
