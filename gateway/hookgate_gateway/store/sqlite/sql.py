"""
SQL kept as SQL: files of named, commented statements.

A statement begins with a line ``-- name: WORD`` and ends where the next one begins.
"""

import re
from pathlib import Path

__all__ = ["named"]

_NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


def named(file: str) -> dict[str, str]:
    """The statements of one file beside this module, by name."""
    text = (Path(__file__).parent / file).read_text(encoding="utf-8")
    parts = _NAME.split(text)
    return {name: body.strip() for name, body in zip(parts[1::2], parts[2::2], strict=True)}
