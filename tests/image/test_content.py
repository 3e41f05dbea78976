"""What is in the image: the installation, byte code for all of it, nothing that builds or tests."""

import pytest

from tests.image.build import Built


def test_nothing_lies_outside_of_the_installation_but_an_empty_folder(image: Built) -> None:
    assert sorted(str(each.relative_to(image.root)) for each in image.root.glob("*/*")) == [
        "opt/hookgate",
        "var/lib",
    ]
    assert list((image.root / "var/lib").rglob("*")) == [image.root / "var/lib/hookgate"]


@pytest.mark.parametrize(
    "name", ["pip", "setuptools", "wheel", "pytest", "hatchling", "mypy", "ruff", "uv"]
)
def test_what_installs_builds_or_tests_is_not_in_it(image: Built, name: str) -> None:
    (packages,) = image.root.glob("opt/hookgate/lib/python*/site-packages")
    assert (packages / "hookgate").is_dir()
    assert not (packages / name).exists()
    assert not (image.root / "opt/hookgate/bin" / name).exists()


def test_no_source_tree_and_no_tests_of_ours_are_in_it(image: Built) -> None:
    (packages,) = image.root.glob("opt/hookgate/lib/python*/site-packages")
    assert {each.name for each in packages.glob("hookgate*") if each.suffix != ".dist-info"} == {
        "hookgate",
        "hookgate_gateway",
        "hookgate_operator",
        "hookgate_process",
    }
    assert not (packages / "tests").exists()


def test_every_module_is_compiled_and_never_compared_with_its_source(image: Built) -> None:
    (library,) = image.root.glob("opt/hookgate/lib/python*")
    compiled = list(library.rglob("*.pyc"))
    assert len(compiled) == len(list(library.rglob("*.py"))) > 1000
    # PEP 552: the second word of the header is 1 where the hash of the source is not checked.
    assert {each.read_bytes()[4:8] for each in compiled} == {b"\x01\0\0\0"}
