"""Pages of the documentation: their code blocks by the comment in front of each, their headings."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True, slots=True)
class Block:
    """A code block. `marker` is what the comment in front of it says, such as `run: install`."""

    marker: str
    language: str
    text: str


def blocks(page: str) -> list[Block]:
    """The code blocks of a page, in order; those without a comment have no marker."""
    text = (ROOT / page).read_text()
    found = re.findall(r"(?:<!-- ([^>]*) -->\n)?```(\w*)\n(.*?)```", text, re.DOTALL)
    return [Block(marker, language, content) for marker, language, content in found]


def marked(page: str, kind: str) -> dict[str, str]:
    """The blocks whose comment is `kind: NAME`, by their name."""
    parts = ((each.marker.partition(": "), each.text) for each in blocks(page))
    return {name: text for (of, _, name), text in parts if of == kind}
