"""How large it is, as the documentation says it."""

import re

import pytest

from tests.image.build import Built
from tests.image.context import ROOT

MEGABYTE = 1_000_000


def test_what_it_adds_to_its_base_is_as_large_as_is_said(image: Built) -> None:
    """The bytes of its files; another Python, another platform and another day change a little of it."""
    files = [each for each in image.root.rglob("*") if each.is_file() and not each.is_symlink()]
    said = re.search(r"adds (\d+) MB to its base", (ROOT / "docs/install.md").read_text())
    assert said
    size = sum(each.stat().st_size for each in files) / MEGABYTE
    assert size == pytest.approx(int(said[1]), rel=0.1)
