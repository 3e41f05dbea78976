"""
What a word of the ``hookgate`` command is: the contract between the command line and those who add to it.

A package adds a word by an entry point in the group ``hookgate.commands`` that names a
:class:`Command`. Its module must be cheap to import (``hookgate --help`` imports all of them): heavy
imports belong into the functions, inside :func:`needs_extra`.
"""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

__all__ = ["ENTRY_POINTS", "USED_WRONGLY", "Command", "MissingExtra", "needs_extra"]

ENTRY_POINTS = "hookgate.commands"
USED_WRONGLY = 2
"""The exit code of a command that was told nonsense, as argparse has it."""


class Command(Protocol):
    """One word of the command line."""

    @property
    def summary(self) -> str:
        """One line for ``hookgate --help``."""
        ...

    def arguments(self, parser: ArgumentParser) -> None:
        """Describe the command and add its arguments; asked only when the command was chosen."""
        ...

    def run(self, arguments: Namespace) -> int:
        """Do it and return the exit code."""
        ...


class MissingExtra(Exception):
    """The command's libraries are not installed; ``extra`` brings them."""

    def __init__(self, extra: str, module: str) -> None:
        super().__init__(f"needs `pip install 'hookgate[{extra}]'` (there is no {module})")
        self.extra = extra


@contextmanager
def needs_extra(extra: str) -> Iterator[None]:
    """Turn a missing library, imported within, into :class:`MissingExtra`.

    A missing module of hookgate's own is a bug and stays what it is.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        module = error.name or "?"
        if module.partition(".")[0].startswith("hookgate"):
            raise
        raise MissingExtra(extra, module) from error
