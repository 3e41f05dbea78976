"""What a build is given: what a wheel is made of and the locks, whatever else lies in the checkout."""

import pytest

from tests.image.context import let_through, tracked

NEEDED = [
    "LICENSE",
    "README.md",
    "pyproject.toml",
    "requirements/build.txt",
    "requirements/image.txt",
]


@pytest.mark.parametrize(
    "name",
    [
        ".ci/run",
        ".env",
        ".git/config",
        ".venv/bin/python",
        "charts/hookgate/values.yaml",
        "control-token",
        "examples/receiver.py",
        "gateway/hookgate_gateway/__pycache__/ids.cpython-313.pyc",
        "hookgate-data/hookgate.db",
        "hookgate.db",
        "hookgate.db.key",
        "kind.kubeconfig",
        "operator/hookgate.egg-info/PKG-INFO",
        "requirements/dev.txt",
        "sdk/hookgate/cli.pyc",
        "tests/conftest.py",
    ],
)
def test_what_has_no_place_in_an_image_is_kept_out(name: str) -> None:
    assert let_through([name]) == []


def test_what_a_wheel_is_made_of_is_let_through() -> None:
    found = let_through(tracked())
    assert [name for name in found if "/" not in name or name.startswith("requirements/")] == NEEDED
    folders = {name.split("/")[0] for name in found if "/" in name}
    assert folders == {"examples", "gateway", "operator", "requirements", "sdk"}
    assert {name.split("/")[1] for name in found if name.startswith("examples/")} == {"quickstart"}
